// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// TestTakeOverOfTheWebhookToken: what was noted of a token counts as the present one where it cannot be told what it was, and stays what it
// is where it can.
func TestTakeOverOfTheWebhookToken(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	version := func(value, api string) plan.Desired {
		desired := wish(t, tokenRef)
		desired.SetToken(value, api, "")
		return desired
	}
	key := plan.TakeOver(plan.History{}, version("any", apiToken)).SecretKey
	otherKey := plan.TakeOver(plan.History{}, version("any", "another-api-t0ken")).SecretKey
	g.Expect(key).NotTo(SatisfyAny(BeEmpty(), Equal(otherKey)), "what an API token digests with has a mark of its own")
	present, former, foreign := version("present", apiToken), version("former", apiToken), version("former", "another-api-t0ken")
	for name, test := range map[string]struct {
		key, noted, want string
	}{
		"another value, by this API token":          {key, former.SecretVersion, former.SecretVersion},
		"another value, before keys were noted":     {"", former.SecretVersion, former.SecretVersion},
		"a value by an API token nobody here knows": {otherKey, foreign.SecretVersion, present.SecretVersion},
		"a resourceVersion":                         {"", "12345", present.SecretVersion},
		"nothing":                                   {otherKey, "", ""},
	} {
		after := plan.TakeOver(plan.History{SecretKey: test.key, SyncedSecretVersion: test.noted}, present)
		g.Expect(after.SyncedSecretVersion).To(Equal(test.want), name)
		g.Expect(after.SecretKey).To(Equal(key), name)
	}
	unread := plan.TakeOver(plan.History{SecretKey: otherKey, SyncedSecretVersion: foreign.SecretVersion}, wish(t, tokenRef))
	g.Expect(unread.SecretKey).To(Equal(otherKey), "a Secret that was not read says nothing")
	g.Expect(unread.SyncedSecretVersion).To(Equal(foreign.SecretVersion))
}

// TestTakeOverOfAHash: a value that is normalized today has the hash of what was written as one that is the same.
func TestTakeOverOfAHash(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	desired := wish(t, `"webhookUrl":"https://Shop.example:443/hook"`)
	g.Expect(plan.FormerHash(desired)).NotTo(Equal(desired.Hash))
	g.Expect(plan.TakeOver(plan.History{SyncedHash: plan.FormerHash(desired)}, desired).SyncedHash).To(Equal(desired.Hash))
	g.Expect(plan.TakeOver(plan.History{SyncedHash: "another"}, desired).SyncedHash).To(Equal("another"))
}

// TestANewTokenInEffectIsNoChangeBesideADifference: it is noted, unless what shows may be from before.
func TestANewTokenInEffectIsNoChangeBesideADifference(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*story)
		noted   bool
	}{
		"it shows":              {func(*story) {}, true},
		"it does not show":      {func(s *story) { delete(s.in.Observed, plan.WebhookTokenName) }, false},
		"the instance starts":   {func(s *story) { s.state("starting") }, false},
		"an earlier call is on": {func(s *story) { s.in.History.Record = superseded(s, 0) }, false},
		"it is on no more":      {func(s *story) { s.in.History.Record = superseded(s, settle) }, true},
	} {
		s := newStory(t, "")
		s.token(tokenRef+`,"incomingWebhook":true`, "first")
		s.obey()
		s.quiet(v1alpha1.ReasonUpToDate)
		s.in.Policy = v1alpha1.PolicyOnSpecChange
		s.token(tokenRef+`,"incomingWebhook":true`, "second")
		s.obey()
		s.shows(incoming, "no")
		test.prepare(s)
		s.look()
		if noted := s.in.History.SyncedSecretVersion == s.in.Desired.SecretVersion; noted != test.noted {
			t.Errorf("%s: noted is %t", name, noted)
		}
	}
}

// superseded is the record of a call that is over, and took the place of another one so long ago.
func superseded(s *story, ago time.Duration) *v1alpha1.ApplyRecord {
	record := &v1alpha1.ApplyRecord{Generation: 1, SettingsHash: s.in.Desired.Hash, SecretVersion: s.in.History.SyncedSecretVersion, Attempt: 1,
		Reason: v1alpha1.ApplySpecChange, Outcome: v1alpha1.OutcomeConfirmed}
	record.StartedTime = metav1.NewMicroTime(s.in.Now.Add(-ago))
	record.SupersededTime = &record.StartedTime
	s.in.Own = true
	return record
}

// TestWhatEarlierReleasesNotedOfSettingsThatDoNotShow: they noted no more than that all were in effect, so a setting that the vendor does not show
// was, unless it had been given up or a request was trying it again.
func TestWhatEarlierReleasesNotedOfSettingsThatDoNotShow(t *testing.T) {
	t.Parallel()
	requested := func(outcome v1alpha1.ApplyOutcome, names ...string) func(*story) {
		return func(s *story) {
			record := &v1alpha1.ApplyRecord{Generation: 1, SettingsHash: s.in.Desired.Hash, Attempt: 1, Reason: v1alpha1.ApplyRequested, Outcome: outcome,
				StartedTime: metav1.NewMicroTime(s.in.Now.Add(-time.Hour))}
			for _, name := range names {
				record.Settings = append(record.Settings, v1alpha1.AppliedSetting{Setting: name})
			}
			s.in.History.Record = record
		}
	}
	givenUpFor := func(reason v1alpha1.AbandonReason) func(*story) {
		return func(s *story) {
			s.in.History.Abandoned = []v1alpha1.AbandonedSetting{{Setting: outgoing, Reason: reason, Time: metav1.NewTime(s.in.Now), Count: 1}}
		}
	}
	for name, test := range map[string]struct {
		prepare func(*story)
		pending bool
	}{
		"all were in effect":                       {func(*story) {}, false},
		"given up, since it flaps":                 {givenUpFor(v1alpha1.AbandonFlapping), false},
		"given up, since it is not kept":           {givenUpFor(v1alpha1.AbandonNotPersisted), true},
		"a request tried it, and it did not stay":  {requested(v1alpha1.OutcomeNotPersisted, outgoing), true},
		"a request tried another":                  {requested(v1alpha1.OutcomeNotPersisted, incoming), false},
		"a request tried it, and it came to be so": {requested(v1alpha1.OutcomeConfirmed, outgoing), false},
		"something else than a request wrote it again": {func(s *story) {
			requested(v1alpha1.OutcomeNotPersisted, outgoing)(s)
			s.in.History.Record.Reason = v1alpha1.ApplyDrift
		}, false},
	} {
		s := inEffect(t, onOn)
		s.in.History.Effective = nil
		delete(s.in.Observed, outgoing)
		test.prepare(s)
		d := decide(t, s.in)
		if pending := len(d.Pending) > 0; pending != test.pending {
			t.Errorf("%s: it differs: %t", name, pending)
		}
	}
}
