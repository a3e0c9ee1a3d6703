// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package keys has the names by which the engines beside package plan tell instances and resources apart. It knows nothing else
// of either.
package keys

import "k8s.io/apimachinery/pkg/types"

// Instance names an instance at the vendor, whichever resource and kind it is managed by.
type Instance struct {
	// Origin is the identity of the vendor's address, and ID the vendor's idInstance.
	Origin string
	ID     int64
}

// Resource names a resource of any kind.
type Resource struct {
	// Kind is the name of the kind, such as WhatsAppInstance.
	Kind string
	types.NamespacedName
}
