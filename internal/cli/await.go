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

// await reads resources until each has reached what is waited for, is stalled, or the time is over. It prints what
// changes meanwhile.
func (s *session) await(ctx context.Context, cluster client.Reader, instances []v1alpha1.Instance, w waiting, how func(v1alpha1.Instance, time.Duration) stage) error {
	began := s.clock.Now()
	shown := make([]string, len(instances))
	open, stuck := len(instances), false
	done := make([]bool, len(instances))
	// stalled is the first that is stuck.
	var stalled v1alpha1.Instance
	for {
		waited := s.clock.Since(began)
		var failure error
		inOrder(len(instances), func(i int) error {
			if done[i] {
				return nil
			}
			return explain(cluster.Get(ctx, client.ObjectKeyFromObject(instances[i]), instances[i]), title(instances[i]))
		}, func(i int, err error) {
			instance := instances[i]
			if failure = cmp.Or(failure, err); failure != nil || done[i] {
				return
			}
			if line := howItGoes(instance); line != shown[i] {
				shown[i] = line
				fmt.Fprintf(s.Out, "%4.0fs  %s: %s\n", waited.Seconds(), title(instance), line)
			}
			if at := how(instance, waited); at != stageOpen {
				if at == stageStuck && !stuck {
					stalled, stuck = instance, true
				}
				done[i] = true
				open--
			}
		})
		switch {
		case failure != nil:
			return failure
		case open == 0 && stuck:
			return &problem{what: "Somebody has to act on what is stalled", next: "See kubectl greenapi status " + advice.Argument(stalled), code: exitNo}
		case open == 0:
			return nil
		case waited >= w.timeout:
			return &problem{what: fmt.Sprintf("%d of %d are not done after %s", open, len(instances), w.timeout),
				next: "See kubectl greenapi status " + advice.Argument(instances[slices.Index(done, false)]) + ", or wait longer with --timeout", code: exitNo}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.clock.After(lookEvery):
		}
	}
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
