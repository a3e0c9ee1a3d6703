// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// TestR9_OnlyWhatWasSeenTwiceIsCorrected: a setting that was seen to differ once does not ride along with another.
func TestR9_OnlyWhatWasSeenTwiceIsCorrected(t *testing.T) {
	s := inEffect(t, onOn)
	s.shows(incoming, "no")
	s.quiet(v1alpha1.ReasonApplyPending)
	s.after(poll / 2)
	s.shows(outgoing, "no")
	s.quiet(v1alpha1.ReasonApplyPending)
	s.again(poll / 2)
	s.after(poll / 2)
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(poll)
	s.shows(incoming, "yes")
	s.sends(outgoing)
}

// TestR9_ARequestTakesNoDriftAlong that nothing but one reading shows.
func TestR9_ARequestTakesNoDriftAlong(t *testing.T) {
	s := inEffect(t, onOn)
	s.giveUp(v1alpha1.AbandonNotPersisted, incoming)
	s.shows(outgoing, "no")
	s.in.Requested = true
	s.sends(incoming)
}

// TestR6_WhatWasInEffectAndIsNotShownIsNoDrift: nothing is concluded from a reading that does not show a setting.
func TestR6_WhatWasInEffectAndIsNotShownIsNoDrift(t *testing.T) {
	for name, settings := range map[string]string{"flag": onOn, "token": on + "," + tokenRef} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, "")
			s.token(settings, "first")
			s.obey()
			s.quiet(v1alpha1.ReasonUpToDate)
			clear(s.in.Observed)
			for range 5 {
				s.quiet(v1alpha1.ReasonUpToDate)
				if len(s.d.Pending) > 0 {
					t.Fatalf("pending %v", s.d.Pending)
				}
				s.after(poll)
			}
		})
	}
}

// TestR6_ACorrectionThatIsNotShownIsNotRepeated: it ends with its settle time, and the setting is not given up.
func TestR6_ACorrectionThatIsNotShownIsNotRepeated(t *testing.T) {
	for _, outcome := range []v1alpha1.ApplyOutcome{v1alpha1.OutcomePending, v1alpha1.OutcomeSettling} {
		s := inEffect(t, on)
		s.drifts(incoming)
		s.answer(outcome)
		clear(s.in.Observed)
		for range 3 {
			s.after(poll)
			s.quiet(v1alpha1.ReasonSettling)
		}
		s.after(settle)
		s.quiet(v1alpha1.ReasonUpToDate)
		s.abandoned()
		s.outcome(v1alpha1.OutcomeConfirmed)
	}
}

// TestR6_WhatWasGivenUpIsNotTakenForSeen: it was not in effect with the others, and a request tries it once more.
func TestR6_WhatWasGivenUpIsNotTakenForSeen(t *testing.T) {
	s := newStory(t, onOn)
	s.shows(outgoing, "yes")
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingNotSupported)
	s.in.Requested = true
	s.sends(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingNotSupported)
	s.abandoned(incoming + " SettingNotSupported")
}

// TestR12_ANewTokenIsSentAlone, whatever else differs, and a series of attempts at something else goes on.
func TestR12_ANewTokenIsSentAlone(t *testing.T) {
	s := newStory(t, "")
	s.token(on+","+tokenRef, "first")
	s.shows(incoming, "no")
	s.shows(plan.WebhookTokenName, "")
	s.sends(incoming, plan.WebhookTokenName)
	s.shows(plan.WebhookTokenName, "first")
	s.neverKept()
	restarts := 1
	for _, value := range []string{"second", "third", "fourth", "fifth", "sixth", "seventh"} {
		s.after(5 * time.Minute)
		s.token(on+","+tokenRef, value)
		if record := s.sends(plan.WebhookTokenName); record.Reason != v1alpha1.ApplySpecChange {
			t.Fatalf("record %s, want a change", toJSON(t, record))
		}
		s.answer(v1alpha1.OutcomeNotSent)
		s.after(time.Second)
		s.sends(plan.WebhookTokenName)
		s.shows(plan.WebhookTokenName, value)
		s.neverKept()
		restarts++
	}
	for range 100 {
		s.after(time.Hour)
		if s.look(); len(s.d.Send) > 0 {
			if !slices.Equal(s.d.Send, []string{incoming}) {
				t.Fatalf("sends %v", s.d.Send)
			}
			s.neverKept()
			restarts++
		}
	}
	// Seven tokens, and two more attempts at what is never kept.
	if restarts != 7+2 {
		t.Errorf("%d restarts, want 9", restarts)
	}
	s.abandoned(incoming + " SettingsNotPersisted")
}

