// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package sandbox runs what the demo and the benchmark run in: an etcd and a kube-apiserver of one's own, the programs
// of this repository as processes beside this one, and the emulator in the vendor's place. It is no part of the operator.
package sandbox
