// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package sharding has the names by which the sharder of the project kubernetes-controller-sharding says whose a resource is.
package sharding

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RingLabel is the label of a lease that names the ControllerRing of its shard.
const RingLabel = "alpha.sharding.timebertt.dev/controllerring"

// Ring is a ControllerRing in which a process is one shard. The zero Ring is none.
type Ring struct {
	// Name of the ControllerRing.
	Name string
	// Shard is the process's name in it.
	Shard string
}

// ShardLabel is the label whose value is the shard that looks after a resource.
func (r Ring) ShardLabel() string { return "shard.alpha.sharding.timebertt.dev/" + r.Name }

// DrainLabel is the label by which the sharder asks a shard to let go of a resource. Its value means nothing.
func (r Ring) DrainLabel() string { return "drain.alpha.sharding.timebertt.dev/" + r.Name }

// Drained reports whether the sharder asks for a resource.
func (r Ring) Drained(object metav1.Object) bool {
	_, asks := object.GetLabels()[r.DrainLabel()]
	return r.Name != "" && asks
}
