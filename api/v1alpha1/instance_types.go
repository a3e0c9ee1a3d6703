// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Defaults of the keys in the Secrets that a spec refers to: the vendor's own names of the values.
const (
	// DefaultAPITokenKey is the key of the API token where apiTokenSecretRef names none.
	DefaultAPITokenKey = "apiTokenInstance"
	// DefaultWebhookURLTokenKey is the key of the webhook token where webhookUrlTokenSecretRef names none.
	DefaultWebhookURLTokenKey = "webhookUrlToken"
)

// Annotations by which a person asks for something once.
const (
	// ReconcileRequestedAtAnnotation asks for everything to be read now and for abandoned settings to be tried
	// once more. Any new value counts; it is echoed in status.lastHandledReconcileAt.
	ReconcileRequestedAtAnnotation = "messaging.greenapi-operator.dev/reconcile-requested-at"
	// RebootRequestedAtAnnotation asks for one reboot. Any new value counts; it is echoed in status.lastHandledRebootAt.
	// A value that is there at first sight, under policy Observe or while paused is echoed and not acted on.
	RebootRequestedAtAnnotation = "messaging.greenapi-operator.dev/reboot-requested-at"
	// ApplyRequestedAtAnnotation lets one setSettings go out before its maintenance window opens and before the fleet's allowance
	// reaches it; it waits for its turn still. Any new value counts; it is echoed in status.lastHandledApplyAt. A value that is
	// there at first sight, under policy Observe or while paused is echoed and not acted on.
	ApplyRequestedAtAnnotation = "messaging.greenapi-operator.dev/apply-requested-at"
)

// ReconcilePolicy says when the operator may write settings.
// +kubebuilder:validation:Enum=Enforce;OnSpecChange;Observe
type ReconcilePolicy string

const (
	// PolicyEnforce writes a change of the spec and corrects drift. It is in force where the spec names no policy.
	PolicyEnforce ReconcilePolicy = "Enforce"
	// PolicyOnSpecChange writes a change of the spec until it was seen in effect once, and only reports drift.
	PolicyOnSpecChange ReconcilePolicy = "OnSpecChange"
	// PolicyObserve never writes.
	PolicyObserve ReconcilePolicy = "Observe"
)

// AccountDetails says how much of the messenger's account shows.
// +kubebuilder:validation:Enum=Full;Masked;None
type AccountDetails string

const (
	// AccountFull shows all that the vendor shows. It is in force where nothing else is said.
	AccountFull AccountDetails = "Full"
	// AccountMasked shows a part that does not tell whose account it is: of the phone number the first digit and the last two, of
	// deviceId what follows the number.
	AccountMasked AccountDetails = "Masked"
	// AccountNone shows nothing of it.
	AccountNone AccountDetails = "None"
)

