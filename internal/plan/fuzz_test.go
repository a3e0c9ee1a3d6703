// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

const fuzzedToken = "Bearer wh-5ecret-5ecret"

// fuzzedNames are of every kind of setting.
var fuzzedNames = []string{"incomingWebhook", "outgoingWebhook", "delaySendMessagesMilliseconds", "webhookUrl", plan.WebhookTokenName, "autoTyping", "linkPreview"}

// FuzzShownValues: whatever the vendor shows for a setting, what the status shows of it is short, clean, and gives no
// secret, path or free text away; and a value is compared and sent without a panic.
func FuzzShownValues(f *testing.F) {
	for _, value := range []string{
		"yes", "no", "TRUE", " 500 ", "5e3", "-0", "1e1000000", "", "https://a.example/" + fuzzedToken, "https://user:pass@a.example?x=1#y", "HTTPS://A.example:443",
		"https://%FF%FE/", "https://a\u202eb/", "https://a\u0085b/", "https://пример.рф/x", "http://[::1]:80/", "https://[fe80::1%25" + "eth0]/", "https://%zz/", "//a", "https:a", "javascript:alert(1)",
		"NaN", "Inf", "0x1p-2", "+5", "05", "1_000", "12345678901234567890", "https://" + strings.Repeat("a", 300), "\xff", fuzzedToken,
	} {
		for form := range uint8(5) {
			f.Add(value, "https://shop.example/hooks", form)
		}
	}
	types := []jsonvalue.Type{jsonvalue.Null, jsonvalue.String, jsonvalue.Number, jsonvalue.Bool, jsonvalue.Other}
	f.Fuzz(func(t *testing.T, shown, url string, form uint8) {
		link, _ := json.Marshal(url)
		desired := wish(t, `"incomingWebhook":true,"delaySendMessagesMilliseconds":700,"webhookUrl":`+string(link)+`,"additionalSettings":[{"name":"autoTyping","value":"3"}],`+tokenRef)
		desired.SetToken(fuzzedToken, apiToken, "")
		value := jsonvalue.Value{Type: types[form%5], Text: shown}
		in := plan.Input{Now: noon, Policy: v1alpha1.PolicyEnforce, Desired: desired, State: "authorized", StateSince: noon, Limits: limits(), Observed: plan.Observed{}}
		for _, s := range desired.Settings {
			in.Observed[s.Name] = value
			if encoded, err := json.Marshal(plan.Wire(s, in.Observed)); err != nil || !json.Valid(encoded) {
				t.Errorf("%s cannot be sent: %v", s.Name, err)
			}
		}
		own := plan.Setting{Name: "autoTyping", Kind: plan.KindAdditional, Value: shown}
		if encoded, err := json.Marshal(plan.Wire(own, in.Observed)); err != nil || !json.Valid(encoded) {
			t.Errorf("%q cannot be sent: %v", shown, err)
		}
		for _, change := range plan.Decide(in).Pending {
			checkShown(t, change)
			if strings.Contains(change.Observed, "/") && !strings.HasPrefix(change.Observed, "http://") && !strings.HasPrefix(change.Observed, "https://") {
				t.Errorf("%s shows %q", change.Setting, change.Observed)
			}
		}
		if value.Type == jsonvalue.Other && plan.Unreadable(desired, in.Observed) == "" {
			t.Error("an object or a list is taken for a value")
		}
	})
}

// checkShown holds what the status shows of a difference against what it may show.
func checkShown(t failer, change v1alpha1.PendingChange) {
	t.Helper()
	for what, text := range map[string]string{"desired": change.Desired, "observed": change.Observed} {
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > 1024 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%s of %s is not fit for the status: %q", what, change.Setting, text)
		}
		rest, isURL := strings.CutPrefix(strings.Replace(text, "https://", "http://", 1), "http://")
		if rest = strings.TrimSuffix(rest, "/…"); isURL && strings.ContainsAny(rest, "/?#@") {
			t.Fatalf("%s of %s shows more than a host: %q", what, change.Setting, text)
		}
		if !isURL && strings.Contains(text, "5ecret") {
			t.Fatalf("%s of %s holds a part of a secret: %q", what, change.Setting, text)
		}
	}
}

