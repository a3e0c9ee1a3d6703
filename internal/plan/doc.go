// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan decides what to do about an instance: nothing, wait, or write which settings.
//
// It is pure: no I/O, no client, no clock, no context. What it needs of the past is a History, which the caller keeps
// in the status of the resource, so that a new process decides as the old one would have. The numbers R1..R27 in
// comments are those of docs/design/rules.md.
//
// setting.go turns a spec into wished settings, whose fields field.go describes, compare.go holds them against what the vendor
// shows, record.go judges the latest setSettings, abandon.go keeps the settings that are given up, decide.go is the table of what
// follows, gate.go has what may hold a call, and reboot.go decides about reboots.
package plan
