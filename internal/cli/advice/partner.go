// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"fmt"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// oneMore lets a claim make one more attempt, which may buy an instance.
const oneMore = "kubectl annotate instanceclaim {claim} -n {namespace} --overwrite messaging.greenapi-operator.dev/reconcile-requested-at=\"$(date +%s)\""

// ofClaim are the next steps for claims where they are others than for resources, or say what to type. {claim}, {namespace} and {account}
// stand for names.
var ofClaim = map[string]string{
	v1alpha1.ReasonNotObserved:   "Wait a minute for the operator to look. If it does not, it may run without --partner-accounts: kubectl greenapi doctor -n {namespace}",
	v1alpha1.ReasonCreatePending: "Wait: the account's list of instances is read, which may take some minutes. If it stays: kubectl greenapi status account/{account}",
	v1alpha1.ReasonOutcomeUnknown: "Wait up to half an hour: the list shows whether an instance was bought, and one that shows is taken. " +
		"Nothing is bought meanwhile",
	v1alpha1.ReasonCreateRejected:    "Wait: a second attempt is made after five minutes. See in the vendor's console meanwhile whether the account may create instances",
	v1alpha1.ReasonAccountNotReady:   "See what the account says: kubectl greenapi status account/{account}. The claim goes on by itself once its list is read",
	v1alpha1.ReasonModeObserve:       "Have those who run the operator set spec.mode of PartnerAccount {account} to Create, or name an instance that is there",
	v1alpha1.ReasonMessengerMismatch: "Have those who run the operator correct PartnerAccount {account}. Then delete what was bought in the vendor's console, and make the claim anew: no other one is bought in its place",
	v1alpha1.ReasonEndpointNotAllowed: "If the host that the message names is the vendor's, have those who run the operator add it to --allowed-api-hosts. " +
		"The instance is there, and is not bought again",
	v1alpha1.ReasonDeleting: "Wait: the instance is being deleted at the vendor, and the claim goes once the list says so. To keep the instance: kubectl patch instanceclaim {claim} -n {namespace} --type merge -p '{\"spec\":{\"deletionPolicy\":\"Retain\"}}'",
}

// ofStalledClaim are those for claims that wait for a person, where they are others than while the operator goes on by itself.
var ofStalledClaim = map[string]string{
	v1alpha1.ReasonOutcomeUnknown: "Look for the name of the instance in the vendor's console. Only if it is not there, let one more be bought: " + oneMore,
	v1alpha1.ReasonCreateRejected: "See in the vendor's console why the account may not create instances. Then let it be tried once more: " + oneMore,
}

// ofAccount are those for partner accounts.
var ofAccount = map[string]string{
	v1alpha1.ReasonNotObserved:          "Wait a minute for the operator to look. If it does not, it may run without --partner-accounts: kubectl greenapi doctor",
	v1alpha1.ReasonProgressing:          "Wait: the list of instances is read, or is read again",
	v1alpha1.ReasonProgressingWithRetry: "Wait: the list is read again by itself. If it lasts, see whether the vendor has trouble: kubectl greenapi events account/{account}",
	v1alpha1.ReasonObservationStale:     "See whether the operator reaches the vendor: its log, its network policy, the vendor's status page. Till then nothing is adopted or bought",
	v1alpha1.ReasonUnauthorized:         "Copy the partner token from the profile in the vendor's console into key {key} of Secret {secret} in the operator's namespace, and compare spec.partnerApiUrl with the console",
	v1alpha1.ReasonSecretNotFound:       "Create it from a file that holds the partner token: kubectl -n OPERATORS_NAMESPACE create secret generic {secret} --from-file={key}=token.txt (the message names the namespace)",
	v1alpha1.ReasonSecretKeyMissing:     "Add the key to Secret {secret} in the operator's namespace, or name another key in spec.partnerTokenSecretRef",
	v1alpha1.ReasonTokenMalformed:       "Copy the partner token from the profile in the vendor's console into key {key} of Secret {secret} in the operator's namespace: alone, on one line",
	v1alpha1.ReasonEndpointNotAllowed:   "Correct spec.partnerApiUrl (the profile in the vendor's console shows it), or add the host to the operator's --allowed-api-hosts",
}

// ClaimArgument names a claim to kubectl greenapi, from wherever it is called.
func ClaimArgument(claim *v1alpha1.InstanceClaim) string {
	return "claim/" + claim.Name + " -n " + claim.Namespace
}

// AccountArgument names a partner account to kubectl greenapi.
func AccountArgument(account *v1alpha1.PartnerAccount) string { return "account/" + account.Name }