// FuzzDecide gives Decide any input, a history that nobody could have written among them.
func FuzzDecide(f *testing.F) {
	for seed := range 16 {
		f.Add([]byte(strings.Repeat(fmt.Sprintf("%c%d", 'a'+seed, seed*7919), 400)))
	}
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		in := drawInput(t)
		d := plan.Decide(cloneInput(in))
		checkDecision(t, in, d)
		if len(d.Send) > 0 {
			checkNotSent(t, in, d)
		}
	}))
}

// TestAnyInputIsDecided is FuzzDecide with the inputs of a property test.
func TestAnyInputIsDecided(t *testing.T) {
	// Most inputs are far from any write, so many are needed.
	for range 30 {
		rapid.Check(t, func(t *rapid.T) {
			in := drawInput(t)
			d := decide(t, in)
			checkDecision(t, in, d)
			if len(d.Send) > 0 {
				checkNotSent(t, in, d)
			}
		})
	}
}

func drawTime(t *rapid.T, label string) time.Time {
	return noon.Add(rapid.SampledFrom([]time.Duration{0, -time.Second, -poll, -settle, -settle - time.Hour, -flapWindow, -8 * 24 * time.Hour, -1 << 62, time.Hour, 1 << 62}).Draw(t, label)).Truncate(time.Second)
}

func drawNames(t *rapid.T, label string) []string {
	return slices.Sorted(slices.Values(rapid.SliceOfNDistinct(rapid.SampledFrom(append([]string{"gone"}, fuzzedNames...)), 0, 4, rapid.ID[string]).Draw(t, label)))
}

func drawDesired(t *rapid.T) plan.Desired {
	var settings []string
	for _, s := range []string{`"incomingWebhook":true`, `"outgoingWebhook":false`, `"delaySendMessagesMilliseconds":700`, `"webhookUrl":"https://a.example/x"`, `"webhookUrl":""`,
		`"additionalSettings":[{"name":"autoTyping","value":"3"},{"name":"linkPreview","value":"yes"}]`} {
		if rapid.Bool().Draw(t, s) && (s != `"webhookUrl":""` || !slices.ContainsFunc(settings, func(s string) bool { return strings.HasPrefix(s, `"webhookUrl`) })) {
			settings = append(settings, s)
		}
	}
	token := rapid.Bool().Draw(t, "token")
	if token {
		settings = append(settings, tokenRef)
	}
	desired := wish(t, strings.Join(settings, ","))
	if token {
		desired.SetToken(fuzzedToken, apiToken, rapid.SampledFrom([]string{"", "before"}).Draw(t, "API token before"))
	}
	return desired
}

func drawObserved(t *rapid.T) plan.Observed {
	observed := plan.Observed{}
	for _, name := range fuzzedNames {
		if rapid.IntRange(0, 4).Draw(t, name) > 0 {
			observed[name] = jsonvalue.Value{
				Type: rapid.SampledFrom([]jsonvalue.Type{0, jsonvalue.String, jsonvalue.Number, jsonvalue.Bool}).Draw(t, "type"),
				Text: rapid.OneOf(rapid.SampledFrom([]string{"yes", "no", "", "700", "3", "https://a.example/x", fuzzedToken}), rapid.String()).Draw(t, "text"),
			}
			if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
				observed[name] = jsonvalue.Value{Type: jsonvalue.Null}
			}
		}
	}
	return observed
}