// TestR16_ANewTokenUnderOnSpecChange is written, and drift beside it is not.
func TestR16_ANewTokenUnderOnSpecChange(t *testing.T) {
	s := newStory(t, "")
	s.in.Policy = v1alpha1.PolicyOnSpecChange
	s.token(on+","+tokenRef, "first")
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.shows(incoming, "no")
	s.quiet(v1alpha1.ReasonDriftDetected)
	s.token(on+","+tokenRef, "second")
	s.sends(plan.WebhookTokenName)
	s.answer(v1alpha1.OutcomeSettling)
	s.shows(plan.WebhookTokenName, "second")
	s.after(poll)
	for range 3 {
		s.quiet(v1alpha1.ReasonDriftDetected)
		s.after(settle)
	}
}

// TestR12_ANewAPITokenIsNoChange of the webhook token, whatever the record is.
func TestR12_ANewAPITokenIsNoChange(t *testing.T) {
	s := newStory(t, "")
	s.token(on+","+tokenRef, "first")
	s.shows(incoming, "no")
	s.shows(plan.WebhookTokenName, "")
	s.sends(incoming, plan.WebhookTokenName)
	s.answer(v1alpha1.OutcomeSettling)
	before := s.in.Desired.SecretVersion
	s.in.Desired = wish(t, on+","+tokenRef)
	s.in.Desired.SetToken("first", "another-api-t0ken", apiToken)
	if s.in.Desired.SecretVersion == before {
		t.Fatal("the digest is not keyed with the API token")
	}
	s.after(poll)
	s.quiet(v1alpha1.ReasonSettling)
	s.obey()
	s.after(poll)
	s.quiet(v1alpha1.ReasonUpToDate)
	if got := s.in.History.SyncedSecretVersion; got != s.in.Desired.SecretVersion {
		t.Errorf("synced version %s, want the digest with the new API token", got)
	}
	// Another value with another API token is a change all the same.
	s.in.Desired = wish(t, on+","+tokenRef)
	s.in.Desired.SetToken("second", "a-third-api-t0ken", "another-api-t0ken")
	s.sends(plan.WebhookTokenName)
}

// TestR12_RecordsOfEarlierReleasesAreTakenOver: a resourceVersion says nothing about the value, and the reference was part of
// the hash.
func TestR12_RecordsOfEarlierReleasesAreTakenOver(t *testing.T) {
	for name, open := range map[string]bool{"settled": false, "settling": true} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, "")
			s.token(on+","+tokenRef, "first")
			s.obey()
			former := plan.FormerHash(s.in.Desired)
			s.in.History = plan.History{SyncedHash: former, SyncedSecretVersion: "123456", Record: &v1alpha1.ApplyRecord{
				SettingsHash: former, SecretVersion: "123456", Attempt: 1, Reason: v1alpha1.ApplySpecChange, Outcome: v1alpha1.OutcomeConfirmed,
				StartedTime: metav1.NewMicroTime(noon.Add(-time.Minute)),
				Settings:    []v1alpha1.AppliedSetting{{Setting: plan.WebhookTokenName, Wish: "123456"}},
			}}
			want := v1alpha1.ReasonUpToDate
			if open {
				s.in.History.SyncedHash, s.in.History.SyncedSecretVersion = "", ""
				s.in.History.Record.Outcome = v1alpha1.OutcomeSettling
				s.shows(plan.WebhookTokenName, "")
				want = v1alpha1.ReasonSettling
			}
			s.quiet(want)
			s.obey()
			s.after(poll)
			s.quiet(v1alpha1.ReasonUpToDate)
			if s.in.History.SyncedHash != s.in.Desired.Hash || s.in.History.SyncedSecretVersion != s.in.Desired.SecretVersion {
				t.Errorf("history %s is not that of this release", toJSON(t, toStatus(s.in.History)))
			}
		})
	}
}

