// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// decider is a decision in the making.
type decider struct {
	Input
	out         Decision
	comparisons map[string]comparison
	// changed: the user wants something else than was last written or seen in effect.
	settingsChanged, tokenChanged bool
	// repeat: the latest call's outcome was never known and its values do not show.
	repeat bool
	// lifted: a request armed again what a breaker held; exhausted: it was an abandoned setting.
	lifted, exhausted bool
}

func newDecider(in Input) *decider {
	in.History = TakeOver(in.History, in.Desired)
	d := &decider{Input: in, comparisons: make(map[string]comparison, len(in.Desired.Settings))}
	d.out = Decision{History: in.History, Handled: in.Requested && !in.TokenUnknown}
	// The lists are edited in place below; the caller's stay as they are.
	d.out.History.Abandoned = slices.Clone(in.History.Abandoned)
	d.out.History.Record = in.History.Record.DeepCopy()
	d.out.History.Corrections = d.recentCorrections()
	for _, s := range in.Desired.Settings {
		shows := compare(s, in.Observed)
		if shows == missing && d.seenBefore(s) {
			shows = unshown
		}
		d.comparisons[s.Name] = shows
	}
	d.out.Pending = slices.DeleteFunc(Differences(in.Desired, in.Observed), func(change v1alpha1.PendingChange) bool {
		return d.comparisons[change.Setting] == unshown
	})
	hash, version := in.History.SyncedHash, in.History.SyncedSecretVersion
	if record := in.History.Record; record != nil {
		// Nothing was seen in effect since the latest call, which was for this wish.
		hash, version = cmp.Or(hash, record.SettingsHash), cmp.Or(version, record.SecretVersion)
	}
	d.settingsChanged = in.Desired.Hash != hash
	// While something holds writes back the token is not known.
	d.tokenChanged = in.Desired.SecretVersion != "" && in.Desired.SecretVersion != version
	return d
}

func (d *decider) changed() bool { return d.settingsChanged || d.tokenChanged }

// seen reports whether what the user wants was in effect once.
func (d *decider) seen() bool { return d.settingsSeen() && d.tokenSeen() }

func (d *decider) settingsSeen() bool { return d.Desired.Hash == d.History.SyncedHash }

func (d *decider) tokenSeen() bool {
	return d.Desired.SecretVersion == "" || d.Desired.SecretVersion == d.History.SyncedSecretVersion
}

// wasInEffect reports whether the wish for a setting was in effect once, as far as the hashes tell.
func (d *decider) wasInEffect(name string) bool {
	if name == WebhookTokenName {
		return d.tokenSeen()
	}
	return d.settingsSeen()
}

// seenBefore reports whether the vendor showed a setting as it is wished, once.
func (d *decider) seenBefore(s Setting) bool {
	if len(d.History.Effective) > 0 {
		seen, known := d.noted(s.Name)
		return known && s.is(seen)
	}
	// Earlier releases noted no more than that all were in effect. What was given up was not, and is not while a request tries it
	// again.
	if entry := findAbandoned(d.History.Abandoned, s.Name); entry != nil && entry.Reason != v1alpha1.AbandonFlapping {
		return false
	}
	if record := d.History.Record; record != nil && record.Reason == v1alpha1.ApplyRequested && record.Outcome != v1alpha1.OutcomeConfirmed &&
		slices.Contains(recordNames(record), s.Name) {
		return false
	}
	return d.wasInEffect(s.Name)
}

// noted returns what the status notes of a setting that was seen in effect.
func (d *decider) noted(name string) (v1alpha1.AppliedSetting, bool) {
	for _, seen := range d.History.Effective {
		if seen.Setting == name {
			return seen, true
		}
	}
	return v1alpha1.AppliedSetting{}, false
}

// noteEffective notes which wishes this reading shows in effect. What it shows while the instance starts, or while a call with
// another wish may still come into effect, says nothing.
func (d *decider) noteEffective() {
	believed := !d.starting() && d.superseding(d.out.History.Record) <= 0
	effective := make([]v1alpha1.AppliedSetting, 0, len(d.Desired.Settings)+1)
	for _, s := range d.Desired.Settings {
		seen, known := d.noted(s.Name)
		switch {
		case believed && d.comparisons[s.Name] == same:
			effective = append(effective, v1alpha1.AppliedSetting{Setting: s.Name, Wish: s.Wish})
		case known && (s.is(seen) || !slices.Contains(d.out.Send, s.Name)):
			effective = append(effective, seen)
		}
	}
	if token, known := d.noted(WebhookTokenName); known && d.TokenUnknown {
		if _, shown := d.Desired.find(WebhookTokenName); !shown {
			// Its value is not known now, which does not make it any less in effect.
			effective = append(effective, token)
			slices.SortFunc(effective, func(a, b v1alpha1.AppliedSetting) int { return strings.Compare(a.Setting, b.Setting) })
		}
	}
	d.out.History.Effective = effective
}

// differing returns the names of managed settings that differ and are not abandoned, sorted.
func (d *decider) differing() []string {
	var names []string
	for _, s := range d.Desired.Settings {
		if shows := d.comparisons[s.Name]; (shows == differs || shows == missing) && !d.abandoned(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// starting reports whether the instance restarts or is being created: nothing can be written then, and what it shows
// may be old.
func (d *decider) starting() bool { return states.Of(d.State).Restarting }

// trackDrift remembers since when a setting differs without a change. Readings while starting say nothing, and while
// a write is open they may be old (R9, R12).
func (d *decider) trackDrift() {
	differ := d.differing()
	if d.out.History.Record.Active() || d.settingsChanged || d.rebootRest() > 0 {
		return
	}
	for _, name := range differ {
		since, known := d.DriftSince[name]
		if !known && d.starting() {
			continue
		}
		if !known {
			since = d.Now
		}
		if d.out.DriftSince == nil {
			d.out.DriftSince = map[string]time.Time{}
		}
		d.out.DriftSince[name] = since
	}
}

// driftRest is how long a setting has to differ still before two readings have shown it.
func (d *decider) driftRest(name string) time.Duration {
	since, ok := d.out.DriftSince[name]
	if !ok {
		return d.Limits.SettlePoll
	}
	return max(d.Limits.SettlePoll-d.elapsed(since), 0)
}

// withDrift adds to the names of what is written anyway the drift that two readings have shown, if the policy corrects any: one
// restart does for both.
func (d *decider) withDrift(names, differ []string) []string {
	return slices.DeleteFunc(slices.Clone(differ), func(name string) bool {
		left := d.Policy == v1alpha1.PolicyOnSpecChange && d.wasInEffect(name)
		return !slices.Contains(names, name) && (left || d.driftRest(name) > 0)
	})
}