func drawRecord(t *rapid.T, desired plan.Desired) *v1alpha1.ApplyRecord {
	if rapid.IntRange(0, 3).Draw(t, "no record") == 0 {
		return nil
	}
	record := &v1alpha1.ApplyRecord{
		SettingsHash:  rapid.SampledFrom([]string{desired.Hash, desired.Hash, "other", ""}).Draw(t, "hash"),
		SecretVersion: rapid.SampledFrom([]string{desired.SecretVersion, desired.SecretVersion, "1", "0123456789abcdef", ""}).Draw(t, "secret"),
		Attempt:       rapid.SampledFrom([]int32{0, 1, 2, 3, 4, 100, 1<<31 - 1}).Draw(t, "attempt"),
		Reason:        rapid.SampledFrom([]v1alpha1.ApplyReason{v1alpha1.ApplySpecChange, v1alpha1.ApplyDrift, v1alpha1.ApplyRetry, v1alpha1.ApplyRequested}).Draw(t, "reason"),
		Outcome: rapid.SampledFrom([]v1alpha1.ApplyOutcome{v1alpha1.OutcomePending, v1alpha1.OutcomeSettling, v1alpha1.OutcomeConfirmed, v1alpha1.OutcomeNotPersisted,
			v1alpha1.OutcomeRejected, v1alpha1.OutcomeNotSent}).Draw(t, "outcome"),
		StartedTime: metav1.NewMicroTime(drawTime(t, "started")),
	}
	for _, name := range drawNames(t, "record's settings") {
		wish := wishOf(desired, name)
		if wish == "" || rapid.Bool().Draw(t, "another wish") {
			wish = "other"
		}
		record.Settings = append(record.Settings, v1alpha1.AppliedSetting{Setting: name, Wish: wish})
	}
	if rapid.Bool().Draw(t, "finished") {
		record.FinishedTime = new(metav1.NewMicroTime(drawTime(t, "finished at")))
	}
	if rapid.Bool().Draw(t, "superseded") {
		record.SupersededTime = new(metav1.NewMicroTime(drawTime(t, "superseded at")))
	}
	return record
}

func drawInput(t *rapid.T) plan.Input {
	desired := drawDesired(t)
	in := plan.Input{
		Now: noon, Generation: rapid.Int64().Draw(t, "generation"), Desired: desired, Observed: drawObserved(t), Limits: limits(),
		Policy:     rapid.SampledFrom([]v1alpha1.ReconcilePolicy{v1alpha1.PolicyEnforce, v1alpha1.PolicyEnforce, v1alpha1.PolicyOnSpecChange, v1alpha1.PolicyObserve}).Draw(t, "policy"),
		State:      rapid.SampledFrom([]string{"authorized", "authorized", "starting", "", "notAuthorized", "pendingCode", "pendingPassword", "no such state"}).Draw(t, "state"),
		StateSince: drawTime(t, "state since"), Own: rapid.Bool().Draw(t, "own"), Requested: rapid.Bool().Draw(t, "requested"), TokenUnknown: rapid.IntRange(0, 4).Draw(t, "hold") == 0,
		DriftSince: map[string]time.Time{},
		History: plan.History{
			SyncedHash:          rapid.SampledFrom([]string{desired.Hash, desired.Hash, "other", ""}).Draw(t, "synced"),
			SyncedSecretVersion: rapid.SampledFrom([]string{desired.SecretVersion, desired.SecretVersion, "1", "0123456789abcdef", ""}).Draw(t, "synced secret"),
			Record:              drawRecord(t, desired),
		},
	}
	in.Limits.MaxAttempts = rapid.Int32Range(1, 10).Draw(t, "attempts")
	in.Limits.FlapThreshold = rapid.IntRange(1, 8).Draw(t, "threshold")
	in.Limits.RetryAfter = rapid.SampledFrom([]time.Duration{retryAfter, retryAfter, 100 * 24 * time.Hour}).Draw(t, "retry after")
	if rapid.Bool().Draw(t, "rebooted") {
		in.LastReboot = drawTime(t, "reboot")
	}
	for _, name := range drawNames(t, "abandoned") {
		in.History.Abandoned = append(in.History.Abandoned, v1alpha1.AbandonedSetting{Setting: name, Time: metav1.NewTime(drawTime(t, "abandoned at")),
			Reason: rapid.SampledFrom([]v1alpha1.AbandonReason{v1alpha1.AbandonNotPersisted, v1alpha1.AbandonNotSupported, v1alpha1.AbandonFlapping}).Draw(t, "why"),
			Count:  rapid.SampledFrom([]int32{0, 1, 2, 1 << 20}).Draw(t, "count")})
	}
	for range rapid.IntRange(0, 16).Draw(t, "corrections") {
		in.History.Corrections = append(in.History.Corrections, v1alpha1.Correction{Time: metav1.NewTime(drawTime(t, "corrected")), Settings: drawNames(t, "corrected settings")})
	}
	for _, name := range drawNames(t, "drift") {
		in.DriftSince[name] = drawTime(t, "drift since")
	}
	return in
}

