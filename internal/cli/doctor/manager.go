// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
)

// checkManager says whether a manager runs.
func (e *examination) checkManager() Check {
	c := Check{Name: "Manager", Verdict: OK}
	if err := e.managersErr; err != nil {
		if apierrors.IsForbidden(err) {
			return skipped(c.Name, "you may not list deployments in all namespaces")
		}
		return skipped(c.Name, err.Error())
	}
	if len(e.managers) == 0 {
		if slices.ContainsFunc(e.leases, e.fresh) {
			c.Message = "runs outside this cluster, or without the label " + managerflags.Label + "=" + managerflags.Name
			return c
		}
		c.Verdict, c.Message = Problem, "no Deployment with the label "+managerflags.Label+"="+managerflags.Name
		if e.leasesErr != nil {
			c.Verdict = Warning // it may run outside the cluster, and the lease that would tell may not be seen
		}
		c.Details = []string{"Install it: helm install greenapi-operator oci://ghcr.io/greenapi-operator/charts/greenapi-operator --namespace greenapi-operator-system --create-namespace",
			"Or in another way: " + home + "/blob/main/docs/installation.md"}
		return c
	}
	var names []string
	for _, manager := range e.managers {
		name := manager.Namespace + "/" + manager.Name
		names = append(names, name)
		if manager.Status.AvailableReplicas == 0 {
			c.Verdict = Problem
			c.Details = append(c.Details, fmt.Sprintf("Deployment %s has no available replica. See why: kubectl -n %s describe pods -l %s=%s", name, manager.Namespace, managerflags.Label, managerflags.Name))
		}
	}
	c.Message = "Deployment " + strings.Join(names, ", ") + " is available"
	if c.Verdict == Problem {
		c.Message = "not available"
	}
	return c
}

// graceOfClocks is how far the clocks of two computers may be apart.
const graceOfClocks = time.Minute

// fresh reports whether somebody holds a lease, as far as the clocks of this computer and the holder's agree.
func (e *examination) fresh(lease coordinationv1.Lease) bool { return e.overdue(lease) < graceOfClocks }

// overdue is how long ago a lease ended; an hour and more for one that nobody holds.
func (e *examination) overdue(lease coordinationv1.Lease) time.Duration {
	spec := lease.Spec
	if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || spec.RenewTime == nil || spec.LeaseDurationSeconds == nil {
		return time.Duration(1<<63 - 1)
	}
	return e.Now.Sub(spec.RenewTime.Add(time.Duration(*spec.LeaseDurationSeconds) * time.Second))
}

// checkLeader says whether a manager leads.
func (e *examination) checkLeader() Check {
	c := Check{Name: "Leader", Verdict: OK}
	switch err := e.leasesErr; {
	case apierrors.IsForbidden(err):
		return skipped(c.Name, "you may not list leases in all namespaces")
	case err != nil:
		return skipped(c.Name, err.Error())
	case len(e.leases) == 0:
		c.Verdict, c.Message = Warning, "no lease whose name ends with "+leaseSuffix
		c.Details = []string{"A manager without --leader-elect has none. With two replicas give it that flag, or they work side by side"}
		return c
	}
	var holders []string
	for _, lease := range e.leases {
		name, over := lease.Namespace+"/"+lease.Name, e.overdue(lease)
		switch {
		case over >= graceOfClocks:
			c.Verdict = Problem
			c.Details = append(c.Details, fmt.Sprintf("Nobody holds Lease %s. See the log of the manager: kubectl -n %s logs -l %s=%s", name, lease.Namespace, managerflags.Label, managerflags.Name))
		case over > 0:
			c.worsen(Warning)
			c.Details = append(c.Details, fmt.Sprintf("Lease %s ran out %s ago: another replica takes over, or the clock of this computer is wrong. Look again in a minute", name, duration.HumanDuration(over)))
		default:
			holders = append(holders, *lease.Spec.HolderIdentity+" holds "+name)
		}
	}
	c.Message = cmp.Or(strings.Join(holders, ", "), "nobody leads")
	return c
}
