// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// ending is what ends something that goes on.
type ending = func(context.Context) error

// each does something with the lines of an event.
func (w *world) each(e event, do func(*line)) {
	for _, i := range e.Lines {
		do(w.lines[i])
	}
}

// delayOf is a delay that no other event of a history asks for, as far as there are that many.
func (e event) delayOf() int32 { return int32(600 + e.Value%9000) }

// changeLines is a commit that changes settings of the lines of an event.
func (w *world) changeLines(e event) {
	w.each(e, func(l *line) {
		l.want(func(wish *wish) { wish.delay, wish.incoming = e.delayOf(), e.Value%2 == 0 })
	})
}

func change(_ context.Context, w *world, e event) (ending, error) {
	w.changeLines(e)
	return nil, nil
}

func badCommit(_ context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) { l.want(func(wish *wish) { wish.delay = badDelay }) })
	return func(context.Context) error { w.changeLines(e); return nil }, nil
}

func consoleEdit(_ context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) {
		w.vendor.Edit(l.id, map[string]any{"delaySendMessagesMilliseconds": int(e.delayOf()) + 1})
	})
	return nil, nil
}

func shutWindow(_ context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) { l.want(func(wish *wish) { wish.shut = true }) })
	w.changeLines(e)
	return func(context.Context) error {
		w.each(e, func(l *line) { l.want(func(wish *wish) { wish.shut = false }) })
		return nil
	}, nil
}

func move(_ context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) {
		l.want(func(wish *wish) {
			if wish.shard == shardA {
				wish.shard = shardB
			} else {
				wish.shard = shardA
			}
		})
	})
	return nil, nil
}

func touchSecret(ctx context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) {
		patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"annotations":{"touched":"%d"}}}`, e.Value))
		// Where the API server is down nobody touches anything.
		_ = w.admin.Patch(ctx, l.secret(), patch)
	})
	return nil, nil
}

func rotateToken(_ context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) { w.vendor.RotateToken(l.id, fmt.Sprintf("chaos-%d-%d", l.number, e.Value)) })
	return w.tokensFollow(e), nil
}

// tokensFollow puts the tokens that the vendor takes into the Secrets of the lines of an event.
func (w *world) tokensFollow(e event) ending {
	return func(context.Context) error {
		w.each(e, func(l *line) {
			at, _ := w.vendor.Get(l.id)
			l.setToken(at.Token)
		})
		return nil
	}
}

func wrongToken(_ context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) { l.setToken(fmt.Sprintf("chaos-wrong-%d", e.Value)) })
	return w.tokensFollow(e), nil
}

func deleteSecret(ctx context.Context, w *world, e event) (ending, error) {
	// It is made anew when what is in Git is applied next.
	w.each(e, func(l *line) { _ = w.admin.Delete(ctx, l.secret()) })
	return nil, nil
}

// ask has somebody ask for something by an annotation of the lines of an event.
func ask(once func(*wish)) func(context.Context, *world, event) (ending, error) {
	return func(_ context.Context, w *world, e event) (ending, error) {
		w.each(e, func(l *line) { l.want(once) })
		return nil, nil
	}
}

// claimNames is how many claims there may be: a few more than the account's limit.
const claimNames = mostInstances + 4

func claimName(number int) string { return fmt.Sprintf("claim-%d", number) }

func changeClaims(_ context.Context, w *world, e event) (ending, error) {
	w.claims.edit(func(wanted map[string]v1alpha1.DeletionPolicy) {
		for i := range 3 {
			name := claimName((e.Value + 7*i) % claimNames)
			if _, there := wanted[name]; there && i > 0 {
				delete(wanted, name)
				continue
			}
			wanted[name] = []v1alpha1.DeletionPolicy{v1alpha1.DeletionRetain, v1alpha1.DeletionDelete}[e.Value/64%2]
		}
	})
	return nil, nil
}

// loseAnswer changes lines, and the answer of the write of each is lost after it took effect.
func loseAnswer(_ context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) {
		w.vendor.Fault(emulator.Fault{ID: l.id, Method: "setSettings", Drop: e.Value%2 == 0, Status: []int{0, 504}[e.Value%2], AfterEffect: true})
	})
	w.changeLines(e)
	return nil, nil
}

// arriveLate changes lines, and the write of each arrives after its caller has given up.
func arriveLate(_ context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) {
		w.vendor.Fault(emulator.Fault{ID: l.id, Method: "setSettings", DelayBefore: callTimeout + 2*time.Second, KeepWaiting: true})
	})
	w.changeLines(e)
	return nil, nil
}

func refuse(_ context.Context, w *world, e event) (ending, error) {
	methods := []string{"", "getStateInstance", "getSettings", "setSettings", "getInstances"}
	w.vendor.Fault(emulator.Fault{Method: methods[e.Value%len(methods)], Status: []int{429, 500, 502, 503}[e.Value/8%4], Times: 1 + e.Value/64%20})
	return nil, nil
}

// useUpQuota has calls answered 466, after which an hour is waited unless somebody asks.
func useUpQuota(_ context.Context, w *world, e event) (ending, error) {
	w.vendor.Fault(emulator.Fault{Method: []string{"getSettings", "setSettings"}[e.Value%2], Status: 466, Times: 1 + e.Value/64%10})
	return func(context.Context) error {
		w.vendor.ClearFaults()
		for _, l := range w.lines {
			l.want(func(wish *wish) { wish.looks++ })
		}
		return nil
	}, nil
}

func hang(_ context.Context, w *world, e event) (ending, error) {
	w.each(e, func(l *line) { w.vendor.Fault(emulator.Fault{ID: l.id, Hang: true, Times: 5}) })
	return nil, nil
}

// lie lets lines keep nothing of what they are told, and tells them something.
func lie(_ context.Context, w *world, e event) (ending, error) {
	keep := func(names ...string) {
		w.each(e, func(l *line) { w.vendor.Update(l.id, func(in *emulator.Instance) { in.Behavior.NeverKept = names }) })
	}
	keep("*")
	w.changeLines(e)
	return func(context.Context) error { keep(); return nil }, nil
}

func losePurchase(_ context.Context, w *world, e event) (ending, error) {
	fault := emulator.Fault{Method: "createInstance", Drop: true, AfterEffect: true, Partner: &emulator.PartnerBehavior{Late: time.Duration(e.Value%2) * time.Second}}
	w.vendor.Fault(fault)
	return nil, nil
}

func oddList(_ context.Context, w *world, e event) (ending, error) {
	w.vendor.Fault(emulator.Fault{Method: "getInstances", Times: 1 + e.Value%3, Partner: &emulator.PartnerBehavior{List: []string{emulator.ListEmpty, emulator.ListForeign}[e.Value/4%2]}})
	return nil, nil
}

func takeSnapshot(_ context.Context, w *world, _ event) (ending, error) {
	if w.plane.etcd.pid() == 0 {
		return nil, nil
	}
	return nil, w.plane.take(filepath.Join(w.directory, "snapshot"))
}

func restoreSnapshot(_ context.Context, w *world, _ event) (ending, error) {
	if w.plane.snapshot == "" {
		return nil, nil
	}
	return nil, w.plane.restore()
}
