// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package advice says what the status of a resource means to a person, and what to do next. It calls
// nothing and prints nothing.
package advice

import (
	"slices"
	"strconv"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// Mood says whose turn it is.
type Mood int

const (
	// Fine means that nobody has to do anything.
	Fine Mood = iota
	// Waits means that it goes on by itself.
	Waits
	// NeedsYou means that a person has to act.
	NeedsYou
)

// counsel is what a reason of a condition means for a person.
type counsel struct {
	mood Mood
	// next is the next step in plain words; "" where there is none. {it} stands for the arguments that name the resource
	// to kubectl greenapi, {namespace} for its namespace, {number} for the instance's, {secret} for the API token's Secret.
	next string
}

// counsels has every reason that a condition may show.
var counsels = map[string]counsel{
	v1alpha1.ReasonSucceeded:      {Fine, ""},
	v1alpha1.ReasonUpToDate:       {Fine, ""},
	v1alpha1.ReasonNothingManaged: {Fine, ""},
	v1alpha1.ReasonTokenAccepted:  {Fine, ""},
	v1alpha1.ReasonAuthorized:     {Fine, ""},

	v1alpha1.ReasonProgressing:          {Waits, "Wait: the operator is at work. To watch it: kubectl greenapi status {it} --watch"},
	v1alpha1.ReasonProgressingWithRetry: {Waits, "Wait: the operator tries again by itself. If it lasts, see whether the vendor has trouble, and read kubectl greenapi events {it}"},
	v1alpha1.ReasonSettling:             {Waits, "Wait up to six minutes: the instance restarts with the new settings. To watch it: kubectl greenapi status {it} --watch"},
	v1alpha1.ReasonObservationStale:     {Waits, "See whether the operator reaches the vendor: its log, its network policy, the vendor's status page. It goes on by itself"},
	v1alpha1.ReasonPaused:               {NeedsYou, "Let the operator work: kubectl greenapi resume {it}"},
	v1alpha1.ReasonSpecPaused:           {NeedsYou, "Let the operator work: kubectl greenapi resume {it}"},
	v1alpha1.ReasonNotObserved:          {Waits, "Wait a minute for the operator to look. If it does not: kubectl greenapi doctor -n {namespace}"},

	v1alpha1.ReasonApplyPending:     {Waits, "Wait: the settings are to be written, which restarts the instance"},
	v1alpha1.ReasonInstanceStarting: {Waits, "Wait up to five minutes: the settings are written once the instance has started"},
	v1alpha1.ReasonOutsideWindow:    {Waits, "Wait: it is written once the maintenance window has opened (status.nextWindowTime). To have it written now: kubectl greenapi apply-now {it}"},
	v1alpha1.ReasonRolloutHalted: {Waits, "See which instances ended badly, and why: kubectl greenapi rollout -n {namespace} (where the manager has --fleet-label: --fleet VALUE). Take the change back, or put them right; " +
		"it goes on by itself once one restarts well. To let this one pass: kubectl greenapi apply-now {it}"},
	v1alpha1.ReasonMaintenanceInvalid: {NeedsYou, "Correct spec.maintenance.timeZone: it takes an IANA name such as Europe/Moscow or UTC. Nothing is written until then"},
	v1alpha1.ReasonDriftDetected:      {Fine, "See what differs: kubectl greenapi diff {it}. Set spec.reconcilePolicy to Enforce to have it written, or change the manifest"},

	v1alpha1.ReasonSettingsNotPersisted: {NeedsYou, "Ask the vendor's support why it does not keep these settings. One more attempt: kubectl greenapi reconcile {it}"},
	v1alpha1.ReasonDriftFlapping:        {NeedsYou, "Find out who else changes these settings (another tool, the console), and stop it or remove them from the manifest. Then: kubectl greenapi reconcile {it}"},
	v1alpha1.ReasonSettingNotSupported:  {NeedsYou, "Remove these settings from the manifest: the vendor does not have them for this instance"},
	v1alpha1.ReasonSettingsRejected:     {NeedsYou, "Correct the values that the vendor refused in the manifest. To try the same once more: kubectl greenapi reconcile {it}"},

	v1alpha1.ReasonSecretNotFound:     {NeedsYou, "Create the Secret that the message names, with the value from the vendor's console"},
	v1alpha1.ReasonSecretKeyMissing:   {NeedsYou, "Add the key to the Secret that the message names, or name another key in the spec"},
	v1alpha1.ReasonTokenMalformed:     {NeedsYou, "Put a right token under the key that the message names, or name another key: an API token as the vendor's console shows it, a webhook token that you invent; alone, on one line"},
	v1alpha1.ReasonUnauthorized:       {NeedsYou, "Copy apiTokenInstance of this instance from the vendor's console into Secret {secret}"},
	v1alpha1.ReasonEndpointNotAllowed: {NeedsYou, "Correct spec.apiUrl (the console shows it), or add the host to the operator's --allowed-api-hosts"},
	v1alpha1.ReasonInstanceNotFound:   {NeedsYou, "Compare spec.idInstance and spec.apiUrl with the vendor's console. The number cannot be edited: create the resource anew for another one"},

	v1alpha1.ReasonSecretNotOwned:    {NeedsYou, "If no other tool writes the token into Secret {secret}, let the operator: kubectl -n {namespace} label secret {secret} messaging.greenapi-operator.dev/rotate=true. Else replace the token where that tool has it from"},
	v1alpha1.ReasonSecretNotWritable: {NeedsYou, "Let the operator write Secret {secret}: the message says what refuses it. No call was made"},
	v1alpha1.ReasonRotationPending:   {Waits, "Wait: the token is replaced once nothing else is under way, or it is being found out whether it was"},
	v1alpha1.ReasonRotationSkipped:   {NeedsYou, "Ask once more: kubectl greenapi rotate {it}"},
	v1alpha1.ReasonNotRotated:        {NeedsYou, "The old token is in force. To try once more: kubectl greenapi rotate {it}"},
	v1alpha1.ReasonTokenLost:         {NeedsYou, "Copy apiTokenInstance of this instance from the vendor's console into Secret {secret}"},

	v1alpha1.ReasonAccountMismatch: {NeedsYou, "Put the token of this partner account into the Secret that the message names. For another account create another PartnerAccount"},

	v1alpha1.ReasonCreatePending:       {Waits, "Wait: the account's list of instances is read, which may take some minutes. What is in the way stands at the PartnerAccount: kubectl get gpa"},
	v1alpha1.ReasonOutcomeUnknown:      {Waits, "Wait up to half an hour: the list shows whether an instance was bought. If it is Stalled, look for the name in the vendor's console before you ask for one more"},
	v1alpha1.ReasonCreateRejected:      {NeedsYou, "See in the vendor's console why the account may not create instances. One more attempt: annotate the claim with messaging.greenapi-operator.dev/reconcile-requested-at"},
	v1alpha1.ReasonAmbiguousName:       {NeedsYou, "Rename or delete all but one of these instances in the vendor's console"},
	v1alpha1.ReasonNameTaken:           {NeedsYou, "Set spec.adopt of the claim to ByName to take the instance, or make a claim with another name; of two claims with one name delete one"},
	v1alpha1.ReasonLimitReached:        {Waits, "Wait until the hour is over, or have those who run the operator raise limits of the PartnerAccount"},
	v1alpha1.ReasonInstanceMissing:     {NeedsYou, "Find out who deleted the instance. To have another one delete the claim and its Secret, and create the claim anew; nothing is bought before"},
	v1alpha1.ReasonNamespaceNotAllowed: {NeedsYou, "Have those who run the operator select the namespace in spec.allowedNamespaces of the PartnerAccount"},
	v1alpha1.ReasonNameNotAllowed:      {NeedsYou, "Have those who run the operator add the name and the namespace to spec.adoptions of the PartnerAccount, or leave spec.instanceName out of a new claim"},
	v1alpha1.ReasonAccountNotReady:     {Waits, "See what the PartnerAccount says: kubectl get gpa. The claim goes on by itself once the account's list is read"},
	v1alpha1.ReasonModeObserve:         {NeedsYou, "Have those who run the operator set spec.mode of the PartnerAccount to Create, or name an instance that is there"},
	v1alpha1.ReasonSecretConflict:      {NeedsYou, "Delete the Secret that the message names if nobody needs it, or make a claim with another spec.secretName"},
	v1alpha1.ReasonDeleting:            {Waits, "Wait: the instance is being deleted at the vendor, and the claim goes once the list says so"},
	v1alpha1.ReasonClaimNotReady:       {Waits, "See what the InstanceClaim says: kubectl get gic -n {namespace}. It goes on by itself once the instance is there"},

	v1alpha1.ReasonMessengerMismatch: {NeedsYou, "Delete this resource and create one of the kind that the message names; deleting calls nothing at the vendor"},
	v1alpha1.ReasonDuplicateInstance: {NeedsYou, "Delete one of the resources for this instance; deleting calls nothing at the vendor. To find the other: kubectl greenapi doctor -A"},
	v1alpha1.ReasonBetaNotEnabled:    {NeedsYou, "Ask the vendor's support to open getIncomingStatuses for the account, or remove spec.incomingStatuses"},

	v1alpha1.ReasonNotAuthorized:   {NeedsYou, "Log in with the phone: kubectl greenapi auth {it}"},
	v1alpha1.ReasonStarting:        {Waits, "Wait up to five minutes for the instance to start"},
	v1alpha1.ReasonCreating:        {Waits, "Wait some minutes: the vendor is still creating the instance"},
	v1alpha1.ReasonSleepMode:       {NeedsYou, "Switch the phone on and connect it to the Internet"},
	v1alpha1.ReasonYellowCard:      {NeedsYou, "Send less for a while, and to people who write back. spec.recovery.yellowCard: Reboot lets the operator reboot it; by hand: kubectl greenapi reboot {it}"},
	v1alpha1.ReasonSuspended:       {Waits, "Wait until the messenger lifts the restriction, and send less to people who have not written first"},
	v1alpha1.ReasonBlocked:         {NeedsYou, "Ask the messenger to lift the ban, or log in with another number: kubectl greenapi auth {it}"},
	v1alpha1.ReasonPendingCode:     {NeedsYou, "Type the code that the messenger sent into the page of instance {number} in the vendor's console, where the login was begun. To begin anew by a QR code: kubectl greenapi auth {it}"},
	v1alpha1.ReasonPendingPassword: {NeedsYou, "Type the password of the account's two-step verification into the page of instance {number} in the vendor's console, or finish on the phone. To begin anew by a QR code: kubectl greenapi auth {it}"},
	v1alpha1.ReasonStuckStarting:   {NeedsYou, "Reboot it: kubectl greenapi reboot {it}. If it stays so, ask the vendor's support. spec.recovery.stuckStarting: Reboot lets the operator do it"},
	v1alpha1.ReasonExpired:         {NeedsYou, "Renew the instance in the vendor's console, or delete this resource"},
	v1alpha1.ReasonDeleted:         {NeedsYou, "Delete this resource: the instance is gone at the vendor. Create one anew for another instance"},
	v1alpha1.ReasonUnknownState:    {NeedsYou, "Look the state up in the vendor's documentation; a newer release of the operator may know it"},
}

// counselFor returns what a reason means; one that a newer operator shows is told as it is.
func counselFor(reason string) counsel {
	if known, ok := counsels[reason]; ok {
		return known
	}
	return counsel{NeedsYou, "Read the message; a newer release of this plugin knows more about the reason " + reason}
}

// NextStep words the next step for a reason that several resources show, "" where there is none. What differs between them
// stands in it as {it}, {namespace}, {number} and {secret}.
func NextStep(reason string) string { return counselFor(reason).next }

// For words the next step for a reason that a resource shows.
func For(resource v1alpha1.Instance, reason string) string {
	claim, next := instance.ClaimName(resource), counselFor(reason).next
	if claim != "" && claimed[reason] != "" {
		next = claimed[reason]
	}
	return strings.NewReplacer("{it}", Argument(resource), "{namespace}", resource.GetNamespace(), "{claim}", claim,
		"{number}", strconv.FormatInt(instance.Number(resource), 10), "{secret}", instance.APITokenRef(resource).Name).Replace(next)
}

// adviceFor is the next steps that follow from the conditions of a resource, the weightiest first.
func adviceFor(instance v1alpha1.Instance) []string {
	var steps []string
	for _, condition := range troubles(instance) {
		if step := For(instance, condition.Reason); step != "" && !slices.Contains(steps, step) {
			steps = append(steps, step)
		}
	}
	return steps
}

// troubles are the conditions that hold something back, the weightiest first. What another of them already explains is
// left out: Ready repeats Stalled and Reconciling, and what nobody has looked at follows from why.
func troubles(instance v1alpha1.Instance) []metav1.Condition {
	conditions := instance.InstanceStatus().Conditions
	var list []metav1.Condition
	for _, name := range []string{
		v1alpha1.PausedCondition, v1alpha1.StalledCondition, v1alpha1.ReadyCondition, v1alpha1.ReconcilingCondition,
		v1alpha1.CredentialsValidCondition, v1alpha1.AvailableCondition, v1alpha1.SyncedCondition, v1alpha1.IncomingStatusesReadCondition,
		v1alpha1.TokenRotatedCondition,
	} {
		c := apimeta.FindStatusCondition(conditions, name)
		abnormal := name == v1alpha1.PausedCondition || name == v1alpha1.StalledCondition || name == v1alpha1.ReconcilingCondition
		if c == nil || !abnormal && c.Status == metav1.ConditionTrue {
			continue
		}
		if i := slices.IndexFunc(list, func(other metav1.Condition) bool { return other.Reason == v1alpha1.ReasonProgressing }); i >= 0 && c.Reason == v1alpha1.ReasonRolloutHalted {
			// Ready says no more than that the operator is at work, and somebody has to look at others.
			list[i].Reason = c.Reason
			continue
		}
		told := slices.ContainsFunc(list, func(other metav1.Condition) bool {
			return other.Reason == c.Reason || c.Reason == v1alpha1.ReasonNotObserved || other.Message == c.Message && c.Message != ""
		})
		if !told {
			list = append(list, *c)
		}
	}
	return list
}
