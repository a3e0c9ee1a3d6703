// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"
)

// What a first status would say that only says Progressing, the schema's default for observedGeneration says as well: -1. So
// it is written only if the first look at the vendor takes longer than slowLook, or has to be waited for until
// firstLookPatience is over. Ten thousand resources are adopted with ten thousand writes.
const (
	slowLook          = time.Second
	firstLookPatience = time.Minute
)

// announcing looks, and gives a resource without conditions its first ones if that takes long, so that whoever waits for it sees
// that somebody is at work.
func (r *Reconciler) announcing(ctx context.Context, p *pass, look func()) {
	if len(p.stored.Conditions) > 0 {
		look()
		return
	}
	// All that is needed of the pass is read here, since the look goes on meanwhile.
	object, written := p.with(r.compose(p)), make(chan bool, 1)
	//nolint:forbidigo // It is real time that a person waits, and that the call of the vendor takes.
	timer := time.AfterFunc(slowLook, func() {
		ctx, cancel := context.WithTimeout(ctx, saveTimeout)
		defer cancel()
		written <- r.Client.Status().Update(ctx, object) == nil
	})
	defer func() {
		// What could not be written is no loss: the status of the whole pass follows.
		if !timer.Stop() && <-written {
			r.saved(p, object)
		}
	}()
	look()
}
