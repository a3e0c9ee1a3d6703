// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
)

// wantedOf leaves of resources those that are asked for.
func (v *statusVerb) wantedOf(found []v1alpha1.Instance) []v1alpha1.Instance {
	if !v.problems {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(i v1alpha1.Instance) bool { return sorted(i, v.clock.Now()) != sortProblem })
}

// The sorts of resources, in the order of the summary.
const (
	sortFine    = "fine"
	sortWaiting = "waiting"
	sortPaused  = "paused"
	sortProblem = "with a problem"
)

// sorted says in which column of a summary a resource is. A problem is what a person has to act on, and what fails.
func sorted(instance v1alpha1.Instance, now time.Time) string {
	how := advice.Assess(instance, now)
	switch {
	case instance.Core().Paused, conditionOf(instance, v1alpha1.PausedCondition) != nil:
		return sortPaused
	case advice.MayBeNew(instance):
		return sortWaiting
	case how.Mood == advice.NeedsYou, conditionStatus(instance, v1alpha1.ReadyCondition) == string(metav1.ConditionFalse), stale(instance):
		return sortProblem
	case how.Mood == advice.Fine:
		return sortFine
	default:
		return sortWaiting
	}
}

func stale(instance v1alpha1.Instance) bool {
	ready := conditionOf(instance, v1alpha1.ReadyCondition)
	return ready != nil && ready.Reason == v1alpha1.ReasonObservationStale
}

// summary counts resources by how they are.
func summary(found []v1alpha1.Instance, now time.Time) string {
	count := map[string]int{}
	for _, instance := range found {
		count[sorted(instance, now)]++
	}
	var parts []string
	for _, sort := range []string{sortFine, sortWaiting, sortPaused, sortProblem} {
		if count[sort] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[sort], sort))
		}
	}
	if len(found) == 1 {
		return "1 instance: " + parts[0]
	}
	return fmt.Sprintf("%d instances: %s", len(found), strings.Join(parts, ", "))
}
