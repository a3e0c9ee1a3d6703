// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// InstanceStatus is what the operator saw and did. It holds no time of a poll: a look that learns nothing new
// writes nothing. It never holds a secret value.
type InstanceStatus struct {
	// observedGeneration is the generation of the spec that conditions Synced or Stalled speak of; -1 before the
	// first look.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, Synced, Available and CredentialsValid always; Reconciling, Stalled and Paused only while
	// they are True.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// idInstance is the number of the instance: that of the spec, or of the claim that the spec names, once that has one.
	// +optional
	IDInstance int64 `json:"idInstance,omitempty"`

	// stateInstance is the vendor's word for the state, as it is.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	StateInstance string `json:"stateInstance,omitempty"`

	// typeInstance is the vendor's word for the messenger, while the instance belongs to another one than the kind of this
	// resource (MessengerMismatch).
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TypeInstance string `json:"typeInstance,omitempty"`

	// stateChangedTime is when the instance came into this state: by the vendor's history, if it tells a time between the last
	// two looks, else when the operator first saw it.
	// +optional
	StateChangedTime *metav1.Time `json:"stateChangedTime,omitempty"`

	// accountDetails says how much of the account this status shows, where that is not all of it: Masked or None.
	// +optional
	AccountDetails AccountDetails `json:"accountDetails,omitempty"`

	// phone of the account. It is kept while the instance is starting. Where accountDetails is Masked, it is the first digit and the
	// last two, such as 7***67.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Phone string `json:"phone,omitempty"`

	// chatId of the account.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	ChatID string `json:"chatId,omitempty"`

	// deviceId of the account (WhatsApp). Where accountDetails is Masked, it begins after the phone number.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	DeviceID string `json:"deviceId,omitempty"`

	// avatarUrl is the address of the account's picture.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	AvatarURL string `json:"avatarUrl,omitempty"`

	// historySyncProgress is how much of the history of chats is loaded, in percent (WhatsApp and MAX).
	// +optional
	HistorySyncProgress *int32 `json:"historySyncProgress,omitempty"`

	// suspendedUntil is when the account's suspension ends; only while it is suspended and the end is known.
	// +optional
	SuspendedUntil *metav1.Time `json:"suspendedUntil,omitempty"`

	// apiUrl is the origin of the API in effect.
	// +optional
	// +kubebuilder:validation:MaxLength=300
	APIURL string `json:"apiUrl,omitempty"`

	// managedSettings are the names of the settings that the spec manages, sorted.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=64
	ManagedSettings []string `json:"managedSettings,omitempty"`

	// pendingChanges are the managed settings that differ now.
	// +optional
	// +listType=map
	// +listMapKey=setting
	// +kubebuilder:validation:MaxItems=128
	PendingChanges []PendingChange `json:"pendingChanges,omitempty"`

	// syncedSettingsHash is taken over the wished settings that were last seen in effect: 16 hexadecimal digits. It
	// is empty from the moment a change of them is written until that one is in effect.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SyncedSettingsHash string `json:"syncedSettingsHash,omitempty"`

	// syncedSecretVersion tells which webhook token was in effect then, if one is referred to: 16 hexadecimal digits of
	// HMAC-SHA-256 of its value, keyed with the API token.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SyncedSecretVersion string `json:"syncedSecretVersion,omitempty"`

	// secretVersionKey tells which API token the versions of the webhook token in this status are keyed with: 8 hexadecimal
	// digits of HMAC-SHA-256 of a constant.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SecretVersionKey string `json:"secretVersionKey,omitempty"`

	// effectiveSettings are the managed settings whose wish was seen in effect, sorted. A reading that does not show one of them
	// says nothing about it.
	// +optional
	// +listType=map
	// +listMapKey=setting
	// +kubebuilder:validation:MaxItems=128
	EffectiveSettings []AppliedSetting `json:"effectiveSettings,omitempty"`

	// abandoned are the settings that are no longer written, and why. A change of the settings or a requested
	// reconcile arms them again.
	// +optional
	// +listType=map
	// +listMapKey=setting
	// +kubebuilder:validation:MaxItems=128
	Abandoned []AbandonedSetting `json:"abandoned,omitempty"`

	// apply is the record of the latest setSettings, written before the call.
	// +optional
	Apply *ApplyRecord `json:"apply,omitempty"`

	// nextWindowTime is when the maintenance window opens for this instance, while something waits for it.
	// +optional
	NextWindowTime *metav1.Time `json:"nextWindowTime,omitempty"`

	// corrections are the times at which drift was corrected within the flap window, the latest 16.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Corrections []Correction `json:"corrections,omitempty"`

	// restarts of the instance that this operator caused.
	// +optional
	Restarts *Restarts `json:"restarts,omitempty"`

	// rollout is how setSettings to this instance ended, as far as others of its fleet are concerned.
	// +optional
	Rollout *RolloutRecord `json:"rollout,omitempty"`

	// acceptedTokenRefs are the references with which the vendor accepted a token of this resource, the latest at the end. What
	// they mean is nobody's webhook token, even when the spec names another one by now.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	AcceptedTokenRefs []SecretKeyReference `json:"acceptedTokenRefs,omitempty"`

	// apiTokenRotation is the record of the latest rotation of the API token.
	// +optional
	APITokenRotation *RotationRecord `json:"apiTokenRotation,omitempty"`

	// incomingStatuses sums up the statuses of contacts within spec.incomingStatuses.window.
	// +optional
	IncomingStatuses *IncomingStatusesSummary `json:"incomingStatuses,omitempty"`

	// lastHandledReconcileAt echoes the annotation reconcile-requested-at once it was acted on.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// lastHandledApplyAt echoes the annotation apply-requested-at once it was acted on.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	LastHandledApplyAt string `json:"lastHandledApplyAt,omitempty"`

	// lastHandledRebootAt echoes the annotation reboot-requested-at once it was acted on.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	LastHandledRebootAt string `json:"lastHandledRebootAt,omitempty"`
}

