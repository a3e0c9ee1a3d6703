// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	"github.com/go-logr/logr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// Levels of the log. At 0 is what changed, a line for each fact, and nothing in steady state.
const (
	// logDecisions has what the operator is about to do, and what it waits for.
	logDecisions = 1
	// logCalls has every pass and every call.
	logCalls = 2
)

// logAt returns the logger of a level, and whether anybody reads it. Nothing is made for a line that nobody reads: a pass
// that learns nothing costs no memory for its log.
func logAt(ctx context.Context, level int) (logr.Logger, bool) {
	log := logr.FromContextOrDiscard(ctx).V(level)
	return log, log.Enabled()
}

// logFacts logs facts, once they are stored.
func logFacts(ctx context.Context, facts []fact) {
	log := logr.FromContextOrDiscard(ctx)
	for _, f := range facts {
		if f.line.message != "" {
			log.V(f.line.level).Info(f.line.message, f.line.values...)
		}
	}
}

// logIntent tells of a setSettings that is about to be made.
func logIntent(ctx context.Context, settings []string, record *v1alpha1.ApplyRecord) {
	if log, ok := logAt(ctx, logDecisions); ok {
		log.Info("Writing settings", "settings", settings, "reason", record.Reason, "attempt", record.Attempt)
	}
}

// logReboot tells of a reboot that is about to be made.
func logReboot(ctx context.Context, reason plan.RebootReason) {
	if log, ok := logAt(ctx, logDecisions); ok {
		log.Info("Rebooting", "reason", reason)
	}
}

// logUnknown tells that a call broke off.
func logUnknown(ctx context.Context, err error) {
	if log, ok := logAt(ctx, logDecisions); ok {
		log.Info("The outcome of the call is not known", "cause", err.Error())
	}
}

// logPass tells what a pass waits for, and how it went.
func (r *Reconciler) logPass(ctx context.Context, p *pass, next time.Duration) {
	if log, ok := logAt(ctx, logDecisions); ok && p.end != nil {
		log.Info("The pass ended early", "cause", p.end.Error(), "next", next.String())
	}
	if log, ok := logAt(ctx, logCalls); ok {
		log.Info("Pass finished", "state", p.looked.State, "settings", p.looked.Settings, "account", p.looked.Account,
			"took", r.Clock.Since(p.now).String(), "next", next.String())
	}
}

// logCall tells of a call to the vendor. The client's errors hold no secret (R24).
func (r *Reconciler) logCall(ctx context.Context, method string, begun time.Time, err error) {
	log, ok := logAt(ctx, logCalls)
	if !ok {
		return
	}
	if err != nil {
		log.Info("Called", "method", method, "took", r.Clock.Since(begun).String(), "cause", err.Error())
		return
	}
	log.Info("Called", "method", method, "took", r.Clock.Since(begun).String())
}
