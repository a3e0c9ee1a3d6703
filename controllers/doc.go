// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers brings the instances at the vendor to what their resources say. It is the only place that knows
// both Kubernetes and the vendor. Begin to read at Reconciler.Reconcile: it is an index of the steps of a pass.
package controllers