// checkDecision holds a decision against what is promised of every one.
func checkDecision(t failer, in plan.Input, d plan.Decision) {
	t.Helper()
	if d.LookAgain < 0 || d.Synced == "" {
		t.Fatalf("look again after %s, Synced %q", d.LookAgain, d.Synced)
	}
	for _, change := range d.Pending {
		checkShown(t, change)
	}
	if strings.Contains(render(t, d), "5ecret") {
		t.Fatalf("the decision gives the token away: %s", render(t, d))
	}
	if len(d.History.Corrections) > 16 {
		t.Fatalf("%d corrections are kept", len(d.History.Corrections))
	}
	record := d.History.Record
	for _, entry := range d.History.Abandoned {
		// A request that waits for the instance to have started leaves the list as it was.
		if !in.TokenUnknown && !in.Requested && wishOf(in.Desired, entry.Setting) == "" && !slices.Contains(in.Desired.Names(), entry.Setting) {
			t.Fatalf("%s is not managed, and abandoned", entry.Setting)
		}
	}
	if len(d.Send) == 0 {
		before := in.History.Record
		if record != nil && (before == nil || record.StartedTime.UnixMicro() != before.StartedTime.UnixMicro()) {
			t.Fatalf("a record without a call: %s", toJSON(t, record))
		}
		if record.Active() && !before.Active() {
			t.Fatalf("a closed record is open again: %s", toJSON(t, record))
		}
		return
	}
	switch {
	case in.Policy == v1alpha1.PolicyObserve, in.TokenUnknown, in.State == "starting", in.State == "":
		t.Fatalf("%v is sent under %s, hold %v, while %q", d.Send, in.Policy, in.TokenUnknown, in.State)
	case !slices.IsSorted(d.Send), len(slices.Compact(slices.Clone(d.Send))) != len(d.Send):
		t.Fatalf("%v is sent", d.Send)
	case record == nil, record.Outcome != v1alpha1.OutcomePending, !record.StartedTime.Time.Equal(in.Now), record.Attempt < 1, record.Reason == "", record.FinishedTime != nil:
		t.Fatalf("%v is sent with the intent %s", d.Send, toJSON(t, record))
	case record.SettingsHash != in.Desired.Hash, record.SecretVersion != in.Desired.SecretVersion:
		t.Fatalf("the intent is for another wish: %s", toJSON(t, record))
	}
	for _, name := range d.Send {
		checkSent(t, in, d, name)
	}
}

// checkSent: a setting is sent only if it is managed, differs (or an open call sent another wish), and is not abandoned.
func checkSent(t failer, in plan.Input, d plan.Decision, name string) {
	t.Helper()
	wish := wishOf(in.Desired, name)
	if !slices.Contains(in.Desired.Names(), name) || !slices.Contains(d.History.Record.Settings, v1alpha1.AppliedSetting{Setting: name, Wish: wish}) {
		t.Fatalf("%s is sent, and not managed or not in the intent", name)
	}
	differs := slices.ContainsFunc(d.Pending, func(p v1alpha1.PendingChange) bool { return p.Setting == name })
	before := in.History.Record
	superseded := before.Active() && slices.ContainsFunc(before.Settings, func(s v1alpha1.AppliedSetting) bool { return s.Setting == name && s.Wish != wish })
	if !differs && !superseded {
		t.Fatalf("%s is sent without a difference", name)
	}
	for _, entry := range d.History.Abandoned {
		if entry.Setting == name && (entry.Reason != v1alpha1.AbandonFlapping || !entry.Time.Time.Equal(in.Now)) {
			t.Fatalf("%s is sent, and abandoned: %s", name, toJSON(t, entry))
		}
	}
}

