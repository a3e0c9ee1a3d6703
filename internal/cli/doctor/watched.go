// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
)

// checkLookedAfter says whether somebody looks after every resource.
func (e *examination) checkLookedAfter() Check {
	c := Check{Name: "Looked after", Verdict: OK, Message: fmt.Sprintf("every instance was looked at (%d)", len(e.instances))}
	if len(e.instances) == 0 {
		c.Message = "there are no instances"
		return c
	}
	by := e.sortByCare()
	if len(by.young) > 0 {
		c.Message = fmt.Sprintf("every instance was looked at, but for those of the last minute (%d of %d)", len(by.young), len(e.instances))
	}
	if len(by.stale) > 0 {
		c.Verdict, c.Message = Warning, "the vendor does not answer for some"
		c.Details = append(c.Details, fmt.Sprintf("Not answered for some time (%d): %s", len(by.stale), namesOf(by.stale)), advice.NextStep(v1alpha1.ReasonObservationStale))
	}
	if len(by.left) > 0 {
		c.Details = append(c.Details, fmt.Sprintf("Edited more than a minute ago, and not looked at since (%d): %s", len(by.left), namesOf(by.left)))
	}
	if len(by.never) > 0 {
		c.Details = append(c.Details, fmt.Sprintf("Never looked at (%d): %s", len(by.never), namesOf(by.never)))
	}
	if len(by.alone) > 0 {
		c.Details = append(c.Details, "Is the manager running, does it watch their namespaces (--watch-namespaces), and have they the labels that it wants (--watch-label-selector)?")
	}
	e.judgeOutside(&c, by.outside)
	if len(by.left)+len(by.never) > 0 {
		c.Verdict, c.Message = Problem, "nobody looks after some"
	}
	return c
}

// care has the resources by who looks after them.
type care struct {
	never, left, stale, young []v1alpha1.Instance
	// outside are those that no manager watches. alone are those that one watches, and nobody looked at.
	outside, alone []v1alpha1.Instance
}

func (e *examination) sortByCare() care {
	var by care
	for _, instance := range e.instances {
		ready := apimeta.FindStatusCondition(instance.InstanceStatus().Conditions, v1alpha1.ReadyCondition)
		watched := e.watched(instance)
		if !watched {
			by.outside = append(by.outside, instance)
		}
		switch {
		case advice.Unseen(instance, e.Now):
			by.never = append(by.never, instance)
		case ready == nil:
			by.young = append(by.young, instance)
			continue
		case advice.Behind(instance) && e.Now.Sub(edited(instance)) > advice.UnseenAfter && ready.Status == metav1.ConditionTrue:
			by.left = append(by.left, instance)
		case ready.Reason == v1alpha1.ReasonObservationStale && watched:
			by.stale = append(by.stale, instance)
			continue
		default:
			continue
		}
		if watched {
			by.alone = append(by.alone, instance)
		}
	}
	return by
}

// watched reports whether a manager that was found watches a resource. Where none was found, or its flags could not be
// read, nothing says that it does not.
func (e *examination) watched(instance v1alpha1.Instance) bool {
	return slices.ContainsFunc(e.running, func(f managerflags.Flags) bool { return f.Watches(instance) })
}

// judgeOutside tells of the resources that no manager watches. A status from earlier days does not say that it is old, so
// the flags are all that tells.
func (e *examination) judgeOutside(c *Check, outside []v1alpha1.Instance) {
	n := len(outside)
	if n == 0 {
		return
	}
	subject := fmt.Sprintf("%d instances are", n)
	if n == 1 {
		subject = "1 instance is"
	}
	c.Details = append(c.Details, subject+" watched by no manager that was found: "+namesOf(outside))
	if e.mayBeOthers() {
		c.worsen(Warning)
		c.Message = "perhaps nobody looks after some"
		c.Details = append(c.Details, "If a manager that you may not see, or one outside this cluster, watches them, all is well. Else:")
	} else {
		c.Verdict, c.Message = Problem, "nobody looks after some"
	}
	c.Details = append(c.Details, "Widen --watch-namespaces or --watch-label-selector of a manager, or give them the labels that it wants. Till then what their status says may be old")
}

// mayBeOthers reports whether there may be managers that were not found: their Deployments could not be listed
// everywhere, or somebody holds a lease in a namespace where none was found.
func (e *examination) mayBeOthers() bool {
	return e.managersNarrowed || slices.ContainsFunc(e.leases, func(lease coordinationv1.Lease) bool {
		return e.fresh(lease) && !slices.ContainsFunc(e.managers, func(manager appsv1.Deployment) bool { return manager.Namespace == lease.Namespace })
	})
}

// edited is when somebody last wrote something else than the status; zero where nobody knows.
func edited(instance v1alpha1.Instance) time.Time {
	var last time.Time
	for _, entry := range instance.GetManagedFields() {
		if entry.Subresource == "" && entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}
