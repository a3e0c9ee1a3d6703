// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"maps"
	"slices"
	"time"
)

// States of the vendor that matter to a decision; "" is an instance that is still being created.
const (
	stateStarting        = "starting"
	stateCreating        = ""
	statePendingCode     = "pendingCode"
	statePendingPassword = "pendingPassword"
)

// table is a decision in the making.
type table struct {
	Input
	d        Decision
	verdicts map[string]verdict
	// changed: the user wants something else than was last written or seen in effect.
	settingsChanged, tokenChanged bool
	// repeat: the latest call's outcome was never known and its values do not show.
	repeat bool
	// lifted: a request armed again what a breaker held; exhausted: it was an abandoned setting.
	lifted, exhausted bool
}

func newTable(in Input) *table {
	t := &table{Input: in, verdicts: make(map[string]verdict, len(in.Desired.Settings))}
	t.d = Decision{History: in.History, Handled: in.Requested, DriftSince: maps.Clone(in.DriftSince)}
	// The lists are edited in place below; the caller's stay as they are.
	t.d.History.Abandoned = slices.Clone(in.History.Abandoned)
	t.d.History.Record = in.History.Record.DeepCopy()
	t.d.History.Corrections = t.recentCorrections()
	for _, s := range in.Desired.Settings {
		t.verdicts[s.Name] = compare(s, in.Observed)
	}
	t.d.Pending = Differences(in.Desired, in.Observed)
	hash, version := in.History.SyncedHash, in.History.SyncedSecretVersion
	if record := in.History.Record; hash == "" && record != nil {
		// Nothing was seen in effect since the latest call, which was for this wish.
		hash, version = record.SettingsHash, record.SecretVersion
	}
	t.settingsChanged = in.Desired.Hash != hash
	// While something holds writes back, the version may just not be known.
	t.tokenChanged = !in.Hold && in.Desired.SecretVersion != version
	return t
}

func (t *table) changed() bool { return t.settingsChanged || t.tokenChanged }

// seen reports whether what the user wants was in effect once.
func (t *table) seen() bool {
	h := t.History
	return t.Desired.Hash == h.SyncedHash && t.Desired.SecretVersion == h.SyncedSecretVersion
}

// differing returns the names of managed settings that differ and are not abandoned, sorted.
func (t *table) differing() []string {
	var names []string
	for _, s := range t.Desired.Settings {
		if t.verdicts[s.Name] != same && !t.abandoned(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// starting reports whether the instance restarts or is being created: nothing can be written then, and what it shows
// may be old.
func (t *table) starting() bool { return t.State == stateStarting || t.State == stateCreating }

// trackDrift remembers since when a setting differs without a change. Readings while starting say nothing, and while
// a write is open they may be old (R9, R12).
func (t *table) trackDrift() {
	differ := t.differing()
	if t.d.DriftSince == nil {
		t.d.DriftSince = map[string]time.Time{}
	}
	if t.d.History.Record.Active() || t.changed() || t.rebootRest() > 0 {
		clear(t.d.DriftSince)
		return
	}
	maps.DeleteFunc(t.d.DriftSince, func(name string, _ time.Time) bool { return !slices.Contains(differ, name) })
	if t.starting() {
		return
	}
	for _, name := range differ {
		if _, ok := t.d.DriftSince[name]; !ok {
			t.d.DriftSince[name] = t.Now
		}
	}
}
