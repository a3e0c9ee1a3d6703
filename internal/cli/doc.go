// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is kubectl greenapi: what people do with instances at a terminal. It works with its caller's own rights,
// reads the resources and, where it calls the vendor, the Secret, and never prints a token.
//
// Each verb has files of its own. What they share: session.go connects to the cluster, find.go finds resources, vendor.go
// reaches the vendor, reading.go reads from it, refusal.go words its errors, inorder.go does work side by side, problem.go
// words errors and says which exit code they have, terminal.go knows colors and width, advice.go says in plain words what to
// do next.
package cli
