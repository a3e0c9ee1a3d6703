// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/go-logr/logr"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// TestALogThatNobodyReadsCostsNothing: what a pass logs at levels that are off, and in steady state at the one that is on,
// takes no memory.
func TestALogThatNobodyReadsCostsNothing(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &Reconciler{Shared: &Shared{Clock: clocktesting.NewFakePassiveClock(now)}}
	status := v1alpha1.InstanceStatus{StateInstance: states.Authorized, Apply: &v1alpha1.ApplyRecord{Outcome: v1alpha1.OutcomeConfirmed}}
	p := &pass{now: now, original: status, stored: status, end: &waiting{after: time.Second}}
	ctx := logr.NewContext(context.Background(), zap.New(zap.WriteTo(io.Discard)))
	failure := errors.New("it failed")
	for name, log := range map[string]func(){
		"facts":  func() { logFacts(ctx, p.facts()) },
		"pass":   func() { r.logPass(ctx, p, time.Second) },
		"call":   func() { r.logCall(ctx, "getSettings", now, failure) },
		"intent": func() { logIntent(ctx, nil, status.Apply) },
	} {
		if n := testing.AllocsPerRun(100, log); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
