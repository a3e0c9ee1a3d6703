// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TelegramSettings are the settings of a Telegram instance.
// +kubebuilder:validation:XValidation:rule="!has(self.additionalSettings) || self.additionalSettings.all(s, s.name.lowerAscii() != 'keeponlinestatus')",message="keepOnlineStatus has a field of its own and must be set there (spec.settings.keepOnlineStatus), not in additionalSettings"
type TelegramSettings struct {
	CommonSettings `json:",inline"`

	// keepOnlineStatus keeps the account shown as online.
	// +optional
	KeepOnlineStatus *bool `json:"keepOnlineStatus,omitempty"`
}

// TelegramInstanceSpec is what the user wants of a Telegram instance.
type TelegramInstanceSpec struct {
	InstanceSpec `json:",inline"`

	// settings of the instance. A field that is not set is not managed.
	// +optional
	Settings *TelegramSettings `json:"settings,omitempty"`

	// recovery says when the operator may reboot the instance by itself. When unset it never does.
	// +optional
	Recovery *Recovery `json:"recovery,omitempty"`
}

// TelegramInstance is a Telegram account behind GREEN-API: its settings are kept as the spec wants them, with as few
// restarts of the instance as possible, and its state is shown in the status.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=telegraminstances,singular=telegraminstance,shortName=tgi,categories=greenapi,scope=Namespaced
// +kubebuilder:selectablefield:JSONPath=.spec.idInstance
// +kubebuilder:selectablefield:JSONPath=.status.idInstance
// +kubebuilder:selectablefield:JSONPath=.status.stateInstance
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the operator's own job is done: credentials accepted, settings as the policy wants them"
// +kubebuilder:printcolumn:name="Synced",type=string,JSONPath=`.status.conditions[?(@.type=="Synced")].status`,description="Whether the settings are as the spec wants them"
// +kubebuilder:printcolumn:name="Available",type=string,JSONPath=`.status.conditions[?(@.type=="Available")].status`,description="Whether the messenger is authorized and working"
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.stateInstance`,description="The vendor's word for the state of the instance"
// +kubebuilder:printcolumn:name="Instance",type=integer,format=int64,JSONPath=`.status.idInstance`,description="The number of the instance at the vendor"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Phone",type=string,JSONPath=`.status.phone`,priority=1
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,priority=1
// +kubebuilder:printcolumn:name="Policy",type=string,JSONPath=`.spec.reconcilePolicy`,priority=1
// +kubebuilder:printcolumn:name="Restarts",type=integer,JSONPath=`.status.restarts.total`,priority=1,description="Restarts of the instance that this operator caused"
// +kubebuilder:printcolumn:name="Suspended-Until",type=string,JSONPath=`.status.suspendedUntil`,priority=1
// +kubebuilder:printcolumn:name="Next-Window",type=string,priority=1,JSONPath=`.status.nextWindowTime`,description="When the maintenance window opens that something waits for"
type TelegramInstance struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants of the instance.
	// +required
	Spec TelegramInstanceSpec `json:"spec"`

	// status is what the operator saw and did.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status InstanceStatus `json:"status,omitzero"`
}

// Core returns the part of the spec that all kinds share.
func (i *TelegramInstance) Core() *InstanceSpec { return &i.Spec.InstanceSpec }

// TypedSettings returns a pointer to the settings, or nil where the spec has none.
func (i *TelegramInstance) TypedSettings() any {
	if i.Spec.Settings == nil {
		return nil
	}
	return i.Spec.Settings
}

// Statuses returns nil: the vendor shows the statuses of contacts for WhatsApp only.
func (i *TelegramInstance) Statuses() *IncomingStatuses { return nil }

// Reboots returns when the instance may be rebooted, nil for never.
func (i *TelegramInstance) Reboots() *WhatsAppRecovery { return i.Spec.Recovery.everywhere() }

// InstanceStatus returns the status.
func (i *TelegramInstance) InstanceStatus() *InstanceStatus { return &i.Status }

// TelegramInstanceList is a list of TelegramInstance.
// +kubebuilder:object:root=true
type TelegramInstanceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items of the list.
	Items []TelegramInstance `json:"items"`
}
