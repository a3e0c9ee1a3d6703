// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// rightsFindings are what the managers may not watch of the namespaces that they are told to.
type rightsFindings struct {
	// asked is of how many namespaces it was asked.
	asked int
	// missing says what is missing where, a line for each namespace.
	missing []string
	err     error
}

// readRights asks, for each manager with --watch-namespaces, whether it may watch them.
func (e *examination) readRights(ctx context.Context) rightsFindings {
	var found rightsFindings
	for i, manager := range e.managers {
		for _, namespace := range e.running[i].WatchNamespaces {
			found.asked++
			missing, err := e.missingRight(ctx, manager, namespace)
			if err != nil {
				found.err = err
				return found
			}
			if missing != "" {
				found.missing = append(found.missing, fmt.Sprintf("%s: Deployment %s/%s may not %s there", namespace, manager.Namespace, manager.Name, missing))
			}
		}
	}
	return found
}

// missingRight is the first right that a manager is missing to watch a namespace, "" if none is.
func (e *examination) missingRight(ctx context.Context, manager appsv1.Deployment, namespace string) (string, error) {
	var rights []authorizationv1.ResourceAttributes
	for _, right := range instance.WatchRights(managerflags.Of(manager).PartnerAccounts) {
		right.Namespace = namespace
		rights = append(rights, right)
	}
	return e.firstMissing(ctx, manager, rights)
}

// firstMissing is the first of some rights that a manager lacks, "" if it has all.
func (e *examination) firstMissing(ctx context.Context, manager appsv1.Deployment, rights []authorizationv1.ResourceAttributes) (string, error) {
	account := cmp.Or(manager.Spec.Template.Spec.ServiceAccountName, "default")
	for _, right := range rights {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               "system:serviceaccount:" + manager.Namespace + ":" + account,
			Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + manager.Namespace, "system:authenticated"},
			ResourceAttributes: &right,
		}}
		if err := e.Cluster.Create(ctx, review); err != nil {
			return "", err
		}
		if !review.Status.Allowed {
			return strings.TrimSuffix(right.Verb+" "+right.Resource+"/"+right.Subresource, "/"), nil
		}
	}
	return "", nil
}

// checkRights says which of the namespaces that a manager is told to look after it cannot watch.
func (e *examination) checkRights() Check {
	c := Check{Name: "Rights", Verdict: OK, Message: "the manager may watch every namespace of its --watch-namespaces"}
	switch {
	case apierrors.IsForbidden(e.rights.err):
		return skipped(c.Name, "you may not ask what the manager may do (create subjectaccessreviews)")
	case e.rights.err != nil:
		return skipped(c.Name, e.rights.err.Error())
	case len(e.rights.missing) > 0:
		c.Verdict, c.Message = Problem, fmt.Sprintf("namespaces that the manager cannot watch: %d", len(e.rights.missing))
		c.Details = append(e.rights.missing, "Grant the manager its rights there (docs/access.md), or leave the namespace out of --watch-namespaces; it asks again every few seconds")
	}
	return c
}
