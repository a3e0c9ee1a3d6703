// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// sideBySide runs functions at the same time and waits for all of them. The last one runs on the caller's goroutine, whose
// stack has room already: most passes make one call only. A panic in another goroutine would end the process; so it goes
// on here, once all are over, where it is recovered and costs no other resource anything.
func sideBySide(functions []func()) {
	if len(functions) == 0 {
		return
	}
	var (
		running  sync.WaitGroup
		panicked atomic.Pointer[string]
	)
	guarded := func(f func()) {
		defer func() {
			if value := recover(); value != nil {
				panicked.Store(new(fmt.Sprintf("%v\n%s", value, debug.Stack())))
			}
		}()
		f()
	}
	last := len(functions) - 1
	for _, f := range functions[:last] {
		running.Go(func() { guarded(f) })
	}
	guarded(functions[last])
	running.Wait()
	if text := panicked.Load(); text != nil {
		panic(*text)
	}
}