// SecretKeyReference names one value of a Secret in the resource's own namespace.
type SecretKeyReference struct {
	// name of the Secret, which is in the namespace of the resource.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// key within the Secret. When unset it is apiTokenInstance for the API token and webhookUrlToken for the
	// webhook token.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// KeyOr returns the key, or the given default where the reference names none.
func (r SecretKeyReference) KeyOr(def string) string {
	if r.Key == "" {
		return def
	}
	return r.Key
}

// ClaimReference names an InstanceClaim in the resource's own namespace.
type ClaimReference struct {
	// name of the InstanceClaim, which is in the namespace of the resource.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// InstanceSpec is the part of a spec that all kinds share: which instance it is, how to reach it, and how closely
// to look after it.
// +kubebuilder:validation:XValidation:rule="has(self.idInstance) || has(self.claimRef)",message="idInstance is missing: write the number that the vendor's console shows, together with apiTokenSecretRef, or else claimRef with the name of an InstanceClaim"
// +kubebuilder:validation:XValidation:rule="has(self.apiTokenSecretRef) || has(self.claimRef)",message="apiTokenSecretRef is missing: name the Secret with the instance's apiTokenInstance, together with idInstance, or else write claimRef with the name of an InstanceClaim"
// +kubebuilder:validation:XValidation:rule="!has(self.claimRef) || !has(self.idInstance) && !has(self.apiTokenSecretRef)",message="claimRef stands in place of idInstance and apiTokenSecretRef, since the claim knows both: write claimRef alone, or leave it out and write the other two"
// +kubebuilder:validation:XValidation:rule="has(self.claimRef) == has(oldSelf.claimRef)",message="a resource cannot change between claimRef and idInstance: delete this one (which calls nothing at GREEN-API) and create a new one"
type InstanceSpec struct {
	// idInstance is the number of the instance at GREEN-API, as its console shows it. It cannot be changed later.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9007199254740991
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="is immutable: another instance is another resource, so delete this one (which calls nothing at GREEN-API) and create a new one"
	IDInstance int64 `json:"idInstance,omitempty"`

	// apiUrl is the origin of the API that serves the instance, as the console shows it, such as
	// https://7107.api.greenapi.com. When unset the operator's --default-api-url is used. The operator sends the
	// token only to hosts of its --allowed-api-hosts.
	// +optional
	// +kubebuilder:validation:MaxLength=300
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/?$')",message="must be an origin such as https://7107.api.greenapi.com: no path (leave out /v3), query, fragment or user"
	// +kubebuilder:validation:XValidation:rule="!self.matches('(//|[.])[-.]|[-.]([.:/]|$)|[A-Za-z0-9-]{64}|//[^:/]{254}')",message="must name a host as DNS has it, such as 7107.api.greenapi.com: parts of 1 to 63 letters, digits and hyphens with dots between, no hyphen at either end of a part, at most 253 characters in all"
	// +kubebuilder:validation:XValidation:rule="!self.matches(':[0-9]+/?$') || self.matches(':0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])/?$')",message="must name a port from 1 to 65535, or none for that of the scheme"
	APIURL string `json:"apiUrl,omitempty"`

	// apiTokenSecretRef names the Secret with the instance's apiTokenInstance. White space around the value is
	// ignored.
	// +optional
	APITokenSecretRef SecretKeyReference `json:"apiTokenSecretRef,omitzero"`

	// claimRef names the InstanceClaim whose instance this is, in place of idInstance and apiTokenSecretRef: the claim knows the number,
	// the address where apiUrl is unset, and the Secret. Nothing is called before the claim has its instance. It cannot be changed
	// later.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="is immutable: the instance of another claim is another resource, so delete this one (which calls nothing at GREEN-API) and create a new one"
	ClaimRef *ClaimReference `json:"claimRef,omitempty"`

	// reconcilePolicy says when settings are written: Enforce (when unset) writes changes and corrects drift,
	// OnSpecChange writes changes and only reports drift, Observe never writes.
	// +optional
	ReconcilePolicy ReconcilePolicy `json:"reconcilePolicy,omitempty"`

	// paused stops every call to GREEN-API for this instance while it is true; the last status is kept.
	// +optional
	Paused bool `json:"paused,omitempty"`

	// accountDetails says how much of the messenger's account the status shows, of phone, deviceId, chatId and avatarUrl: Full,
	// Masked (of phone the first digit and the last two, of deviceId what follows the number, nothing of the others) or None. It can
	// only be stricter than the operator's --account-details, which holds when it is unset.
	// +optional
	AccountDetails AccountDetails `json:"accountDetails,omitempty"`

	// stateInterval is how often the state of the instance is read: at least 5s, or "0" (quoted) for never on its
	// own. When unset the operator's --state-interval is used.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^(0|([0-9]{1,5}(s|m|h))+)$')",message="must be a duration such as 30s, 5m or 1h30m, or 0 to switch it off"
	// +kubebuilder:validation:XValidation:rule="self in ['0', '0s'] || !self.matches('^([0-9]{1,5}(s|m|h))+$') || duration(self) >= duration('5s')",message="must be at least 5s, or 0 to switch it off"
	StateInterval *metav1.Duration `json:"stateInterval,omitempty"`

	// settingsInterval is how often the settings and the account are read: at least 10s, or "0" (quoted) for never
	// on its own. When unset the operator's --settings-interval is used.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^(0|([0-9]{1,5}(s|m|h))+)$')",message="must be a duration such as 30s, 5m or 1h30m, or 0 to switch it off"
	// +kubebuilder:validation:XValidation:rule="self in ['0', '0s'] || !self.matches('^([0-9]{1,5}(s|m|h))+$') || duration(self) >= duration('10s')",message="must be at least 10s, or 0 to switch it off"
	SettingsInterval *metav1.Duration `json:"settingsInterval,omitempty"`

	// maintenance says when writing settings may restart the instance. When unset it may at any time.
	// +optional
	Maintenance *Maintenance `json:"maintenance,omitempty"`

	// apiTokenRotation asks for the API token to be replaced once. The Secret must have the label
	// messaging.greenapi-operator.dev/rotate: "true", and the operator must run with --partner-accounts.
	// +optional
	APITokenRotation *APITokenRotation `json:"apiTokenRotation,omitempty"`
}

// Policy returns the policy in force: Enforce where the spec names none.
func (s *InstanceSpec) Policy() ReconcilePolicy {
	if s.ReconcilePolicy == "" {
		return PolicyEnforce
	}
	return s.ReconcilePolicy
}

// Instance is what the reconciler needs of a resource, whatever its kind.
// +kubebuilder:object:generate=false
type Instance interface {
	Object
	Extras

	// Core returns the part of the spec that all kinds share.
	Core() *InstanceSpec
	// TypedSettings returns a pointer to the kind's own settings struct, or nil where the spec has none. The
	// JSON names of its fields are the vendor's names.
	TypedSettings() any
	// InstanceStatus returns the status, which all kinds share.
	InstanceStatus() *InstanceStatus
}

// Object is what every resource is.
// +kubebuilder:object:generate=false
type Object interface {
	metav1.Object
	runtime.Object
}

// Extras are the parts of a spec that not every kind has.
// +kubebuilder:object:generate=false
type Extras interface {
	// Statuses returns what to read of the statuses of contacts, nil for nothing.
	Statuses() *IncomingStatuses
	// Reboots returns when the instance may be rebooted, nil for never.
	Reboots() *WhatsAppRecovery
}
