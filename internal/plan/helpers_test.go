// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// noon is when every story starts: a whole second, as the status keeps times.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	settle     = 6 * time.Minute
	poll       = 20 * time.Second
	retryAfter = 15 * time.Minute
	flapWindow = 6 * time.Hour
	callWindow = 15 * time.Second
)

func limits() plan.Limits {
	return plan.Limits{
		SettleTimeout: settle, SettlePoll: poll, RetryAfter: retryAfter, MaxAttempts: 3,
		FlapThreshold: 3, FlapWindow: flapWindow, CallWindow: callWindow,
	}
}

// wish reads settings as a user writes them, without the outer braces.
func wish(tb failer, settings string) plan.Desired {
	tb.Helper()
	var typed v1alpha1.WhatsAppSettings
	if err := json.Unmarshal([]byte("{"+settings+"}"), &typed); err != nil {
		tb.Fatalf("settings %s: %v", settings, err)
	}
	return plan.Wishes(&typed)
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// decide is plan.Decide, and holds it to what it promises of every decision: it does not change its input, it decides
// the same again, and a History that went through the status of a resource leads to the same decision.
func decide(tb failer, in plan.Input) plan.Decision {
	tb.Helper()
	before := cloneInput(in)
	d := plan.Decide(in)
	if !reflect.DeepEqual(before, in) {
		tb.Fatalf("Decide changed its input:\nbefore %+v\nafter  %+v", before, in)
	}
	stored := cloneInput(in)
	stored.History = throughStatus(tb, in.History)
	again := plan.Decide(stored)
	if got, want := render(tb, again), render(tb, d); got != want {
		tb.Fatalf("a History read back from the status decides differently:\nmemory %s\nstatus %s", want, got)
	}
	return d
}

func cloneInput(in plan.Input) plan.Input {
	in.Desired.Settings = slices.Clone(in.Desired.Settings)
	in.Observed = maps.Clone(in.Observed)
	in.DriftSince = maps.Clone(in.DriftSince)
	in.History = cloneHistory(in.History)
	return in
}

func cloneHistory(h plan.History) plan.History {
	status := toStatus(h).DeepCopy()
	return fromStatus(status)
}

func toStatus(h plan.History) *v1alpha1.InstanceStatus {
	return &v1alpha1.InstanceStatus{
		SyncedSettingsHash: h.SyncedHash, SyncedSecretVersion: h.SyncedSecretVersion, SecretVersionKey: h.SecretKey, EffectiveSettings: h.Effective,
		Abandoned: h.Abandoned, Apply: h.Record, Corrections: h.Corrections,
	}
}

func fromStatus(s *v1alpha1.InstanceStatus) plan.History {
	return plan.History{
		SyncedHash: s.SyncedSettingsHash, SyncedSecretVersion: s.SyncedSecretVersion, SecretKey: s.SecretVersionKey, Effective: s.EffectiveSettings,
		Abandoned: s.Abandoned, Record: s.Apply, Corrections: s.Corrections,
	}
}

func throughStatus(tb failer, h plan.History) plan.History {
	tb.Helper()
	var back v1alpha1.InstanceStatus
	if err := json.Unmarshal([]byte(toJSON(tb, toStatus(h))), &back); err != nil {
		tb.Fatalf("reading the status: %v", err)
	}
	return fromStatus(&back)
}

// render shows a decision in full, the History as the status has it.
func render(tb failer, d plan.Decision) string {
	tb.Helper()
	status := toJSON(tb, toStatus(d.History))
	d.History = plan.History{}
	return toJSON(tb, d) + " " + status
}

func toJSON(tb failer, v any) string {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatalf("encoding: %v", err)
	}
	return string(raw)
}
