// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

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
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// examination is what doctor has looked at, once for all checks.
type examination struct {
	*session

	cluster client.Client
	now     time.Time
	// namespace that is looked at; "" is all of them.
	namespace string
	// all: no other than all namespaces will do. narrowed: all were asked for, and only the current one may be seen.
	all, narrowed bool

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
	running []managerFlags

	rights rightsFindings

	leases    []coordinationv1.Lease
	leasesErr error
}

const (
	managerLabel = "app.kubernetes.io/name"
	managerName  = "greenapi-operator"
	// leaseSuffix is how names of the manager's leases end, one per shard; those of a ring have a label.
	leaseSuffix = ".greenapi-operator.dev"
)

// chooseNamespace takes what the caller named, else all namespaces.
func (e *examination) chooseNamespace(all bool) error {
	e.all, e.now = all, e.clock.Now()
	if all || e.flags.Namespace == nil || *e.flags.Namespace == "" {
		return nil
	}
	namespace, err := e.session.namespace()
	e.namespace = namespace
	return err
}

// look reads all that the checks need. What may not be read is noted; only what makes all else useless is an error.
func (e *examination) look(ctx context.Context) error {
	e.instances, e.instancesErr = e.readInstances(ctx, e.namespace)
	if apierrors.IsForbidden(e.instancesErr) && e.namespace == "" && !e.all {
		namespace, err := e.session.namespace()
		if err != nil {
			return err
		}
		e.namespace, e.narrowed = namespace, true
		e.instances, e.instancesErr = e.readInstances(ctx, namespace)
	}
	switch err := e.instancesErr; {
	case err == nil, apimeta.IsNoMatchError(err), apierrors.IsNotFound(err), apierrors.IsForbidden(err):
	default:
		return explain(err, "The list of instances")
	}
	e.definitions = e.readDefinitions(ctx)
	managers := &appsv1.DeploymentList{}
	e.managersNarrowed, e.managersErr = e.list(ctx, managers, client.MatchingLabels{managerLabel: managerName})
	e.managers = managers.Items
	leases := &coordinationv1.LeaseList{}
	_, e.leasesErr = e.list(ctx, leases)
	for _, lease := range leases.Items {
		if strings.HasSuffix(lease.Name, leaseSuffix) || lease.Labels[sharding.RingLabel] != "" {
			e.leases = append(e.leases, lease)
		}
	}
	e.running = e.flagsOf()
	e.rights = e.readRights(ctx)
	e.secrets = e.readSecrets(ctx)
	return nil
}

func (e *examination) readInstances(ctx context.Context, namespace string) ([]v1alpha1.Instance, error) {
	var found []v1alpha1.Instance
	var unknown error
	n := 0
	for _, kind := range instance.Kinds {
		more, err := appendAll(ctx, e.cluster, found, kind, []client.ListOption{client.InNamespace(namespace)})
		if apimeta.IsNoMatchError(err) {
			// The check of the CRDs tells; the other kinds can be looked at all the same.
			unknown = err
			n++
			continue
		}
		if err != nil {
			return nil, err
		}
		found = more
	}
	if n == len(instance.Kinds) {
		return nil, unknown
	}
	return found, nil
}

// list reads from all namespaces, or from the looked-at one if the caller may read no other, and reports
// whether it is the latter.
func (e *examination) list(ctx context.Context, into client.ObjectList, options ...client.ListOption) (narrowed bool, err error) {
	err = e.cluster.List(ctx, into, options...)
	if !apierrors.IsForbidden(err) {
		return false, err
	}
	namespace := e.namespace
	if namespace == "" {
		if named, problem := e.session.namespace(); problem == nil {
			namespace = named
		}
	}
	if e.cluster.List(ctx, into, append(options, client.InNamespace(namespace))...) == nil && apimeta.LenList(into) > 0 {
		return true, nil
	}
	return false, err
}

// scope says what was looked at.
func (e *examination) scope() string {
	switch {
	case e.narrowed:
		return fmt.Sprintf("Instances of namespace %s: %d. You may not look at other namespaces; -n names another one.", e.namespace, len(e.instances))
	case e.namespace != "":
		return fmt.Sprintf("Instances of namespace %s: %d.", e.namespace, len(e.instances))
	default:
		return fmt.Sprintf("Instances of all namespaces: %d.", len(e.instances))
	}
}
