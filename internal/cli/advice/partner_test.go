// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// sold is a claim and an account with one condition beside Ready, which says the same.
func sold(condition, reason string) (*v1alpha1.InstanceClaim, *v1alpha1.PartnerAccount) {
	conditions := func() []metav1.Condition {
		return []metav1.Condition{
			{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionFalse, Reason: reason, Message: "It is so"},
			{Type: condition, Status: metav1.ConditionTrue, Reason: reason, Message: "It is so"},
		}
	}
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "line"}, Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: "reseller"}}}
	claim.Status.Conditions = conditions()
	account := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: "reseller"}, Spec: v1alpha1.PartnerAccountSpec{PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: "reseller-partner"}}}
	account.Status.Conditions = conditions()
	return claim, account
}

// Reasons that claims and accounts show.
var (
	claimReasons = []string{
		v1alpha1.ReasonCreatePending, v1alpha1.ReasonOutcomeUnknown, v1alpha1.ReasonCreateRejected, v1alpha1.ReasonAmbiguousName, v1alpha1.ReasonNameTaken,
		v1alpha1.ReasonLimitReached, v1alpha1.ReasonInstanceMissing, v1alpha1.ReasonNamespaceNotAllowed, v1alpha1.ReasonNameNotAllowed, v1alpha1.ReasonAccountNotReady,
		v1alpha1.ReasonModeObserve, v1alpha1.ReasonSecretConflict, v1alpha1.ReasonMessengerMismatch, v1alpha1.ReasonEndpointNotAllowed, v1alpha1.ReasonDeleting,
	}
	accountReasons = []string{
		v1alpha1.ReasonUnauthorized, v1alpha1.ReasonAccountMismatch, v1alpha1.ReasonEndpointNotAllowed, v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretKeyMissing,
		v1alpha1.ReasonTokenMalformed, v1alpha1.ReasonObservationStale, v1alpha1.ReasonProgressing, v1alpha1.ReasonProgressingWithRetry,
	}
)

// TestClaimsAndAccountsHaveNextSteps that speak of them and can be typed as they stand, and of which none is said in vain.
func TestClaimsAndAccountsHaveNextSteps(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	now := time.Now()
	used := map[string]bool{v1alpha1.ReasonNotObserved: true}
	check := func(how Assessment, reason, headline string) {
		g.Expect(how.Headline).To(Equal(headline), reason)
		g.Expect(how.Steps).To(HaveLen(1), reason)
		g.Expect(how.Steps[0]).NotTo(MatchRegexp(`\{[a-z]+\}|spec\.idInstance|apiTokenInstance|this resource`), reason)
		for _, command := range regexp.MustCompile(`kubectl greenapi [a-z]+[^.,;]*`).FindAllString(how.Steps[0], -1) {
			g.Expect(command).To(MatchRegexp(`^kubectl greenapi (status|events) account/reseller$`), reason)
		}
		used[reason] = true
	}
	for _, reason := range claimReasons {
		stalled, _ := sold(v1alpha1.StalledCondition, reason)
		check(AssessClaim(stalled, now), reason, "Needs you: it is so.")
		waits, _ := sold(v1alpha1.ReconcilingCondition, reason)
		check(AssessClaim(waits, now), reason, "Waiting: it is so.")
	}
	for _, reason := range accountReasons {
		_, stalled := sold(v1alpha1.StalledCondition, reason)
		check(AssessAccount(stalled, now), reason, "Needs you: it is so.")
	}
	for _, steps := range []map[string]string{ofClaim, ofStalledClaim, ofAccount} {
		for reason := range steps {
			g.Expect(used).To(HaveKey(reason), "nothing shows this reason")
		}
	}
}

// TestMoneyIsSpentOnlyAfterALook: what lets one more be bought is said where a person has to look first, and not before.
func TestMoneyIsSpentOnlyAfterALook(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, reason := range []string{v1alpha1.ReasonOutcomeUnknown, v1alpha1.ReasonCreateRejected} {
		waits, _ := sold(v1alpha1.ReconcilingCondition, reason)
		g.Expect(AssessClaim(waits, time.Now()).Steps).To(ConsistOf(And(HavePrefix("Wait"), Not(ContainSubstring("annotate")))))
		stalled, _ := sold(v1alpha1.StalledCondition, reason)
		g.Expect(AssessClaim(stalled, time.Now()).Steps).To(ConsistOf(And(MatchRegexp("^(Look|See)"), ContainSubstring(": kubectl annotate instanceclaim line -n shop --overwrite "))))
	}
}

func TestHowClaimsAndAccountsAre(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	now := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	claim, account := sold("", "")
	claim.Status.Conditions, account.Status.Conditions = nil, nil
	claim.CreationTimestamp, account.CreationTimestamp = metav1.NewTime(now), metav1.NewTime(now)
	g.Expect(AssessClaim(claim, now).Headline).To(Equal("Waiting: the operator has not looked at it yet."))
	g.Expect(AssessAccount(account, now.Add(2*time.Minute))).To(Equal(Assessment{NeedsYou, "Needs you: nobody looks after it.", []string{ofAccount[v1alpha1.ReasonNotObserved]}}))
	g.Expect(AssessClaim(claim, now.Add(2*time.Minute)).Steps[0]).To(HaveSuffix("without --partner-accounts: kubectl greenapi doctor -n shop"))

	good := metav1.Condition{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded}
	claim.Status.Conditions, claim.Status.IDInstance = []metav1.Condition{good}, 710700000001
	g.Expect(AssessClaim(claim, now)).To(Equal(Assessment{Fine, "Fine: instance 710700000001 is there, and Secret line-greenapi has its token.", nil}))
	claim.Generation, claim.Status.ObservedGeneration = 2, 1
	g.Expect(AssessClaim(claim, now).Mood).To(Equal(Waits))

	account.Status.Conditions = []metav1.Condition{good}
	g.Expect(AssessAccount(account, now)).To(Equal(Assessment{Fine, "Fine: the list of instances is read, and it is this account's.", nil}))
	account.Status.Instances = &v1alpha1.PartnerInstances{Living: 9, Unclaimed: 2}
	how := AssessAccount(account, now)
	g.Expect(how.Mood).To(Equal(Fine))
	g.Expect(how.Steps).To(ConsistOf(HaveSuffix(": kubectl greenapi import --partner reseller --all-unclaimed")))
	account.Status.Conditions = append(account.Status.Conditions, metav1.Condition{Type: v1alpha1.ReconcilingCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonProgressingWithRetry, Message: "Cannot read the list"})
	how = AssessAccount(account, now)
	g.Expect(how.Headline).To(HaveSuffix("Now: cannot read the list."))
	g.Expect(strings.Join(how.Steps, "\n")).To(MatchRegexp(`(?s)^Wait: .*--all-unclaimed$`))
}