// TestR12_ARecordOfAnEarlierReleaseIsForThePresentWish: nothing else is written because of it, and a series of attempts goes on.
func TestR12_ARecordOfAnEarlierReleaseIsForThePresentWish(t *testing.T) {
	for _, outcome := range []v1alpha1.ApplyOutcome{v1alpha1.OutcomeSettling, v1alpha1.OutcomeNotPersisted} {
		t.Run(string(outcome), func(t *testing.T) {
			s := newStory(t, "")
			s.token(onOn+","+tokenRef, "first")
			s.obey()
			former, finished := plan.FormerHash(s.in.Desired), metav1.NewMicroTime(noon.Add(-time.Minute))
			s.in.History = plan.History{Record: &v1alpha1.ApplyRecord{
				SettingsHash: former, SecretVersion: "123456", Attempt: 1, Reason: v1alpha1.ApplySpecChange, Outcome: outcome, StartedTime: finished,
				Settings: []v1alpha1.AppliedSetting{{Setting: incoming, Wish: s.in.Desired.Settings[0].Wish}},
			}}
			want := v1alpha1.ReasonSettling
			if outcome == v1alpha1.OutcomeNotPersisted {
				want, s.in.History.Record.FinishedTime = v1alpha1.ReasonSettingsNotPersisted, &finished
			}
			s.shows(incoming, "no")
			s.shows(outgoing, "no")
			s.quiet(want)
			if record := s.in.History.Record; record.SettingsHash != s.in.Desired.Hash || record.SecretVersion != s.in.Desired.SecretVersion {
				t.Errorf("record %s is not for the present wish", toJSON(t, record))
			}
		})
	}
}

// TestR12_AWishOfAnEarlierReleaseIsThePresentOne: it was taken from the value as it was written.
func TestR12_AWishOfAnEarlierReleaseIsThePresentOne(t *testing.T) {
	s := newStory(t, `"webhookUrl":"https://Shop.example"`)
	s.shows("webhookUrl", "")
	s.sends("webhookUrl")
	s.answer(v1alpha1.OutcomeSettling)
	s.in.History.Record.Settings[0].Wish = plan.FormerWish(s.in.Desired.Settings[0])
	s.after(poll)
	s.quiet(v1alpha1.ReasonSettling)
	s.obey()
	s.after(poll)
	s.quiet(v1alpha1.ReasonUpToDate)
	s.outcome(v1alpha1.OutcomeConfirmed)
}

// TestR12_AnUpgradeArmsNothing: what an earlier release gave up stays so, and under OnSpecChange drift is only reported still.
func TestR12_AnUpgradeArmsNothing(t *testing.T) {
	s := newStory(t, "")
	s.token(on+","+tokenRef, "first")
	s.obey()
	former := plan.FormerHash(s.in.Desired)
	s.in.History = plan.History{SyncedHash: former, SyncedSecretVersion: "123456"}
	s.giveUp(v1alpha1.AbandonNotPersisted, incoming)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.abandoned(incoming + " SettingsNotPersisted")

	s.in.History = plan.History{SyncedHash: former, SyncedSecretVersion: "123456"}
	s.in.Policy = v1alpha1.PolicyOnSpecChange
	for range 3 {
		s.quiet(v1alpha1.ReasonDriftDetected)
		s.after(poll)
	}
}

// TestR9_EqualValuesAreOneWish: a host in capitals or "true" for yes is no other wish while a call is open.
func TestR9_EqualValuesAreOneWish(t *testing.T) {
	for before, after := range map[string]string{
		`"webhookUrl":"https://Shop.example"`:                    `"webhookUrl":"https://shop.example:443/"`,
		`"additionalSettings":[{"name":"fresh","value":"true"}]`: `"additionalSettings":[{"name":"fresh","value":"YES"}]`,
	} {
		s := newStory(t, before)
		name := s.in.Desired.Settings[0].Name
		s.shows(name, "no")
		s.sends(name)
		s.answer(v1alpha1.OutcomeSettling)
		s.after(poll)
		s.edit(after)
		s.quiet(v1alpha1.ReasonSettling)
		s.obey()
		s.after(poll)
		s.quiet(v1alpha1.ReasonUpToDate)
	}
}

