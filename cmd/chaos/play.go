// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// settleTime is within which everything is in order once nothing goes wrong any more.
const settleTime = 5 * time.Minute

// outcome is what came of a run.
type outcome struct {
	broken                 []found
	events, restarts, sold int
	// logs is the directory with what all processes said, "" if nothing was broken.
	logs string
}

// play plays a history in a world of its own and judges it. The error is one of the run itself.
func play(ctx context.Context, o options, h history, say func(string, ...any)) (outcome, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w, err := newWorld(ctx, o, stop)
	var out outcome
	if err == nil {
		out, err = w.play(ctx, h, say)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	keep := err != nil || len(out.broken) > 0
	if keep {
		out.logs = w.directory
	}
	return out, errors.Join(err, w.close(keep))
}

func (w *world) play(ctx context.Context, h history, say func(string, ...any)) (outcome, error) {
	var (
		out outcome
		mu  sync.Mutex
	)
	report := func(what ...string) {
		mu.Lock()
		defer mu.Unlock()
		for _, text := range what {
			out.broken = append(out.broken, found{time.Since(w.begun), text})
			say("BROKEN: %s", text)
		}
	}
	if err := w.startManagers(ctx); err != nil {
		return out, err
	}
	going, halt := context.WithCancel(ctx)
	var helpers sync.WaitGroup
	defer func() { halt(); helpers.Wait() }()
	helpers.Go(func() { w.sync(going) })
	if err := w.settle(ctx, nil, say); err != nil {
		return out, fmt.Errorf("the fleet was not adopted: %w", err)
	}
	w.begun, w.restored = time.Now(), h.count(restore) > 0
	helpers.Go(func() { w.watch(going, func(what string) { report(what) }) })
	grown := w.measure(going)
	if err := w.happen(ctx, h, say); err != nil {
		return out, err
	}
	w.recover(ctx)
	fixed := map[int]bool{}
	if err := w.settle(ctx, fixed, say); err != nil {
		if ctx.Err() != nil {
			return out, err
		}
		report(err.Error())
	}
	halt()
	helpers.Wait()
	report(grown(ctx)...)
	for _, l := range w.lines {
		report(judgeRestarts(l.String(), w.vendor.Restarts(l.id), h.allowed(l.number, fixed[l.number]))...)
		out.restarts += w.vendor.Restarts(l.id)
	}
	for _, entry := range w.vendor.Sold("") {
		report(judgeRestarts(fmt.Sprintf("the line that was bought as %q", entry.Name), w.vendor.Restarts(entry.ID), h.allowedOfClaimed())...)
	}
	report(judgeLedger(w.vendor.Ledger(), mostInstances, w.begun)...)
	out.sold, out.events = len(w.vendor.Sold("")), len(h)
	return out, ctx.Err()
}

// happen lets everything of a history happen, and ends what goes on at the end.
func (w *world) happen(ctx context.Context, h history, say func(string, ...any)) error {
	var ends sync.WaitGroup
	for _, e := range h {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(w.begun.Add(e.At))):
		}
		if ctx.Err() != nil {
			break
		}
		say("%6.1f s  %s%s", time.Since(w.begun).Seconds(), e.What, places(e))
		end, err := kindOf(e.What).act(ctx, w, e)
		if err != nil {
			return fmt.Errorf("%s: %w", e.What, err)
		}
		if end == nil {
			continue
		}
		over := w.troubled()
		ends.Go(func() {
			select {
			case <-ctx.Done():
			case <-time.After(e.For):
			}
			if err := end(ctx); err != nil {
				w.broken(fmt.Errorf("%s, its end: %w", e.What, err))
			}
			over()
		})
	}
	ends.Wait()
	return context.Cause(ctx)
}

func places(e event) string {
	if len(e.Lines) == 0 {
		return ""
	}
	return fmt.Sprintf(" (lines %v)", e.Lines)
}

