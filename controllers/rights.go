// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// WatchRights are the rights without which a namespace cannot be watched, without the namespace.
func WatchRights() []authorizationv1.ResourceAttributes {
	var rights []authorizationv1.ResourceAttributes
	add := func(group, resource string) {
		for _, verb := range []string{"list", "watch"} {
			rights = append(rights, authorizationv1.ResourceAttributes{Group: group, Resource: resource, Verb: verb})
		}
	}
	for _, kind := range Kinds {
		add(v1alpha1.GroupVersion.Group, strings.ToLower(kind.Name)+"s")
	}
	add("", "secrets")
	return rights
}
