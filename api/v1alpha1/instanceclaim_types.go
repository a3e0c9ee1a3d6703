// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// ClaimSecretSuffix follows the name of a claim in the name of its Secret, where spec.secretName is unset.
	ClaimSecretSuffix = "-greenapi"
	// ClaimSecretType is the type of the Secret that a claim makes.
	ClaimSecretType = "messaging.greenapi-operator.dev/instance-token"
	// ClaimLabel is the label of the Secret that a claim makes; its value is the name of the claim.
	ClaimLabel = "messaging.greenapi-operator.dev/claim"
	// ClaimFinalizer keeps a claim until its instance is deleted at the vendor. It is put on only before a create or an adoption with
	// deletionPolicy Delete and the account's mode CreateAndDelete.
	ClaimFinalizer = "messaging.greenapi-operator.dev/delete-instance"
	// ClaimIDKey is the key of the instance's number in the Secret that a claim makes, beside DefaultAPITokenKey.
	ClaimIDKey = "idInstance"
	// ClaimAPIURLKey is the key of its address there.
	ClaimAPIURLKey = "apiUrl"
)

// AdoptPolicy says whether an instance that exists may be taken.
// +kubebuilder:validation:Enum=ByName;Never
type AdoptPolicy string

const (
	// AdoptByName takes the one living instance that has the name. It is in force where the spec names none.
	AdoptByName AdoptPolicy = "ByName"
	// AdoptNever takes none: an instance that has the name already stalls the claim.
	AdoptNever AdoptPolicy = "Never"
)

// DeletionPolicy says what becomes of the instance when its claim is deleted.
// +kubebuilder:validation:Enum=Retain;Delete
type DeletionPolicy string

const (
	// DeletionRetain leaves the instance at the vendor. It is in force where the spec names none.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionDelete deletes the instance at the vendor, where the account's mode permits it.
	DeletionDelete DeletionPolicy = "Delete"
)