// PendingChange is a managed setting whose value at the vendor is not the wished one. Secrets, paths of URLs and
// the vendor's free text are not shown.
type PendingChange struct {
	// setting is the vendor's name of it.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Setting string `json:"setting"`

	// desired value as far as it can be shown.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Desired string `json:"desired"`

	// observed value as far as it can be shown; "(missing)" where the vendor does not show the setting.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Observed string `json:"observed"`
}

// AbandonReason says why a setting is no longer written.
// +kubebuilder:validation:Enum=SettingsNotPersisted;SettingNotSupported;DriftFlapping;SettingsRejected
type AbandonReason string

// The reasons for which a setting is abandoned; they are reasons of conditions Synced and Stalled as well.
const (
	// AbandonNotPersisted means: the vendor said yes in every attempt and kept the old value.
	AbandonNotPersisted AbandonReason = AbandonReason(ReasonSettingsNotPersisted)
	// AbandonNotSupported means: the vendor does not show the setting even after it was written.
	AbandonNotSupported AbandonReason = AbandonReason(ReasonSettingNotSupported)
	// AbandonRejected means: the vendor refused the setting, and another one was written since.
	AbandonRejected AbandonReason = AbandonReason(ReasonSettingsRejected)
	// AbandonFlapping means: something else keeps changing the setting back.
	AbandonFlapping AbandonReason = AbandonReason(ReasonDriftFlapping)
)

// AbandonedSetting is a setting that is no longer written.
type AbandonedSetting struct {
	// setting is the vendor's name of it.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Setting string `json:"setting"`

	// reason why it is no longer written.
	// +required
	Reason AbandonReason `json:"reason"`

	// time at which it was abandoned, or last tried since.
	// +required
	Time metav1.Time `json:"time"`

	// count is how often in a row it was abandoned; each time the wait before one more try doubles (DriftFlapping).
	// +optional
	// +kubebuilder:validation:Minimum=1
	Count int32 `json:"count,omitempty"`
}

// ApplyReason says what a setSettings was for.
// +kubebuilder:validation:Enum=SpecChange;Drift;Retry;Requested
type ApplyReason string

const (
	// ApplySpecChange means: the user wants something else.
	ApplySpecChange ApplyReason = "SpecChange"
	// ApplyDrift means: the vendor showed something else without a change.
	ApplyDrift ApplyReason = "Drift"
	// ApplyRetry means: an earlier attempt did not last or its outcome was not known.
	ApplyRetry ApplyReason = "Retry"
	// ApplyRequested means: a person asked for one more attempt by reconcile-requested-at.
	ApplyRequested ApplyReason = "Requested"
)

// ApplyOutcome says what became of a setSettings.
// +kubebuilder:validation:Enum=Pending;Settling;Confirmed;NotPersisted;Rejected;NotSent
type ApplyOutcome string

const (
	// OutcomePending means: written before the call; it stays while it is not known whether the call arrived.
	OutcomePending ApplyOutcome = "Pending"
	// OutcomeSettling means: the vendor said yes, and the values are not seen in effect yet.
	OutcomeSettling ApplyOutcome = "Settling"
	// OutcomeConfirmed means: the values were seen in effect.
	OutcomeConfirmed ApplyOutcome = "Confirmed"
	// OutcomeNotPersisted means: the values were not in effect when the settle time was over, or the vendor did not say yes.
	OutcomeNotPersisted ApplyOutcome = "NotPersisted"
	// OutcomeRejected means: the vendor refused the values as invalid.
	OutcomeRejected ApplyOutcome = "Rejected"
	// OutcomeNotSent means: the call certainly took no effect; it does not count as an attempt.
	OutcomeNotSent ApplyOutcome = "NotSent"
)

