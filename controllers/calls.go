// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// calls are functions that run side by side within one pass. A panic in one of them would end the process; here it goes on
// in the pass, where it is recovered and costs no other resource anything.
type calls struct {
	running  sync.WaitGroup
	panicked atomic.Pointer[string]
}

// start runs a function beside the others.
func (c *calls) start(f func()) {
	c.running.Go(func() {
		defer func() {
			if value := recover(); value != nil {
				c.panicked.Store(new(fmt.Sprintf("%v\n%s", value, debug.Stack())))
			}
		}()
		f()
	})
}

// wait waits for all of them.
func (c *calls) wait() {
	c.running.Wait()
	if text := c.panicked.Load(); text != nil {
		panic(*text)
	}
}
