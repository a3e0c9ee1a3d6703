// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// gathering has the latest of each resource.
type gathering map[types.UID]v1alpha1.Instance

func newGathering(found []v1alpha1.Instance) gathering {
	all := gathering{}
	for _, resource := range found {
		all[resource.GetUID()] = resource
	}
	return all
}

// note takes what became of one.
func (g gathering) note(s sighting) {
	if s.deleted {
		delete(g, s.instance.GetUID())
		return
	}
	g[s.instance.GetUID()] = s.instance
}

// list returns all in a stable order.
func (g gathering) list() []v1alpha1.Instance {
	all := make([]v1alpha1.Instance, 0, len(g))
	for _, resource := range g {
		all = append(all, resource)
	}
	slices.SortFunc(all, func(a, b v1alpha1.Instance) int {
		return strings.Compare(shortName(a)+"/"+a.GetNamespace()+"/"+a.GetName(), shortName(b)+"/"+b.GetNamespace()+"/"+b.GetName())
	})
	return all
}