// checkNotSent: a call that had no effect leaves no trace but the closed record.
func checkNotSent(t failer, in plan.Input, d plan.Decision) {
	t.Helper()
	h := d.History
	h.Record = h.Record.DeepCopy()
	plan.NotSent(&h, cloneHistory(in.History), noon.Add(time.Second))
	switch {
	case in.History.Record.Active(), h.Record.Outcome == v1alpha1.OutcomeNotPersisted:
		// A series that waited when a new webhook token came waits again, as an open call is open again.
		if toJSON(t, toStatus(h)) != toJSON(t, toStatus(in.History)) {
			t.Fatalf("the open call or the series is not as it was: %s", toJSON(t, toStatus(h)))
		}
	case h.Record.Outcome != v1alpha1.OutcomeNotSent, h.Record.Attempt < 0, len(h.Corrections) != len(in.History.Corrections):
		t.Fatalf("a call that was not sent left %s", toJSON(t, toStatus(h)))
	}
}

// TestR13NoWaitIsTooLongToCount: four times as long before each attempt is still a wait, whatever the flags say.
func TestR13NoWaitIsTooLongToCount(t *testing.T) {
	for attempt := int32(1); attempt < 10; attempt++ {
		in := plan.Input{Now: noon, Policy: v1alpha1.PolicyEnforce, Desired: wish(t, `"incomingWebhook":true`), State: "authorized", StateSince: noon, Limits: limits(),
			Observed: plan.Observed{"incomingWebhook": {Type: jsonvalue.String, Text: "no"}}}
		in.Limits.MaxAttempts, in.Limits.RetryAfter = 10, 100*24*time.Hour
		in.History.Record = &v1alpha1.ApplyRecord{SettingsHash: in.Desired.Hash, Attempt: attempt, Reason: v1alpha1.ApplyRetry, Outcome: v1alpha1.OutcomeNotPersisted,
			StartedTime: metav1.NewMicroTime(noon), FinishedTime: new(metav1.NewMicroTime(noon)), Settings: []v1alpha1.AppliedSetting{{Setting: "incomingWebhook", Wish: wishOf(in.Desired, "incomingWebhook")}}}
		if d := plan.Decide(in); len(d.Send) > 0 || d.LookAgain < in.Limits.RetryAfter {
			t.Errorf("attempt %d: %v is sent, or looked at after %s", attempt, d.Send, d.LookAgain)
		}
	}
}

// TestTheRecordFitsIntoTheStatus: however many other settings open calls have sent, the record holds what is managed and
// 128 settings at most.
func TestTheRecordFitsIntoTheStatus(t *testing.T) {
	in := plan.Input{Now: noon, Generation: 2, Policy: v1alpha1.PolicyEnforce, Desired: wish(t, `"incomingWebhook":true,"stateWebhook":true`), State: "authorized", StateSince: noon,
		Limits: limits(), Own: true, Observed: plan.Observed{"incomingWebhook": {Type: jsonvalue.String, Text: "no"}, "stateWebhook": {Type: jsonvalue.String, Text: "no"}}}
	record := &v1alpha1.ApplyRecord{SettingsHash: "earlier", Attempt: 1, Reason: v1alpha1.ApplySpecChange, Outcome: v1alpha1.OutcomeSettling, StartedTime: metav1.NewMicroTime(noon)}
	for i := range 127 {
		record.Settings = append(record.Settings, v1alpha1.AppliedSetting{Setting: fmt.Sprintf("gone%03d", i), Wish: "x"})
	}
	record.Settings = append(record.Settings, v1alpha1.AppliedSetting{Setting: "stateWebhook", Wish: wishOf(in.Desired, "stateWebhook")})
	in.History.Record = record
	d := decide(t, in)
	var names []string
	for _, s := range d.History.Record.Settings {
		names = append(names, s.Setting)
	}
	if !slices.Equal(d.Send, []string{"incomingWebhook"}) || len(names) != 128 || !slices.Contains(names, "incomingWebhook") || !slices.Contains(names, "stateWebhook") {
		t.Errorf("%v is sent, and the record has %d settings: %v", d.Send, len(names), names)
	}
}
