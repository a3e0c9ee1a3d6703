// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// grantTime is how long the API server may take to notice a binding.
const grantTime = 5 * time.Second

// Groups of resources.
const (
	groupCore   = ""
	groupEvents = "events.k8s.io"
	groupLeases = "coordination.k8s.io"
)

// right is something that a user may or may not do with a kind of resource.
type right struct {
	namespace, group, resource string
	verbs                      []string
}

var (
	needed = []right{
		{namespace, v1alpha1.GroupVersion.Group, "whatsappinstances", []string{"get", "list", "watch"}},
		{namespace, v1alpha1.GroupVersion.Group, "whatsappinstances/status", []string{"update"}},
		{namespace, groupCore, "secrets", []string{"get", "list", "watch"}},
		{namespace, groupEvents, "events", []string{"create"}},
		{sandbox.RoleNamespace, groupLeases, "leases", []string{"get", "create", "update"}},
	}
	forbidden = []right{
		{namespace, v1alpha1.GroupVersion.Group, "whatsappinstances", []string{"create", "update", "patch", "delete"}},
		{namespace, groupCore, "secrets", []string{"create", "update", "patch", "delete"}},
		{namespace, groupCore, "pods", []string{"get", "create"}},
		{namespace, groupCore, "configmaps", []string{"get", "update"}},
		{namespace, groupLeases, "leases", []string{"update"}},
		{"", "*", "*", []string{"*"}},
	}
)

// rights shows that the manager is no administrator.
func (s *story) rights(ctx context.Context) {
	s.note("Its user is bound to the roles in config/rbac, as they are, and to nothing else. Asked as that user:")
	s.check(ctx, line{
		text:     "it may read instances and Secrets, write the status of instances, and make events",
		expected: "every one of these rights", within: grantTime,
		look: func(ctx context.Context) (look, error) { return s.lookForRights(ctx, needed, true) },
	})
	s.check(ctx, line{
		text:     "it may not write a spec or a Secret, create a Pod, or read a ConfigMap",
		expected: "none of these rights", within: grantTime,
		look: func(ctx context.Context) (look, error) { return s.lookForRights(ctx, forbidden, false) },
	})
	s.do(ctx, "the manager is started", s.startManager)
	s.check(ctx, line{
		text:     "the manager is at work: it holds its lease",
		expected: "a lease with a holder in the namespace " + sandbox.RoleNamespace, within: sandbox.StartTime,
		look: s.lookForLease,
	})
}

// lookForRights asks the API server, as the manager's user, whether all rights are as they should be.
func (s *story) lookForRights(ctx context.Context, rights []right, should bool) (look, error) {
	manager, err := client.New(s.managerConfig, client.Options{Scheme: s.scheme})
	if err != nil {
		return look{}, err
	}
	var wrong []string
	for _, r := range rights {
		resource, subresource, _ := strings.Cut(r.resource, "/")
		for _, verb := range r.verbs {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Namespace: r.namespace, Verb: verb, Group: r.group, Resource: resource, Subresource: subresource,
				},
			}}
			if err := manager.Create(ctx, review); err != nil {
				return look{}, err
			}
			if review.Status.Allowed != should {
				wrong = append(wrong, verb+" "+r.resource)
			}
		}
	}
	switch {
	case len(wrong) == 0:
		return look{state: holds}, nil
	case should:
		return look{seen: "it may not " + strings.Join(wrong, ", ")}, nil
	default:
		return look{state: never, seen: "it may " + strings.Join(wrong, ", ")}, nil
	}
}

func (s *story) lookForLease(ctx context.Context) (look, error) {
	var leases coordinationv1.LeaseList
	if err := s.admin.List(ctx, &leases, client.InNamespace(sandbox.RoleNamespace)); err != nil {
		return look{}, err
	}
	for _, lease := range leases.Items {
		if lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != "" {
			return look{state: holds}, nil
		}
	}
	return look{seen: "no lease that somebody holds"}, nil
}
