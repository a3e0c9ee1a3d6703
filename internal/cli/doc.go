// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is kubectl greenapi: what people do with instances at a terminal. It works with its caller's own rights,
// reads the resources and, where it calls the vendor, the Secret, and never prints a token.
//
// Each verb has files of its own. What they share: session.go connects to the cluster, find.go finds resources, vendor.go
// reaches the vendor, reading.go reads from it, refusal.go words its errors, inorder.go does work side by side, problem.go
// words errors and says which exit code they have, terminal.go knows colors and width, table.go prints tables,
// structured.go prints JSON and YAML. bought.go finds claims and partner accounts, which status and events show as well.
//
// What can be looked at without a cluster or a terminal is in packages below: doctor examines, advice says in plain words
// what to do next, qr reads and draws QR codes, managerflags reads how a manager was told to work. None of them imports this
// package, and none of all these imports the controllers.
package cli
