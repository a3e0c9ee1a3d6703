// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// manySettings is a spec that manages far more than an ordinary one: flags, a number, the webhook and 32 additional
// settings.
func manySettings() string {
	additional := make([]string, 0, 32)
	for i := range 32 {
		additional = append(additional, fmt.Sprintf(`{"name":"setting%d","value":"yes"}`, i))
	}
	return `"incomingWebhook":true,"outgoingWebhook":false,"stateWebhook":true,"delaySendMessagesMilliseconds":5000,` +
		`"webhookUrl":"https://example.com/hooks/1","additionalSettings":[` + strings.Join(additional, ",") + `]`
}

// inSteadyState is a decision's input in which all that is wished shows, after it was once written and confirmed.
func inSteadyState(tb failer) plan.Input {
	tb.Helper()
	desired := wish(tb, manySettings())
	observed := plan.Observed{}
	for _, s := range desired.Settings {
		observed[s.Name] = jsonvalue.Value{Type: jsonvalue.String, Text: s.Value}
	}
	return plan.Input{
		Now: noon, Generation: 1, Policy: v1alpha1.PolicyEnforce, Desired: desired, Observed: observed,
		State: "authorized", StateSince: noon.Add(-settle), Limits: limits(), History: plan.History{SyncedHash: desired.Hash},
	}
}

// changedEverywhere is the same with every value at the vendor another one.
func changedEverywhere(tb failer) plan.Input {
	tb.Helper()
	in := inSteadyState(tb)
	for name := range in.Observed {
		in.Observed[name] = jsonvalue.Value{Type: jsonvalue.String, Text: "something else"}
	}
	return in
}

// BenchmarkDecide is one decision about 37 settings: in steady state, and where all have drifted.
func BenchmarkDecide(b *testing.B) {
	for name, in := range map[string]plan.Input{"steady": inSteadyState(b), "drift": changedEverywhere(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				plan.Decide(in)
			}
		})
	}
}

// BenchmarkDifferences is the comparison of 37 settings alone.
func BenchmarkDifferences(b *testing.B) {
	for name, in := range map[string]plan.Input{"steady": inSteadyState(b), "drift": changedEverywhere(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				plan.Differences(in.Desired, in.Observed)
			}
		})
	}
}

// BenchmarkWishes reads the settings of a spec.
func BenchmarkWishes(b *testing.B) {
	settings := &v1alpha1.WhatsAppSettings{}
	settings.IncomingWebhook, settings.OutgoingWebhook, settings.WebhookURL = new(true), new(false), new("https://example.com/hooks/1")
	b.ReportAllocs()
	for b.Loop() {
		plan.Wishes(settings)
	}
}

// TestADecisionInSteadyStateCostsLittle bounds what is allocated for a decision about 37 settings that are all in effect,
// which is what an operator decides nearly always. The bound is far above what is needed, and far below what a copy of the
// observed settings, or a text for each of them, would cost.
func TestADecisionInSteadyStateCostsLittle(t *testing.T) {
	in := inSteadyState(t)
	if d := plan.Decide(in); d.Synced != v1alpha1.ReasonUpToDate {
		t.Fatalf("the decision is %s, want %s", d.Synced, v1alpha1.ReasonUpToDate)
	}
	const most = 20
	if got := testing.AllocsPerRun(100, func() { plan.Decide(in) }); got > most {
		t.Errorf("a decision in steady state allocates %.0f times, want at most %d", got, most)
	}
}