// ForClaim words the next step for a reason that a claim shows.
func ForClaim(claim *v1alpha1.InstanceClaim, reason string) string {
	next := pick(reason, ofClaim)
	if apimeta.IsStatusConditionTrue(claim.Status.Conditions, v1alpha1.StalledCondition) {
		next = pick(reason, ofStalledClaim, ofClaim)
	}
	return strings.NewReplacer("{claim}", claim.Name, "{namespace}", claim.Namespace, "{account}", claim.Spec.AccountRef.Name, "{secret}", claim.SecretName()).Replace(next)
}

// ForAccount words the next step for a reason that a partner account shows.
func ForAccount(account *v1alpha1.PartnerAccount, reason string) string {
	ref := account.Spec.PartnerTokenSecretRef
	return strings.NewReplacer("{account}", account.Name, "{secret}", ref.Name, "{key}", ref.KeyOrDefault()).Replace(pick(reason, ofAccount))
}

// pick is the first that some steps have for a reason, or else what is said to all.
func pick(reason string, steps ...map[string]string) string {
	for _, of := range steps {
		if step := of[reason]; step != "" {
			return step
		}
	}
	return counselFor(reason).next
}

// partly is what a claim and an account show alike.
type partly struct {
	conditions []metav1.Condition
	created    time.Time
	// behind: the conditions are about an earlier edit.
	behind bool
	step   func(reason string) string
	// fine is what is said where nothing is wrong.
	fine string
}

// AssessClaim says how a claim is.
func AssessClaim(claim *v1alpha1.InstanceClaim, now time.Time) Assessment {
	status := &claim.Status
	how := partly{conditions: status.Conditions, created: claim.CreationTimestamp.Time, behind: behind(status.ObservedGeneration, claim.Generation),
		step: func(reason string) string { return ForClaim(claim, reason) },
		fine: fmt.Sprintf("instance %d is there, and Secret %s has its token.", status.IDInstance, claim.SecretName())}
	return how.assess(now)
}

// AssessAccount says how a partner account is. What it pays for and nobody claims is a step, whatever else there is.
func AssessAccount(account *v1alpha1.PartnerAccount, now time.Time) Assessment {
	status := &account.Status
	how := partly{conditions: status.Conditions, created: account.CreationTimestamp.Time, behind: behind(status.ObservedGeneration, account.Generation),
		step: func(reason string) string { return ForAccount(account, reason) },
		fine: "the list of instances is read, and it is this account's."}
	a := how.assess(now)
	if step := Unclaimed(account); step != "" {
		a.Steps = append(a.Steps, step)
	}
	return a
}

// Unclaimed words what to do about instances that an account pays for and nobody claims, "" if there are none.
func Unclaimed(account *v1alpha1.PartnerAccount) string {
	if account.Status.Instances == nil || account.Status.Instances.Unclaimed == 0 {
		return ""
	}
	return "Claim the unclaimed instances, or delete them in the vendor's console: each is paid for every day. To see them, and get manifests: kubectl greenapi import --partner " + account.Name + " --all-unclaimed"
}

func behind(observed, generation int64) bool { return observed >= 0 && observed < generation }

func (p partly) assess(now time.Time) Assessment {
	ready := apimeta.FindStatusCondition(p.conditions, v1alpha1.ReadyCondition)
	switch {
	case ready == nil && now.Sub(p.created) > UnseenAfter:
		return Assessment{NeedsYou, "Needs you: nobody looks after it.", []string{p.step(v1alpha1.ReasonNotObserved)}}
	case ready == nil:
		return Assessment{Waits, "Waiting: the operator has not looked at it yet.", []string{p.step(v1alpha1.ReasonNotObserved)}}
	}
	if stalled := apimeta.FindStatusCondition(p.conditions, v1alpha1.StalledCondition); stalled != nil {
		return Assessment{NeedsYou, "Needs you: " + Sentence(LowerFirst(stalled.Message)), p.steps(stalled.Reason)}
	}
	if ready.Status != metav1.ConditionTrue {
		return Assessment{Waits, "Waiting: " + Sentence(LowerFirst(ready.Message)), p.steps(ready.Reason)}
	}
	if retried := apimeta.FindStatusCondition(p.conditions, v1alpha1.ReconcilingCondition); retried != nil {
		return Assessment{Fine, "Fine: " + p.fine + " Now: " + Sentence(LowerFirst(retried.Message)), p.steps(retried.Reason)}
	}
	if p.behind {
		return Assessment{Waits, "Waiting: the latest edit of the manifest was not looked at yet.", p.steps(v1alpha1.ReasonNotObserved)}
	}
	return Assessment{Fine, "Fine: " + p.fine, nil}
}

func (p partly) steps(reason string) []string {
	if step := p.step(reason); step != "" {
		return []string{step}
	}
	return nil
}
