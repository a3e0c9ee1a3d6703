// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// DefaultPartnerTokenKey is the key of the partner token where partnerTokenSecretRef names none.
const DefaultPartnerTokenKey = "partnerToken"

// PartnerMode says what may be done with the instances of a partner account.
// +kubebuilder:validation:Enum=Observe;Create;CreateAndDelete
type PartnerMode string

const (
	// ModeObserve reads the list of instances and nothing else. It is in force where the spec names no mode.
	ModeObserve PartnerMode = "Observe"
	// ModeCreate permits to buy instances for claims too.
	ModeCreate PartnerMode = "Create"
	// ModeCreateAndDelete permits to delete them too, for claims that say so.
	ModeCreateAndDelete PartnerMode = "CreateAndDelete"
)

// PartnerTokenReference names one value of a Secret in the operator's own namespace.
type PartnerTokenReference struct {
	// name of the Secret, which is in the namespace in which the operator runs.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// key within the Secret. When unset it is partnerToken.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// KeyOrDefault returns the key, or the usual one where the reference names none.
func (r PartnerTokenReference) KeyOrDefault() string {
	if r.Key == "" {
		return DefaultPartnerTokenKey
	}
	return r.Key
}

// PartnerLimits bound what may be spent. Both are required: there is no unlimited.
type PartnerLimits struct {
	// maxInstances is how many living instances of this owner key there may be.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50000
	MaxInstances int32 `json:"maxInstances"`

	// maxCreatesPerHour is how many instances may be bought within an hour.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxCreatesPerHour int32 `json:"maxCreatesPerHour"`
}

// PartnerAdoption lets a namespace claim an instance whose name does not begin with the owner key and that namespace.
type PartnerAdoption struct {
	// instanceName is the name of the instance at the vendor, as it is.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	InstanceName string `json:"instanceName"`

	// namespace that may claim it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must be the name of a namespace, such as shop: small letters, digits and hyphens, no hyphen at either end"
	Namespace string `json:"namespace"`
}

// PartnerAccountSpec is which partner account it is, how to reach it, and what may be done with it.
type PartnerAccountSpec struct {
	// partnerApiUrl is the origin of the API that serves the account, as the profile in the console shows it, such as
	// https://api.green-api.com. The operator sends the token only to hosts of its --allowed-api-hosts.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/?$')",message="must be an origin such as https://api.green-api.com: no path (leave out /partner and /v3), query, fragment or user"
	// +kubebuilder:validation:XValidation:rule="!self.matches('(//|[.])[-.]|[-.]([.:/]|$)|[A-Za-z0-9-]{64}|//[^:/]{254}')",message="must name a host as DNS has it, such as api.green-api.com: parts of 1 to 63 letters, digits and hyphens with dots between, no hyphen at either end of a part, at most 253 characters in all"
	// +kubebuilder:validation:XValidation:rule="!self.matches(':[0-9]+/?$') || self.matches(':0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])/?$')",message="must name a port from 1 to 65535, or none for that of the scheme"
	PartnerAPIURL string `json:"partnerApiUrl"`

	// partnerTokenSecretRef names the Secret with the partner token, in the operator's own namespace. White space around the value
	// is ignored.
	// +required
	PartnerTokenSecretRef PartnerTokenReference `json:"partnerTokenSecretRef"`

	// messenger is what typeInstance of a new instance must be: whatsapp, v3 (MAX) or telegram.
	// +required
	// +kubebuilder:validation:Enum=whatsapp;v3;telegram
	Messenger string `json:"messenger"`

	// ownerKey is the first part of the name of every instance that belongs to this cluster, before the first slash, such as
	// prod-eu. Instances of the account with other names are not touched. It cannot be changed later.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$')",message="must be 1 to 32 small letters, digits and hyphens, no hyphen at either end, such as prod-eu"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="is immutable: what was bought is found by it. Another key is another PartnerAccount, so create a new one"
	OwnerKey string `json:"ownerKey"`

	// allowedNamespaces selects by their labels the namespaces that may have claims on this account. When unset it is none; {} is all.
	// +optional
	AllowedNamespaces *metav1.LabelSelector `json:"allowedNamespaces,omitempty"`

	// limits of what may be spent.
	// +required
	Limits PartnerLimits `json:"limits"`

	// adoptions are instances whose names do not begin with the owner key and the namespace of a claim, and the namespaces that may
	// claim them all the same.
	// +optional
	// +listType=map
	// +listMapKey=instanceName
	// +listMapKey=namespace
	// +kubebuilder:validation:MaxItems=512
	Adoptions []PartnerAdoption `json:"adoptions,omitempty"`

	// mode is what may be done at the vendor: Observe (when unset) reads the list of instances and nothing else, Create buys instances
	// for claims too, and CreateAndDelete also deletes those whose claim says so and is deleted. Claims adopt in every mode.
	// +optional
	Mode PartnerMode `json:"mode,omitempty"`
}

// PartnerInstances counts the instances of an account. What is expired or unclaimed counts as living too.
type PartnerInstances struct {
	// living instances: those that are not deleted. They are paid for each day.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Living int32 `json:"living"`

	// deleted instances, which the vendor lists for three months.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Deleted int32 `json:"deleted"`

	// expired is how many of the living ones are not paid for.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Expired int32 `json:"expired"`

	// unclaimed is how many of the living ones have a name that begins with the owner key and a slash, and no claim.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Unclaimed int32 `json:"unclaimed"`
}

// PartnerCreate is a call that bought an instance, or may have.
type PartnerCreate struct {
	// name of the instance at the vendor.
	// +required
	// +kubebuilder:validation:MaxLength=512
	Name string `json:"name"`

	// claimUID is the UID of the claim: for another one of the same name it is not known whether the call was made.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	ClaimUID types.UID `json:"claimUID"`

	// attempt of the claim: its first call is 1.
	// +required
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt"`

	// time at which this was stored, right before the call.
	// +required
	Time metav1.Time `json:"time"`
}

// PartnerAccountStatus is what the operator saw. It holds no time of a poll: a look that learns nothing new writes nothing. It
// never holds a secret value.
type PartnerAccountStatus struct {
	// observedGeneration is the generation of the spec that the conditions speak of; -1 before the first look.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready and CredentialsValid always; Reconciling and Stalled only while they are True.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// instances of the account, as the last good list has them.
	// +optional
	Instances *PartnerInstances `json:"instances,omitempty"`

	// knownIDs are numbers of instances by which the account is recognized: nothing is concluded from a list with none of them.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	KnownIDs []int64 `json:"knownIDs,omitempty"`

	// creates are the calls that bought an instance, or may have, within the last hour. Each is stored before the call.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	Creates []PartnerCreate `json:"creates,omitempty"`

	// lastHandledReconcileAt echoes the annotation reconcile-requested-at once it was acted on.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`
}

// PartnerAccount is an account at GREEN-API that buys instances. Its list of instances is read, and counted in the status.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=partneraccounts,singular=partneraccount,shortName=gpa,categories=greenapi,scope=Cluster
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the token is accepted and the list is the account's own"
// +kubebuilder:printcolumn:name="Living",type=integer,JSONPath=`.status.instances.living`,description="Instances that are not deleted, each of which is paid for"
// +kubebuilder:printcolumn:name="Unclaimed",type=integer,JSONPath=`.status.instances.unclaimed`,description="Living instances of this owner key that nothing in this cluster names"
// +kubebuilder:printcolumn:name="Max",type=integer,JSONPath=`.spec.limits.maxInstances`,description="How many living instances of this owner key there may be"
// +kubebuilder:printcolumn:name="Owner-Key",type=string,JSONPath=`.spec.ownerKey`,description="The first part of the names of this cluster's instances"
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`,description="What may be done; empty is Observe"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,priority=1
// +kubebuilder:printcolumn:name="Messenger",type=string,JSONPath=`.spec.messenger`,priority=1
// +kubebuilder:printcolumn:name="Expired",type=integer,JSONPath=`.status.instances.expired`,priority=1
// +kubebuilder:printcolumn:name="Deleted",type=integer,JSONPath=`.status.instances.deleted`,priority=1
type PartnerAccount struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is which account it is, and what may be done with it.
	// +required
	Spec PartnerAccountSpec `json:"spec"`

	// status is what the operator saw.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status PartnerAccountStatus `json:"status,omitzero"`
}

// PartnerAccountList is a list of PartnerAccount.
// +kubebuilder:object:root=true
type PartnerAccountList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items of the list.
	Items []PartnerAccount `json:"items"`
}
