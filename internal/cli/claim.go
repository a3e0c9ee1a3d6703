// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// withClaim returns a resource with what its claim knows filled in, as the operator has it. Whoever may not read claims uses what the
// operator wrote into the status.
func withClaim(ctx context.Context, cluster client.Reader, resource v1alpha1.Instance) (v1alpha1.Instance, error) {
	name := instance.ClaimName(resource)
	if name == "" || resource.Core().IDInstance != 0 {
		return resource, nil
	}
	claim := &v1alpha1.InstanceClaim{}
	switch err := cluster.Get(ctx, client.ObjectKey{Namespace: resource.GetNamespace(), Name: name}, claim); {
	case apierrors.IsForbidden(err) && instance.Number(resource) != 0:
		return resource, nil
	case apierrors.IsNotFound(err):
		return nil, failf("Write its manifest and apply it", "%s: InstanceClaim %q is not there", advice.Title(resource), name)
	case err != nil:
		return nil, explain(err, advice.Title(resource)+", InstanceClaim "+name)
	}
	if trouble := instance.ClaimTrouble(claim); trouble != "" {
		return nil, failf("See what it waits for: kubectl greenapi status claim/"+name+" -n "+resource.GetNamespace(), "%s: %s", advice.Title(resource), trouble)
	}
	filled, ok := resource.DeepCopyObject().(v1alpha1.Instance)
	if !ok {
		panic("cli: a copy of a resource is of another type")
	}
	instance.Fill(filled, claim)
	return filled, nil
}
