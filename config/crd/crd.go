// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package crd holds the CustomResourceDefinitions of this version, so that a program can tell whether a cluster has them.
package crd

import "embed"

// Bases has the generated definitions, one file each, below bases.
//
//go:embed bases/*.yaml
var Bases embed.FS