// TestR11_AChangeAfterAnUnknownOutcomeIsNoRepetition: the record of the change is about what is sent, not about the lost call.
func TestR11_AChangeAfterAnUnknownOutcomeIsNoRepetition(t *testing.T) {
	s := inEffect(t, `"incomingWebhook":false,"outgoingWebhook":false,"stateWebhook":false`)
	s.edit(`"incomingWebhook":true,"outgoingWebhook":false,"stateWebhook":true`)
	s.sends(incoming, "stateWebhook")
	s.answer(v1alpha1.OutcomePending)
	s.shows("stateWebhook", "yes")
	s.in.Policy = v1alpha1.PolicyObserve
	s.after(time.Minute)
	s.edit(`"incomingWebhook":true,"outgoingWebhook":true,"stateWebhook":true`)
	s.after(settle)
	s.in.Policy = v1alpha1.PolicyEnforce
	record := s.sends(incoming, outgoing)
	if len(record.Settings) != 2 || record.SupersededTime != nil {
		t.Errorf("record %s, want what is sent", toJSON(t, record))
	}
}

// TestR12_AChangeThatNeedsNoCallIsSeenAnew: what was in effect before a change within an open correction is not known to be.
func TestR12_AChangeThatNeedsNoCallIsSeenAnew(t *testing.T) {
	s := inEffect(t, on)
	s.shows(outgoing, "no")
	s.drifts(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.edit(onOff)
	s.quiet(v1alpha1.ReasonSettling)
	if s.in.History.SyncedHash != "" {
		t.Error("the hash of the wish before still counts as seen")
	}
	s.after(settle)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
}

// TestR13_AFailedCallStaysFailedUnderAnotherWish: what shows by another wish confirms no call.
func TestR13_AFailedCallStaysFailedUnderAnotherWish(t *testing.T) {
	t.Run("another wish", func(t *testing.T) {
		s := changed(t)
		s.neverKept()
		s.in.Policy = v1alpha1.PolicyObserve
		s.edit(off)
		s.quiet(v1alpha1.ReasonUpToDate)
		s.outcome(v1alpha1.OutcomeNotPersisted)
	})
	t.Run("while starting", func(t *testing.T) {
		s := changed(t)
		s.neverKept()
		s.state("starting")
		s.obey()
		s.look()
		s.outcome(v1alpha1.OutcomeNotPersisted)
	})
	t.Run("while an earlier call may come into effect", func(t *testing.T) {
		s := inEffect(t, off)
		s.edit(on)
		s.sends(incoming)
		s.answer(v1alpha1.OutcomeSettling)
		s.after(poll)
		s.edit(off)
		s.sends(incoming)
		s.answer(v1alpha1.OutcomeNotPersisted)
		s.after(poll)
		s.quiet(v1alpha1.ReasonSettling)
		s.outcome(v1alpha1.OutcomeNotPersisted)
		s.after(settle)
		s.quiet(v1alpha1.ReasonUpToDate)
		s.outcome(v1alpha1.OutcomeConfirmed)
	})
}

// TestHold_ARequestIsKept: it is not handled while nothing can be armed again, and is once the token is known.
func TestHold_ARequestIsKept(t *testing.T) {
	s := givenUp(t, v1alpha1.AbandonNotPersisted)
	s.in.Requested, s.in.TokenUnknown = true, true
	s.quiet(v1alpha1.ReasonApplyPending)
	if !s.in.Requested || len(s.in.History.Abandoned) == 0 {
		t.Fatal("the request was handled, or what was given up is armed")
	}
	s.in.TokenUnknown = false
	if s.look(); len(s.d.Send) == 0 || s.in.Requested {
		t.Errorf("sends %v, handled %v", s.d.Send, s.d.Handled)
	}
}

// TestR13_AReasonOfANewerRelease: a setting that it gave up is not written, and Synced has a reason.
func TestR13_AReasonOfANewerRelease(t *testing.T) {
	s := inEffect(t, on)
	s.giveUp("OfANewerRelease", incoming)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
}

// TestR15_AWaitForALoginSaysSo.
func TestR15_AWaitForALoginSaysSo(t *testing.T) {
	s := inEffect(t, off)
	s.state("pendingPassword")
	s.edit(on)
	s.quiet(v1alpha1.ReasonApplyPending)
	if s.d.Held.By != plan.HeldByLogin {
		t.Error("the decision does not say what it waits for")
	}
}

// TestR12_ANewTokenTakesNoDriftAlongWhileACallIsOpen: what differs besides was not part of the change.
func TestR12_ANewTokenTakesNoDriftAlongWhileACallIsOpen(t *testing.T) {
	s := newStory(t, "")
	s.token(onOn+","+tokenRef, "first")
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.drifts(incoming)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(poll)
	s.shows(outgoing, "no")
	s.token(onOn+","+tokenRef, "second")
	s.sends(plan.WebhookTokenName)
}

// TestR6_WhatIsNotShownAfterACorrectionIsNotWrittenAgain: it was in effect before, so that nothing is concluded.
func TestR6_WhatIsNotShownAfterACorrectionIsNotWrittenAgain(t *testing.T) {
	for _, outcome := range []v1alpha1.ApplyOutcome{v1alpha1.OutcomeSettling, v1alpha1.OutcomePending} {
		s := inEffect(t, onOn)
		s.drifts(incoming)
		s.answer(outcome)
		delete(s.in.Observed, incoming)
		for range 3 {
			s.after(limits().SettleTimeout / 2)
			if s.look(); len(s.d.Send) > 0 {
				t.Fatalf("%s: at %s sends %v", outcome, s.clock(), s.d.Send)
			}
		}
		s.abandoned()
		s.outcome(v1alpha1.OutcomeConfirmed)
	}
}

// TestR16_ATokenThatIsTakenBackIsWritten also under OnSpecChange: after a call with another one, the former is not known to be in
// effect.
func TestR16_ATokenThatIsTakenBackIsWritten(t *testing.T) {
	s := newStory(t, "")
	s.token(on+","+tokenRef, "first")
	s.obey()
	s.quiet(v1alpha1.ReasonUpToDate)
	s.in.Policy = v1alpha1.PolicyOnSpecChange
	s.token(on+","+tokenRef, "second")
	s.sends(plan.WebhookTokenName)
	s.answer(v1alpha1.OutcomeSettling)
	s.after(limits().SettleTimeout)
	s.quiet(v1alpha1.ReasonSettingsNotPersisted)
	s.shows(plan.WebhookTokenName, "second")
	s.token(on+","+tokenRef, "first")
	s.sends(plan.WebhookTokenName)
}

// TestR13_ANewTokenAfterARequestedAttemptMakesNoSeriesLonger: the token goes out alone, as part of the series that waits, whose
// attempts are three at the most whatever a person asked for in between.
func TestR13_ANewTokenAfterARequestedAttemptMakesNoSeriesLonger(t *testing.T) {
	s := inEffect(t, off)
	s.token(on+","+tokenRef, "first")
	for range 3 {
		if len(s.look().Send) == 0 {
			t.Fatal("nothing is sent")
		}
		// The token is kept, the other setting is not.
		s.shows(plan.WebhookTokenName, "first")
		s.neverKept()
		s.after(16 * retryAfter)
	}
	s.in.Requested = true
	s.sends(incoming)
	s.in.Requested = false
	s.answer(v1alpha1.OutcomeNotPersisted)
	if attempt := s.in.History.Record.Attempt; attempt != 4 {
		t.Fatalf("a person asked for attempt %d", attempt)
	}
	// Before the next look the token changes, so that nothing was given up yet.
	s.token(on+","+tokenRef, "second")
	if record := s.sends(plan.WebhookTokenName); record.Attempt > 3 {
		t.Errorf("the token goes out as attempt %d", record.Attempt)
	}
}
