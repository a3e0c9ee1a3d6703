// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// Request says what is examined, and how to read it.
type Request struct {
	// Cluster is read, and asked what the manager may do.
	Cluster client.Client
	// ListKind reads the resources of a kind; namespace "" is all of them.
	ListKind func(ctx context.Context, kind instance.Kind, namespace string) ([]v1alpha1.Instance, error)
	// Namespace that is looked at; "" is all of them.
	Namespace string
	// All: where all namespaces may not be looked at, the current one will not do.
	All bool
	// Current names the namespace that is looked at if all may not be.
	Current func() (string, error)
	// Now is the time by the caller's clock.
	Now time.Time
}

// Examine looks at all that the caller may look at, and judges it. What may not be read is noted in the report; only what
// makes all else useless is an error.
func Examine(ctx context.Context, request Request) (Report, error) {
	e := &examination{Request: request}
	if err := e.look(ctx); err != nil {
		return Report{}, err
	}
	report := Report{Scope: e.scope(), Checks: e.checks()}
	report.Summary = report.summarize()
	return report, nil
}

// examination is what was looked at, once for all checks.
type examination struct {
	Request

	// narrowed: all namespaces were asked for, and only the current one may be seen.
	narrowed bool

	instances []v1alpha1.Instance
	// instancesErr is why instances are not known.
	instancesErr error

	definitions definitions
	secrets     secretFindings

	managers    []appsv1.Deployment
	managersErr error
	// managersNarrowed: managers were looked for in one namespace only, as the caller may list no others.
	managersNarrowed bool
	// running are the flags of the managers, or the defaults.
	running []managerflags.Flags

	rights  rightsFindings
	partner partnerFindings

	leases    []coordinationv1.Lease
	leasesErr error
}

// leaseSuffix is how names of the manager's leases end, one per shard; those of a ring have a label.
const leaseSuffix = ".greenapi-operator.dev"

// look reads all that the checks need.
func (e *examination) look(ctx context.Context) error {
	e.instances, e.instancesErr = e.readInstances(ctx, e.Namespace)
	if apierrors.IsForbidden(e.instancesErr) && e.Namespace == "" && !e.All {
		namespace, err := e.Current()
		if err != nil {
			return err
		}
		e.Namespace, e.narrowed = namespace, true
		e.instances, e.instancesErr = e.readInstances(ctx, namespace)
	}
	switch err := e.instancesErr; {
	case err == nil, apimeta.IsNoMatchError(err), apierrors.IsNotFound(err), apierrors.IsForbidden(err):
	default:
		return err
	}
	e.definitions = e.readDefinitions(ctx)
	managers := &appsv1.DeploymentList{}
	e.managersNarrowed, e.managersErr = e.list(ctx, managers, client.MatchingLabels{managerflags.Label: managerflags.Name})
	e.managers = managers.Items
	leases := &coordinationv1.LeaseList{}
	_, e.leasesErr = e.list(ctx, leases)
	for _, lease := range leases.Items {
		if strings.HasSuffix(lease.Name, leaseSuffix) || lease.Labels[sharding.RingLabel] != "" {
			e.leases = append(e.leases, lease)
		}
	}
	e.running = e.flagsOf()
	e.partner = e.readPartner(ctx)
	e.fillClaims()
	e.rights = e.readRights(ctx)
	e.secrets = e.readSecrets(ctx)
	return nil
}

func (e *examination) readInstances(ctx context.Context, namespace string) ([]v1alpha1.Instance, error) {
	var found []v1alpha1.Instance
	var unknown error
	n := 0
	for _, kind := range instance.Kinds {
		more, err := e.ListKind(ctx, kind, namespace)
		if apimeta.IsNoMatchError(err) {
			// The check of the CRDs tells; the other kinds can be looked at all the same.
			unknown = err
			n++
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	if n == len(instance.Kinds) {
		return nil, unknown
	}
	return found, nil
}

// fillClaims fills in what the claims of resources know. Who may not list claims, or has none, does with what the statuses say.
func (e *examination) fillClaims() {
	for _, resource := range e.instances {
		claim := e.partner.claimOf(resource)
		if claim != nil && instance.ClaimTrouble(claim) == "" {
			instance.Fill(resource, claim)
		}
	}
}

// list reads from all namespaces, or from the looked-at one if the caller may read no other, and reports
// whether it is the latter.
func (e *examination) list(ctx context.Context, into client.ObjectList, options ...client.ListOption) (narrowed bool, err error) {
	err = e.Cluster.List(ctx, into, options...)
	if !apierrors.IsForbidden(err) {
		return false, err
	}
	namespace := e.Namespace
	if namespace == "" {
		if named, problem := e.Current(); problem == nil {
			namespace = named
		}
	}
	if e.Cluster.List(ctx, into, append(options, client.InNamespace(namespace))...) == nil && apimeta.LenList(into) > 0 {
		return true, nil
	}
	return false, err
}

// flagsOf are the flags of the managers that were found, or the defaults.
func (e *examination) flagsOf() []managerflags.Flags {
	var all []managerflags.Flags
	for _, manager := range e.managers {
		all = append(all, managerflags.Of(manager))
	}
	if len(all) == 0 {
		all = append(all, managerflags.Defaults())
	}
	return all
}

// scope says what was looked at.
func (e *examination) scope() string {
	switch {
	case e.narrowed:
		return fmt.Sprintf("Instances of namespace %s: %d. You may not look at other namespaces; -n names another one.", e.Namespace, len(e.instances))
	case e.Namespace != "":
		return fmt.Sprintf("Instances of namespace %s: %d.", e.Namespace, len(e.instances))
	default:
		return fmt.Sprintf("Instances of all namespaces: %d.", len(e.instances))
	}
}
