// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// table is a decision in the making.
type table struct {
	Input
	d           Decision
	comparisons map[string]comparison
	// changed: the user wants something else than was last written or seen in effect.
	settingsChanged, tokenChanged bool
	// repeat: the latest call's outcome was never known and its values do not show.
	repeat bool
	// lifted: a request armed again what a breaker held; exhausted: it was an abandoned setting.
	lifted, exhausted bool
}

func newTable(in Input) *table {
	in.History = TakeOver(in.History, in.Desired)
	t := &table{Input: in, comparisons: make(map[string]comparison, len(in.Desired.Settings))}
	t.d = Decision{History: in.History, Handled: in.Requested && !in.Hold, DriftSince: maps.Clone(in.DriftSince)}
	// The lists are edited in place below; the caller's stay as they are.
	t.d.History.Abandoned = slices.Clone(in.History.Abandoned)
	t.d.History.Record = in.History.Record.DeepCopy()
	t.d.History.Corrections = t.recentCorrections()
	for _, s := range in.Desired.Settings {
		shows := compare(s, in.Observed)
		if shows == missing && t.seenBefore(s) {
			shows = unshown
		}
		t.comparisons[s.Name] = shows
	}
	t.d.Pending = slices.DeleteFunc(Differences(in.Desired, in.Observed), func(change v1alpha1.PendingChange) bool {
		return t.comparisons[change.Setting] == unshown
	})
	hash, version := in.History.SyncedHash, in.History.SyncedSecretVersion
	if record := in.History.Record; record != nil {
		// Nothing was seen in effect since the latest call, which was for this wish.
		hash, version = cmp.Or(hash, record.SettingsHash), cmp.Or(version, record.SecretVersion)
	}
	t.settingsChanged = in.Desired.Hash != hash
	// While something holds writes back the token is not known.
	t.tokenChanged = in.Desired.SecretVersion != "" && in.Desired.SecretVersion != version
	return t
}

func (t *table) changed() bool { return t.settingsChanged || t.tokenChanged }

// seen reports whether what the user wants was in effect once.
func (t *table) seen() bool { return t.settingsSeen() && t.tokenSeen() }

func (t *table) settingsSeen() bool { return t.Desired.Hash == t.History.SyncedHash }

func (t *table) tokenSeen() bool {
	return t.Desired.SecretVersion == "" || t.Desired.SecretVersion == t.History.SyncedSecretVersion
}

// wasInEffect reports whether the wish for a setting was in effect once, as far as the hashes tell.
func (t *table) wasInEffect(name string) bool {
	if name == WebhookTokenName {
		return t.tokenSeen()
	}
	return t.settingsSeen()
}

// seenBefore reports whether the vendor showed a setting as it is wished, once.
func (t *table) seenBefore(s Setting) bool {
	if len(t.History.Effective) > 0 {
		return slices.ContainsFunc(t.History.Effective, func(seen v1alpha1.AppliedSetting) bool { return seen.Setting == s.Name && s.is(seen) })
	}
	// Earlier releases noted no more than that all were in effect. What was given up was not, and is not while a request tries it
	// again.
	if entry := find(t.History.Abandoned, s.Name); entry != nil && entry.Reason != v1alpha1.AbandonFlapping {
		return false
	}
	if record := t.History.Record; record != nil && record.Reason == v1alpha1.ApplyRequested && record.Outcome != v1alpha1.OutcomeConfirmed &&
		slices.Contains(recordNames(record), s.Name) {
		return false
	}
	return t.wasInEffect(s.Name)
}

// noteEffective notes which wishes this reading shows in effect. What it shows while the instance starts, or while a call with
// another wish may still come into effect, says nothing.
func (t *table) noteEffective() {
	believed := !t.starting() && t.superseding(t.d.History.Record) <= 0
	effective := make([]v1alpha1.AppliedSetting, 0, len(t.Desired.Settings))
	if believed {
		for _, s := range t.Desired.Settings {
			if t.comparisons[s.Name] == same {
				effective = append(effective, v1alpha1.AppliedSetting{Setting: s.Name, Wish: s.Wish})
			}
		}
	}
	for _, seen := range t.d.History.Effective {
		s, managed := t.Desired.find(seen.Setting)
		shown := believed && managed && t.comparisons[seen.Setting] == same
		replaced := slices.Contains(t.d.Send, seen.Setting) && !s.is(seen)
		if kept := managed || t.Hold && seen.Setting == WebhookTokenName; kept && !shown && !replaced {
			effective = append(effective, seen)
		}
	}
	slices.SortFunc(effective, func(a, b v1alpha1.AppliedSetting) int { return strings.Compare(a.Setting, b.Setting) })
	t.d.History.Effective = effective
}

// differing returns the names of managed settings that differ and are not abandoned, sorted.
func (t *table) differing() []string {
	var names []string
	for _, s := range t.Desired.Settings {
		if shows := t.comparisons[s.Name]; (shows == differs || shows == missing) && !t.abandoned(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// starting reports whether the instance restarts or is being created: nothing can be written then, and what it shows
// may be old.
func (t *table) starting() bool { return states.Of(t.State).Restarting }

// trackDrift remembers since when a setting differs without a change. Readings while starting say nothing, and while
// a write is open they may be old (R9, R12).
func (t *table) trackDrift() {
	differ := t.differing()
	if t.d.DriftSince == nil {
		t.d.DriftSince = map[string]time.Time{}
	}
	if t.d.History.Record.Active() || t.settingsChanged || t.rebootRest() > 0 {
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

// driftRest is how long a setting has to differ still before two readings have shown it.
func (t *table) driftRest(name string) time.Duration {
	since, ok := t.d.DriftSince[name]
	if !ok {
		return t.Limits.SettlePoll
	}
	return max(t.Limits.SettlePoll-t.elapsed(since), 0)
}

// withDrift adds to the names of what is written anyway the drift that two readings have shown, if the policy corrects any: one
// restart does for both.
func (t *table) withDrift(names, differ []string) []string {
	return slices.DeleteFunc(slices.Clone(differ), func(name string) bool {
		left := t.Policy == v1alpha1.PolicyOnSpecChange && t.wasInEffect(name)
		return !slices.Contains(names, name) && (left || t.driftRest(name) > 0)
	})
}