// recover takes the causes of everything away: what is wrong from now on has to end by itself.
func (w *world) recover(ctx context.Context) {
	w.vendor.ClearFaults()
	for _, k := range slices.Concat(w.managers, []*kept{w.plane.etcd, w.plane.server}) {
		k.signal(syscall.SIGCONT)
		k.release()
	}
	for _, m := range w.managers {
		if err := w.setClockOf(m.name, 0); err != nil {
			w.broken(err)
		}
	}
	// An account whose list was somebody else's is looked at anew once a person says that it is right, or after ten minutes.
	account := &v1alpha1.PartnerAccount{}
	account.Name = reseller
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.ReconcileRequestedAtAnnotation, time.Now().Format(time.RFC3339Nano))
	if err := w.until(ctx, "the account is asked to be looked at", func() error {
		return w.admin.Patch(ctx, account, client.RawPatch("application/merge-patch+json", patch))
	}); err != nil {
		w.broken(err)
	}
}

// settle waits until every line is in order, and every claim that may be. A line that the operator gave up on, and said so, gets a
// commit that mends it, and is noted in fixed; nil if none may be given up.
func (w *world) settle(ctx context.Context, fixed map[int]bool, say func(string, ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	last := "nothing could be seen"
	for {
		wrong, err := w.wrong(ctx, fixed, say)
		switch {
		case err == nil && wrong == "":
			return nil
		case err == nil:
			last = wrong
		case ctx.Err() == nil && !apierrors.IsTimeout(err):
			last = err.Error()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s, %s after the last trouble", last, settleTime)
		case <-time.After(time.Second):
		}
	}
}

// wrong says what is not in order yet, "" if all is.
func (w *world) wrong(ctx context.Context, fixed map[int]bool, say func(string, ...any)) (string, error) {
	seen, err := w.views(ctx)
	if err != nil {
		return "", err
	}
	wrong := ""
	for _, l := range w.lines {
		v := seen[l]
		if fixed != nil && v.gaveUp() && !fixed[l.number] {
			say("%s gave up with %s: a commit mends it", l, v.stalled)
			fixed[l.number] = true
			l.want(func(wish *wish) { wish.delay = wish.delay%9000 + 601 })
		}
		if !v.inOrder() && wrong == "" {
			wrong = fmt.Sprintf("%s is not in order (%s)", l, v)
		}
	}
	if wrong != "" {
		return wrong, nil
	}
	return w.claimsWrong(ctx)
}

// claimsWrong says which claim is not as it should be, "" if all are: created, or waiting for the account's limit. Where etcd was restored, a
// Secret or a status may name an instance that was deleted since; nothing is bought in its place (P5).
func (w *world) claimsWrong(ctx context.Context) (string, error) {
	wanted, gone := w.claims.all(), map[int64]bool{}
	if w.restored {
		gone = deleted(w.vendor.Ledger())
	}
	claims := &v1alpha1.InstanceClaimList{}
	if err := w.admin.List(ctx, claims, client.InNamespace(claimNamespace)); err != nil {
		return "", err
	}
	there := 0
	for i := range claims.Items {
		claim := &claims.Items[i]
		created := apimeta.FindStatusCondition(claim.Status.Conditions, v1alpha1.CreatedCondition)
		_, keeps := wanted[claim.Name]
		switch {
		case !keeps:
			return fmt.Sprintf("claim %s is still there", claim.Name), nil
		case created == nil:
			return fmt.Sprintf("claim %s has no condition Created", claim.Name), nil
		case created.Status != "True" && created.Reason != v1alpha1.ReasonLimitReached && !gone[claim.Status.IDInstance]:
			return fmt.Sprintf("claim %s is not created (%s: %s)", claim.Name, created.Reason, created.Message), nil
		}
		there++
	}
	if there != len(wanted) {
		return fmt.Sprintf("%d of %d claims are there", there, len(wanted)), nil
	}
	return "", nil
}
