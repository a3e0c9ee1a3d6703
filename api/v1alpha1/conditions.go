// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Types of conditions. "Normal" polarity: True is good. "Abnormal" polarity: the condition is there only while it
// is True. The rules of kstatus hold: Reconciling and Stalled are never there together.
const (
	// ReadyCondition says whether the operator's own job is done: the credentials are accepted and the settings of
	// this generation are as the policy wants them. It does not say whether a person has scanned a QR code: that is
	// Available. Normal polarity, always there.
	ReadyCondition = "Ready"

	// SyncedCondition says whether the settings at the vendor are as the spec wants them. Normal polarity, always
	// there.
	SyncedCondition = "Synced"

	// AvailableCondition says whether the messenger is authorized and working. Normal polarity, always there.
	AvailableCondition = "Available"

	// CredentialsValidCondition says whether the vendor accepted the API token. Normal polarity, always there.
	CredentialsValidCondition = "CredentialsValid"

	// CreatedCondition says whether the instance of a claim is there. Normal polarity, always there on a claim.
	CreatedCondition = "Created"

	// IncomingStatusesReadCondition says whether the statuses of contacts could be read. Normal polarity, there only
	// while spec.incomingStatuses asks for them.
	IncomingStatusesReadCondition = "IncomingStatusesRead"

	// TokenRotatedCondition says what became of the latest rotation of the API token, or what it waits for. Normal polarity, there
	// only once one was asked for.
	TokenRotatedCondition = "TokenRotated"

	// ReconcilingCondition says that the operator is at work or will try again by itself. Abnormal polarity.
	ReconcilingCondition = "Reconciling"

	// StalledCondition says that a person has to act: nothing more is written until then, though the operator goes
	// on looking at long intervals. Abnormal polarity.
	StalledCondition = "Stalled"

	// PausedCondition says that spec.paused stops every call. Abnormal polarity.
	PausedCondition = "Paused"
)

