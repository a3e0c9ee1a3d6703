// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"time"
)

// kind is something that may happen.
type kind struct {
	name string
	// weight is how often it comes, beside the others.
	weight int
	// lines is to how many lines it happens at most, 0 if it does to none in particular; lasts is how long it lasts at most.
	lines int
	lasts time.Duration
	// restarts is how many restarts of each of its lines it justifies, everywhere of every line, and again of each of its lines whenever etcd
	// is restored: what was asked for may be forgotten.
	restarts, everywhere, again int
	// clocks: it takes a manager whose clock can be set.
	clocks bool
	// act does it, and returns what ends it, nil if nothing has to.
	act func(ctx context.Context, w *world, e event) (end func(context.Context) error, err error)
}

// The names of what may happen that are asked for elsewhere.
const (
	lying   = "a host says yes and keeps nothing"
	restore = "etcd is restored to a snapshot"
	console = "somebody edits settings in the console"
)

// kinds are all that may happen. What a user changes justifies one restart, a lost answer one more; what goes wrong between the operator
// and the cluster, or at the operator itself, none.
var kinds []kind

func init() { //nolint:gochecknoinits // the functions of the table look kinds up in it
	kinds = []kind{
		{name: "a commit changes settings", weight: 8, lines: 20, restarts: 1, act: change},
		{name: "a bad commit, which is taken back", weight: 2, lines: 8, lasts: 30 * time.Second, restarts: 2, act: badCommit},
		{name: console, weight: 2, lines: 2, restarts: 1, act: consoleEdit},
		{name: "a window is shut, and a change waits for it", weight: 2, lines: 8, lasts: 40 * time.Second, restarts: 1, act: shutWindow},
		{name: "somebody asks for a look", weight: 2, lines: 4, act: ask(func(w *wish) { w.looks++ })},
		{name: "somebody asks for a write now", weight: 1, lines: 4, act: ask(func(w *wish) { w.writes++ })},
		{name: "somebody asks for a reboot", weight: 1, lines: 2, restarts: 1, again: 1, act: ask(func(w *wish) { w.reboots++ })},
		{name: "lines move to the other shard", weight: 3, lines: 10, act: move},
		{name: "a Secret is touched", weight: 3, lines: 5, act: touchSecret},
		{name: "a Secret is deleted, and made anew", weight: 1, lines: 4, act: deleteSecret},
		{name: "a wrong token stands in a Secret", weight: 1, lines: 2, lasts: 30 * time.Second, act: wrongToken},
		{name: "a token is rotated in the console, and the Secret follows", weight: 2, lines: 2, lasts: 10 * time.Second, act: rotateToken},
		{name: "claims are made or pruned", weight: 4, act: changeClaims},

		{name: "the answer of a write is lost", weight: 4, lines: 3, restarts: 2, act: loseAnswer},
		{name: "a write arrives late", weight: 2, lines: 2, restarts: 2, act: arriveLate},
		{name: "the vendor refuses calls", weight: 4, act: refuse},
		{name: "a quota is used up, and somebody asks once it is raised", weight: 1, lasts: 20 * time.Second, act: useUpQuota},
		{name: "a host hangs", weight: 2, lines: 3, lasts: 20 * time.Second, act: hang},
		{name: lying, weight: 1, lines: 2, lasts: 30 * time.Second, restarts: 4, act: lie},
		{name: "the answer of a purchase is lost", weight: 2, act: losePurchase},
		{name: "the list of the partner account is somebody else's, or empty", weight: 1, act: oddList},

		{name: "a manager is killed", weight: 5, act: killManager},
		{name: "a manager is told to end", weight: 2, act: endManager},
		{name: "a manager is frozen", weight: 3, lasts: 40 * time.Second, act: freezeManager},
		{name: "a manager's clock is set", weight: 2, clocks: true, act: setClock},

		{name: "connections to the API server are cut", weight: 3, act: cutConnections},
		{name: "the API server is killed, and starts again", weight: 1, lasts: 15 * time.Second, act: killServer},
		{name: "etcd is frozen", weight: 1, lasts: 15 * time.Second, act: freezeEtcd},
		{name: "a snapshot of etcd is taken", weight: 2, act: takeSnapshot},
		{name: restore, weight: 1, everywhere: 2, act: restoreSnapshot},
	}
}

// kindOf returns what has a name; there is always one in a history that was generated, and check says so of others.
func kindOf(name string) kind {
	at := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if at < 0 {
		return kind{name: name}
	}
	return kinds[at]
}