// AccountReference names a PartnerAccount.
type AccountReference struct {
	// name of the PartnerAccount.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// InstanceClaimSpec is which instance of which account is wanted.
// +kubebuilder:validation:XValidation:rule="has(self.instanceName) == has(oldSelf.instanceName) && (!has(self.instanceName) || self.instanceName == oldSelf.instanceName)",message="instanceName is immutable: another instance is another claim, so create a new one"
// +kubebuilder:validation:XValidation:rule="has(self.secretName) == has(oldSelf.secretName) && (!has(self.secretName) || self.secretName == oldSelf.secretName)",message="secretName is immutable: delete this claim, which with deletionPolicy Retain leaves the instance as it is, and create it anew with the other name"
type InstanceClaimSpec struct {
	// accountRef names the PartnerAccount that pays for the instance. It cannot be changed later.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="is immutable: an instance stays with its account, so create a new claim"
	AccountRef AccountReference `json:"accountRef"`

	// instanceName is the name of the instance at the vendor. When unset it is ownerKey/namespace/name, with the owner key of the
	// account; any other name needs the account's word (adoptions). It cannot be changed later.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.matches('[[:cntrl:]]') && !self.matches('^[[:space:]]|[[:space:]]$')",message="must have no white space at either end and no control characters"
	InstanceName string `json:"instanceName,omitempty"`

	// adopt says what happens if there is an instance with the name already: ByName (when unset) takes it, Never does not.
	// +optional
	Adopt AdoptPolicy `json:"adopt,omitempty"`

	// deletionPolicy says what becomes of the instance when the claim is deleted: Retain (when unset) leaves it, Delete deletes it at
	// the vendor if the account's mode is CreateAndDelete. To hold, Delete must be there when the instance is created or adopted.
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// secretName is the name of the Secret that gets the token of the instance. When unset it is the claim's name with -greenapi
	// behind it. It cannot be changed later.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",message="must be the name of a Secret, such as support-line-token: small letters, digits, hyphens and dots, no hyphen or dot at either end"
	SecretName string `json:"secretName,omitempty"`
}

// ClaimOutcome is what became of a create or a delete.
// +kubebuilder:validation:Enum=Pending;Created;Adopted;Unknown;Rejected;Deleted
type ClaimOutcome string

const (
	// ClaimPending says: the call may go out, or went out and nothing is known of it yet.
	ClaimPending ClaimOutcome = "Pending"
	// ClaimCreated says: the vendor created the instance.
	ClaimCreated ClaimOutcome = "Created"
	// ClaimAdopted says: the instance was there.
	ClaimAdopted ClaimOutcome = "Adopted"
	// ClaimUnknown says: the call went out and no answer says what became of it. The list will.
	ClaimUnknown ClaimOutcome = "Unknown"
	// ClaimRejected says: the call certainly had no effect.
	ClaimRejected ClaimOutcome = "Rejected"
	// ClaimDeleted says: the vendor said that the instance was deleted.
	ClaimDeleted ClaimOutcome = "Deleted"
)

// CreateRecord is stored before an instance is bought, so that no crash buys it again.
type CreateRecord struct {
	// name of the instance at the vendor.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Name string `json:"name,omitempty"`

	// attempt counts the calls, 0 for an adoption.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Attempt int32 `json:"attempt,omitempty"`

	// startedTime is when the record was made.
	// +optional
	StartedTime *metav1.Time `json:"startedTime,omitempty"`

	// finishedTime is when the outcome was known.
	// +optional
	FinishedTime *metav1.Time `json:"finishedTime,omitempty"`

	// outcome is Pending, Created, Adopted, Unknown or Rejected.
	// +optional
	Outcome ClaimOutcome `json:"outcome,omitempty"`
}

// DeleteRecord is stored before an instance is deleted at the vendor.
type DeleteRecord struct {
	// attempt counts the calls.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Attempt int32 `json:"attempt,omitempty"`

	// startedTime is when the record was made.
	// +optional
	StartedTime *metav1.Time `json:"startedTime,omitempty"`

	// finishedTime is when the outcome was known.
	// +optional
	FinishedTime *metav1.Time `json:"finishedTime,omitempty"`

	// outcome is Pending, Deleted, Unknown or Rejected.
	// +optional
	Outcome ClaimOutcome `json:"outcome,omitempty"`
}

// InstanceClaimStatus is what became of a claim. It never holds a secret value.
type InstanceClaimStatus struct {
	// observedGeneration is the generation of the spec that the conditions speak of; -1 before the first look.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready and Created always; Reconciling and Stalled only while they are True.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// idInstance is the number of the instance. A claim with one never creates.
	// +optional
	IDInstance int64 `json:"idInstance,omitempty"`

	// apiUrl is where the instance is served.
	// +optional
	// +kubebuilder:validation:MaxLength=300
	APIURL string `json:"apiUrl,omitempty"`

	// create is what became of the create or the adoption.
	// +optional
	Create *CreateRecord `json:"create,omitempty"`

	// delete is what became of deleting the instance.
	// +optional
	Delete *DeleteRecord `json:"delete,omitempty"`

	// lastHandledReconcileAt echoes the annotation reconcile-requested-at once it was acted on.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`
}

// InstanceClaim asks a partner account for one instance: the one that has the name, or else a new one, which is paid for. Its token
// goes into a Secret, and a resource that looks after the instance names the claim in spec.claimRef.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=instanceclaims,singular=instanceclaim,shortName=gic,categories=greenapi
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the instance is there and its Secret is written"
// +kubebuilder:printcolumn:name="Instance",type=integer,JSONPath=`.status.idInstance`,description="The number of the instance"
// +kubebuilder:printcolumn:name="Account",type=string,JSONPath=`.spec.accountRef.name`,description="The partner account that pays for it"
// +kubebuilder:printcolumn:name="Policy",type=string,JSONPath=`.spec.deletionPolicy`,description="What becomes of the instance when the claim is deleted; empty is Retain"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Created")].reason`,priority=1
// +kubebuilder:printcolumn:name="Outcome",type=string,JSONPath=`.status.create.outcome`,priority=1
// +kubebuilder:printcolumn:name="Api-Url",type=string,JSONPath=`.status.apiUrl`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name must have at most 63 characters, since a label of the Secret has it"
type InstanceClaim struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is which instance of which account is wanted.
	// +required
	Spec InstanceClaimSpec `json:"spec"`

	// status is what became of it.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status InstanceClaimStatus `json:"status,omitzero"`
}

// SecretName is the name of the Secret that gets the token.
func (c *InstanceClaim) SecretName() string {
	if c.Spec.SecretName != "" {
		return c.Spec.SecretName
	}
	return c.Name + ClaimSecretSuffix
}

// InstanceName is the name of the instance at the vendor, of an account with an owner key.
func (c *InstanceClaim) InstanceName(ownerKey string) string {
	if c.Spec.InstanceName != "" {
		return c.Spec.InstanceName
	}
	return ownerKey + "/" + c.Namespace + "/" + c.Name
}

// InstanceClaimList is a list of InstanceClaim.
// +kubebuilder:object:root=true
type InstanceClaimList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items of the list.
	Items []InstanceClaim `json:"items"`
}