// Reasons of conditions.
const (
	// ReasonSucceeded: Ready, IncomingStatusesRead or TokenRotated True.
	ReasonSucceeded = "Succeeded"
	// ReasonProgressing: the operator is at work. Ready Unknown, Reconciling True.
	ReasonProgressing = "Progressing"
	// ReasonProgressingWithRetry: something failed and is tried again by itself. Reconciling True.
	ReasonProgressingWithRetry = "ProgressingWithRetry"
	// ReasonSettling: settings were written, and the vendor has some minutes to show them. Ready Unknown, Synced
	// False, Reconciling True.
	ReasonSettling = "Settling"
	// ReasonObservationStale: the vendor could not be read for so long that the last known state may no longer be
	// true. Ready Unknown.
	ReasonObservationStale = "ObservationStale"
	// ReasonPaused: the resource was paused before the first look. Ready Unknown.
	ReasonPaused = "Paused"
	// ReasonSpecPaused: Paused True.
	ReasonSpecPaused = "SpecPaused"

	// ReasonUpToDate: every managed setting is in effect. Synced True.
	ReasonUpToDate = "UpToDate"
	// ReasonNothingManaged: the spec manages no setting. Synced True.
	ReasonNothingManaged = "NothingManaged"
	// ReasonApplyPending: settings differ and are about to be written. Synced False.
	ReasonApplyPending = "ApplyPending"
	// ReasonInstanceStarting: settings differ and are written once the instance has started. Synced False.
	ReasonInstanceStarting = "InstanceStarting"
	// ReasonOutsideWindow: settings differ and wait for the maintenance window of the spec. Synced False; Ready stays True, since the
	// spec itself asks to wait.
	ReasonOutsideWindow = "OutsideWindow"
	// ReasonRolloutHalted: settings differ, and the latest restarts of the fleet ended badly. Synced False, Ready Unknown,
	// Reconciling True.
	ReasonRolloutHalted = "RolloutHalted"
	// ReasonMaintenanceInvalid: the time zone of spec.maintenance is not known, so nothing is written. Synced False, Stalled.
	ReasonMaintenanceInvalid = "MaintenanceInvalid"
	// ReasonDriftDetected: settings differ, and the policy leaves them so. Synced False.
	ReasonDriftDetected = "DriftDetected"
	// ReasonNotObserved: nothing is known yet, or no longer. Unknown of Synced, Available and CredentialsValid.
	ReasonNotObserved = "NotObserved"

	// ReasonSettingsNotPersisted: the vendor said yes and kept the old values. Synced False; Stalled after the last
	// attempt.
	ReasonSettingsNotPersisted = "SettingsNotPersisted"
	// ReasonDriftFlapping: something else keeps changing settings back. Synced False, Stalled.
	ReasonDriftFlapping = "DriftFlapping"
	// ReasonSettingNotSupported: the vendor does not show a setting even after it was written. Synced False, Stalled.
	ReasonSettingNotSupported = "SettingNotSupported"
	// ReasonSettingsRejected: the vendor refused the values. Synced False, Stalled.
	ReasonSettingsRejected = "SettingsRejected"

	// ReasonTokenAccepted: CredentialsValid True.
	ReasonTokenAccepted = "TokenAccepted"
	// ReasonSecretNotFound: a Secret that the spec refers to is not there. CredentialsValid or Synced False; Stalled
	// after two minutes.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretKeyMissing: the Secret has no such key. CredentialsValid or Synced False; Stalled after two minutes.
	ReasonSecretKeyMissing = "SecretKeyMissing"
	// ReasonTokenMalformed: the value in the Secret cannot be a token. CredentialsValid or Synced False, Stalled.
	ReasonTokenMalformed = "TokenMalformed"
	// ReasonUnauthorized: the vendor refused the API token. CredentialsValid False.
	ReasonUnauthorized = "Unauthorized"
	// ReasonEndpointNotAllowed: the token may not be sent to this address. CredentialsValid False, Stalled.
	ReasonEndpointNotAllowed = "EndpointNotAllowed"
	// ReasonInstanceNotFound: the vendor does not know the instance at this address. CredentialsValid False.
	ReasonInstanceNotFound = "InstanceNotFound"
	// ReasonMessengerMismatch: the instance belongs to another messenger than the kind of the resource. Stalled.
	ReasonMessengerMismatch = "MessengerMismatch"
	// ReasonDuplicateInstance: another resource already manages the instance. Stalled.
	ReasonDuplicateInstance = "DuplicateInstance"

	// ReasonAccountMismatch: the list of a partner account has none of the instances that it had before. Stalled.
	ReasonAccountMismatch = "AccountMismatch"

	// ReasonCreatePending: the instance of a claim is about to be looked for or bought. Created False, Reconciling.
	ReasonCreatePending = "CreatePending"
	// ReasonOutcomeUnknown: whether an instance was bought is not known, and the list is looked at until it is. Created False; Stalled
	// after a second attempt.
	ReasonOutcomeUnknown = "OutcomeUnknown"
	// ReasonCreateRejected: the vendor refused to create an instance. Created False; Stalled after a second attempt.
	ReasonCreateRejected = "CreateRejected"
	// ReasonAmbiguousName: several living instances have the name of a claim. Created False, Stalled.
	ReasonAmbiguousName = "AmbiguousName"
	// ReasonNameTaken: an instance, or another claim, has the name already. Created False, Stalled.
	ReasonNameTaken = "NameTaken"
	// ReasonLimitReached: the limits of the account permit no create now. Created False, Reconciling.
	ReasonLimitReached = "LimitReached"
	// ReasonInstanceMissing: the instance of a claim is no longer in the account's list. Created False, Stalled.
	ReasonInstanceMissing = "InstanceMissing"
	// ReasonNamespaceNotAllowed: the account lets no claims of this namespace. Created False, Stalled.
	ReasonNamespaceNotAllowed = "NamespaceNotAllowed"
	// ReasonNameNotAllowed: the name does not begin with the owner key and the namespace, and the account does not permit it
	// otherwise. Created False, Stalled.
	ReasonNameNotAllowed = "NameNotAllowed"
	// ReasonAccountNotReady: the partner account is not there or cannot be read now. Created False, Reconciling.
	ReasonAccountNotReady = "AccountNotReady"
	// ReasonModeObserve: an instance would have to be bought, and the account's mode forbids it. Created False, Stalled.
	ReasonModeObserve = "ModeObserve"
	// ReasonSecretConflict: the Secret that a claim would write is somebody else's, or cannot be written. Created False, Stalled.
	ReasonSecretConflict = "SecretConflict"
	// ReasonDeleting: the instance of a claim is being deleted at the vendor. Ready False, Reconciling.
	ReasonDeleting = "Deleting"

	// ReasonClaimNotReady: the claim that spec.claimRef names has no instance yet. Ready Unknown, Reconciling.
	ReasonClaimNotReady = "ClaimNotReady"

	// ReasonSecretNotOwned: the API token is to be replaced, and its Secret does not have the label for that, or somebody else would put the
	// old token back. TokenRotated False.
	ReasonSecretNotOwned = "SecretNotOwned"
	// ReasonSecretNotWritable: the API token is to be replaced, and its Secret cannot be written. TokenRotated False.
	ReasonSecretNotWritable = "SecretNotWritable"
	// ReasonRotationPending: the API token is about to be replaced, or it is not known yet whether it was. TokenRotated Unknown.
	ReasonRotationPending = "RotationPending"
	// ReasonRotationSkipped: a request for a rotation was echoed and not carried out. TokenRotated False.
	ReasonRotationSkipped = "RotationSkipped"
	// ReasonNotRotated: the old API token is still in force. TokenRotated False.
	ReasonNotRotated = "NotRotated"
	// ReasonTokenLost: the API token was replaced, the answer was lost, and the new token was not found. TokenRotated and
	// CredentialsValid False, Stalled.
	ReasonTokenLost = "TokenLost"

	// ReasonBetaNotEnabled: the vendor has not opened the beta of getIncomingStatuses for the account.
	// IncomingStatusesRead False.
	ReasonBetaNotEnabled = "BetaNotEnabled"

	// ReasonAuthorized: Available True.
	ReasonAuthorized = "Authorized"
	// ReasonNotAuthorized: a person has to scan a QR code or enter a code. Available False.
	ReasonNotAuthorized = "NotAuthorized"
	// ReasonStarting: the instance restarts. Available False.
	ReasonStarting = "Starting"
	// ReasonCreating: the vendor is still creating the instance. Available False.
	ReasonCreating = "Creating"
	// ReasonSleepMode: the phone is switched off (an older state). Available False.
	ReasonSleepMode = "SleepMode"
	// ReasonYellowCard: the messenger restricts the account (an older state, now suspended). Available False.
	ReasonYellowCard = "YellowCard"
	// ReasonSuspended: the messenger restricts the account for a time. Available False.
	ReasonSuspended = "Suspended"
	// ReasonBlocked: the messenger banned the account. Available False.
	ReasonBlocked = "Blocked"
	// ReasonPendingCode: a person has to enter a code. Available False.
	ReasonPendingCode = "PendingCode"
	// ReasonPendingPassword: a person has to enter a password. Available False.
	ReasonPendingPassword = "PendingPassword"
	// ReasonStuckStarting: the instance has been starting for too long, and the operator may not or no longer reboot it.
	// Stalled.
	ReasonStuckStarting = "StuckStarting"

	// ReasonExpired: the instance is not paid for. Available False.
	ReasonExpired = "Expired"
	// ReasonDeleted: the instance was deleted at the vendor. Available False.
	ReasonDeleted = "Deleted"
	// ReasonUnknownState: the vendor shows a state that this release does not know. Available Unknown.
	ReasonUnknownState = "UnknownState"
)
