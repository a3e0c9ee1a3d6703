// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
)

// waiting says whether and for how long a verb waits for what it asked for.
type waiting struct {
	wait    bool
	timeout time.Duration
	// line sums up a resource meanwhile; nil is howItGoes.
	line func(v1alpha1.Instance) string
}

func (w *waiting) bind(command *cobra.Command) {
	command.Flags().BoolVar(&w.wait, "wait", false, "Wait until it is done, and show how it goes")
	command.Flags().DurationVar(&w.timeout, "timeout", 10*time.Minute, "How long --wait waits")
}

// stage is how far something is that is waited for.
type stage int

const (
	stageOpen stage = iota
	stageDone
	// stageStuck: it is not reached before a person acts.
	stageStuck
)

// lookEvery is how often a resource is read while somebody waits for it. Reading needs fewer rights than watching.
const lookEvery = time.Second

// awaited is a resource that somebody waits for.
type awaited struct {
	resource v1alpha1.Instance
	line     func(v1alpha1.Instance) string
	// shown is what was printed of it last.
	shown       string
	done, stuck bool
}

// await reads resources until each has reached what is waited for, is stalled, or the time is over. It prints what
// changes meanwhile.
func (s *session) await(ctx context.Context, cluster client.Reader, instances []v1alpha1.Instance, w waiting, how func(v1alpha1.Instance, time.Duration) stage) error {
	began := s.clock.Now()
	line := w.line
	if line == nil {
		line = howItGoes
	}
	all := make([]*awaited, len(instances))
	for i, resource := range instances {
		all[i] = &awaited{resource: resource, line: line}
	}
	for {
		waited := s.clock.Since(began)
		if err := s.lookAt(ctx, cluster, all, waited, how); err != nil {
			return err
		}
		open := slices.DeleteFunc(slices.Clone(all), func(a *awaited) bool { return a.done })
		stuck := slices.IndexFunc(all, func(a *awaited) bool { return a.stuck })
		switch {
		case len(open) == 0 && stuck >= 0:
			return &problem{what: "Somebody has to act on what is stalled", next: "See kubectl greenapi status " + advice.Argument(all[stuck].resource), code: exitNo}
		case len(open) == 0:
			return nil
		case waited >= w.timeout:
			return &problem{what: fmt.Sprintf("%d of %d are not done after %s", len(open), len(all), w.timeout),
				next: "See kubectl greenapi status " + advice.Argument(open[0].resource) + ", or wait longer with --timeout", code: exitNo}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.clock.After(lookEvery):
		}
	}
}

// lookAt reads those that are not done, and prints what changed.
func (s *session) lookAt(ctx context.Context, cluster client.Reader, all []*awaited, waited time.Duration, how func(v1alpha1.Instance, time.Duration) stage) error {
	var failure error
	inOrder(len(all), func(i int) error {
		if all[i].done {
			return nil
		}
		return explain(cluster.Get(ctx, client.ObjectKeyFromObject(all[i].resource), all[i].resource), advice.Title(all[i].resource))
	}, func(i int, err error) {
		a := all[i]
		if failure = cmp.Or(failure, err); failure != nil || a.done {
			return
		}
		if line := a.line(a.resource); line != a.shown {
			a.shown = line
			fmt.Fprintf(s.Out, "%4.0fs  %s: %s\n", waited.Seconds(), advice.Title(a.resource), line)
		}
		at := how(a.resource, waited)
		a.done, a.stuck = at != stageOpen, at == stageStuck
	})
	return failure
}

// howItGoes sums up a resource in one line.
func howItGoes(i v1alpha1.Instance) string {
	state := i.InstanceStatus().StateInstance
	if state == "" {
		state = "state not known"
	}
	if paused := conditionOf(i, v1alpha1.PausedCondition); paused != nil {
		return "paused, " + state
	}
	ready := conditionOf(i, v1alpha1.ReadyCondition)
	if ready == nil {
		return "not looked at yet"
	}
	return fmt.Sprintf("%s, %s: %s", state, ready.Reason, ready.Message)
}

func conditionOf(i v1alpha1.Instance, name string) *metav1.Condition {
	return apimeta.FindStatusCondition(i.InstanceStatus().Conditions, name)
}

// observed reports whether the status speaks of the present generation.
func observed(i v1alpha1.Instance) bool {
	return i.InstanceStatus().ObservedGeneration == i.GetGeneration()
}

// fulfilled reports whether the operator has done its job for the present generation.
func fulfilled(i v1alpha1.Instance) bool {
	return observed(i) && apimeta.IsStatusConditionTrue(i.InstanceStatus().Conditions, v1alpha1.ReadyCondition)
}

// stalledNow reports whether a person has to act on the present generation.
func stalledNow(i v1alpha1.Instance) bool {
	stalled := conditionOf(i, v1alpha1.StalledCondition)
	return stalled != nil && stalled.ObservedGeneration == i.GetGeneration() && observed(i) && conditionOf(i, v1alpha1.PausedCondition) == nil
}
