// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// view is what was seen of a line.
type view struct {
	// answered: all that was asked for by an annotation is done with.
	ready, current, inEffect, answered bool
	// stalled is the reason of Stalled, "" if it is not; told is what Ready says.
	stalled, told string
}

func (v view) inOrder() bool { return v.ready && v.current && v.inEffect && v.answered }

// gaveUp: the operator tried as often as it may, and says that a person has to do something.
func (v view) gaveUp() bool {
	return v.current && (v.stalled == v1alpha1.ReasonSettingsNotPersisted || v.stalled == v1alpha1.ReasonDriftFlapping)
}

func (v view) String() string {
	return fmt.Sprintf("in effect at the vendor: %t, status of this generation: %t, requests answered: %t, Ready: %t (%s)", v.inEffect, v.current, v.answered, v.ready, v.told)
}

// views looks at all lines.
func (w *world) views(ctx context.Context) (map[*line]view, error) {
	known := map[string]v1alpha1.Instance{}
	for _, kind := range instance.Kinds {
		list := kind.NewList()
		if err := w.admin.List(ctx, list.(client.ObjectList)); err != nil {
			return nil, err
		}
		if err := apimeta.EachListItem(list, func(object runtime.Object) error {
			resource := object.(v1alpha1.Instance)
			known[kind.Name+resource.GetNamespace()+resource.GetName()] = resource
			return nil
		}); err != nil {
			return nil, err
		}
	}
	seen := map[*line]view{}
	for _, l := range w.lines {
		v := view{told: "there is no resource"}
		if resource := known[l.kind.Name+l.namespace()+l.name()]; resource != nil {
			v = viewOf(resource)
		}
		at, _ := w.vendor.Get(l.id)
		v.inEffect = l.inEffect(at.Settings)
		seen[l] = v
	}
	return seen, nil
}

func viewOf(resource v1alpha1.Instance) view {
	status := resource.InstanceStatus()
	v := view{current: status.ObservedGeneration == resource.GetGeneration(), ready: apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ReadyCondition)}
	asks := resource.GetAnnotations()
	v.answered = asks[v1alpha1.ReconcileRequestedAtAnnotation] == status.LastHandledReconcileAt &&
		asks[v1alpha1.ApplyRequestedAtAnnotation] == status.LastHandledApplyAt && asks[v1alpha1.RebootRequestedAtAnnotation] == status.LastHandledRebootAt
	if ready := apimeta.FindStatusCondition(status.Conditions, v1alpha1.ReadyCondition); ready != nil {
		v.told = ready.Reason + ": " + ready.Message
	}
	if stalled := apimeta.FindStatusCondition(status.Conditions, v1alpha1.StalledCondition); stalled != nil {
		v.stalled = stalled.Reason
	}
	return v
}

const (
	lookEvery = 3 * time.Second
	// wrongFor is for how long a status may say Ready though the vendor has something else, while nothing is going on: what was changed
	// in the console is read twice before it is believed.
	wrongFor = 45 * time.Second
)

// watch looks at all lines until the context ends, and tells of each that says Ready for long though it is not in effect.
func (w *world) watch(ctx context.Context, report func(string)) {
	wrong, told := map[*line]time.Time{}, map[*line]bool{}
	for {
		seen, err := w.views(ctx)
		for l, v := range seen {
			switch since := wrong[l]; {
			case err != nil || !v.ready || !v.current || v.inEffect || w.calm() < wrongFor:
				delete(wrong, l)
			case since.IsZero():
				wrong[l] = time.Now()
			case time.Since(since) > wrongFor && !told[l]:
				told[l] = true
				report(fmt.Sprintf("%s says Ready, and the vendor has other settings", l))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
	}
}

// usageOf reads what a manager takes, zero where it cannot be read, and whether it has the lease.
func (w *world) usageOf(ctx context.Context, i int) (u usage, leads bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.addresses[i]+"/metrics", http.NoBody)
	if err != nil {
		return u, false
	}
	response, err := (&http.Client{Timeout: requestTimeout, Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return u, false
	}
	defer response.Body.Close()
	scanner := bufio.NewScanner(response.Body)
	for scanner.Scan() {
		if value, ok := strings.CutPrefix(scanner.Text(), "go_goroutines "); ok {
			u.goroutines, _ = strconv.ParseFloat(value, 64)
		}
		leads = leads || strings.HasPrefix(scanner.Text(), "leader_election_master_status{") && strings.HasSuffix(scanner.Text(), " 1")
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", w.managers[i].pid()))
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 1 {
		pages, _ := strconv.ParseFloat(fields[1], 64)
		u.resident = pages * float64(os.Getpagesize())
	}
	return u, leads
}

// settled is after how long a process has what it needs for what it does, so that more is growth.
const settled = time.Minute

// role is what a process does: a standby that takes over needs more, which is no growth.
type role struct {
	start  int
	leads  bool
	since  time.Time
	usage  usage
	filled bool
}

// measure remembers, of each manager that has done the same for a while, what it took first, and says at the end what has grown.
func (w *world) measure(ctx context.Context) (grown func(context.Context) []string) {
	roles := make([]role, len(w.managers))
	look := func(ctx context.Context, i int) (now usage, same bool) {
		start := w.managers[i].started()
		now, leads := w.usageOf(ctx, i)
		if r := &roles[i]; r.start != start || r.leads != leads {
			*r = role{start: start, leads: leads, since: time.Now()}
		}
		return now, time.Since(roles[i].since) > settled
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			for i := range w.managers {
				if now, same := look(ctx, i); same && !roles[i].filled {
					roles[i].usage, roles[i].filled = now, true
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(lookEvery):
			}
		}
	}()
	return func(ctx context.Context) []string {
		<-stopped
		var broken []string
		for i, m := range w.managers {
			if now, same := look(ctx, i); same && roles[i].filled {
				broken = append(broken, flat(m.name, roles[i].usage, now)...)
			}
		}
		return broken
	}
}