// ApplyRecord is the record of one setSettings. It is written before the call, so that no crash leads to a second
// restart for one change.
type ApplyRecord struct {
	// generation of the spec that was applied.
	// +optional
	Generation int64 `json:"generation,omitempty"`

	// settingsHash is taken over the wished settings, as syncedSettingsHash.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SettingsHash string `json:"settingsHash,omitempty"`

	// secretVersion tells which webhook token is wished, if one is referred to, as syncedSecretVersion does.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SecretVersion string `json:"secretVersion,omitempty"`

	// settings that were sent.
	// +optional
	// +listType=map
	// +listMapKey=setting
	// +kubebuilder:validation:MaxItems=128
	Settings []AppliedSetting `json:"settings,omitempty"`

	// attempt counts the calls for one change or one drift, from 1. A call that was not sent does not count.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Attempt int32 `json:"attempt"`

	// reason for the call.
	// +required
	Reason ApplyReason `json:"reason"`

	// supersededTime is when an earlier call was started that was open still and had sent another wish.
	// +optional
	SupersededTime *metav1.MicroTime `json:"supersededTime,omitempty"`

	// startedTime is when the intent to call was written.
	// +required
	StartedTime metav1.MicroTime `json:"startedTime"`

	// stateBefore is the vendor's word for the state when the intent was written.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	StateBefore string `json:"stateBefore,omitempty"`

	// finishedTime is when the outcome became known.
	// +optional
	FinishedTime *metav1.MicroTime `json:"finishedTime,omitempty"`

	// outcome of the call.
	// +required
	Outcome ApplyOutcome `json:"outcome"`
}

// Active reports whether the outcome of the record is still open: sent or about to be, and not yet seen in effect.
func (r *ApplyRecord) Active() bool {
	return r != nil && (r.Outcome == OutcomePending || r.Outcome == OutcomeSettling)
}

// SameCall reports whether two records are of one setSettings, which is known by when it was started, in microseconds.
func (r *ApplyRecord) SameCall(other *ApplyRecord) bool {
	return r != nil && other != nil && r.StartedTime.UnixMicro() == other.StartedTime.UnixMicro()
}

// AppliedSetting is one setting of a setSettings.
type AppliedSetting struct {
	// setting is the vendor's name of it.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Setting string `json:"setting"`

	// wish tells one wished value from another: 8 hexadecimal digits of the SHA-256 of the value on the wire, for the
	// webhook token the 16 digits of secretVersion.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Wish string `json:"wish"`
}

// Correction is one correction of drift.
type Correction struct {
	// time of the correction.
	// +required
	Time metav1.Time `json:"time"`

	// settings that were corrected.
	// +required
	// +listType=set
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=64
	Settings []string `json:"settings"`
}

// Restarts counts the restarts of the instance that this operator caused.
type Restarts struct {
	// total number of restarts caused.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Total int64 `json:"total"`

	// lastTime is when the latest one was caused.
	// +optional
	LastTime *metav1.Time `json:"lastTime,omitempty"`

	// lastReason is what the latest one was for: a reason of apply, or StuckStarting, YellowCard or RebootRequested.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	LastReason string `json:"lastReason,omitempty"`

	// recentReboots are the times within 24 hours at which this operator rebooted the instance, or was about to.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	RecentReboots []metav1.Time `json:"recentReboots,omitempty"`
}

// RolloutRecord is how setSettings to this instance ended while it was authorized, which decides how many others of its fleet may
// follow.
type RolloutRecord struct {
	// lastSucceededTime is when one last ended well: it was seen in effect.
	// +optional
	LastSucceededTime *metav1.Time `json:"lastSucceededTime,omitempty"`

	// lastFailedTime is when one last ended badly: it was refused or did not last, the instance did not start in time, or it was no
	// longer authorized soon after.
	// +optional
	LastFailedTime *metav1.Time `json:"lastFailedTime,omitempty"`

	// lastFailure says how: a reason of condition Synced or Available.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	LastFailure string `json:"lastFailure,omitempty"`
}

// IncomingStatusesSummary sums up statuses of contacts: numbers only, never a text, a name or a picture.
type IncomingStatusesSummary struct {
	// total number of statuses.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Total int64 `json:"total"`

	// byType counts them by the vendor's typeMessage, sorted; "other" for a type that this release does not know.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	ByType []StatusTypeCount `json:"byType,omitempty"`

	// latestTime is when the newest of them was received.
	// +optional
	LatestTime *metav1.Time `json:"latestTime,omitempty"`
}

// StatusTypeCount is the number of statuses of one type.
type StatusTypeCount struct {
	// type is the vendor's typeMessage, or other.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Type string `json:"type"`

	// count of statuses of this type.
	// +required
	// +kubebuilder:validation:Minimum=1
	Count int64 `json:"count"`
}
