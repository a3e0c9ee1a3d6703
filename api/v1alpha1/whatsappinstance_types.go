// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WhatsAppSettings are the settings of a WhatsApp instance.
// +kubebuilder:validation:XValidation:rule="!has(self.additionalSettings) || self.additionalSettings.all(s, s.name.lowerAscii() != 'keeponlinestatus')",message="keepOnlineStatus has a field of its own and must be set there (spec.settings.keepOnlineStatus), not in additionalSettings"
// +kubebuilder:validation:XValidation:rule="!has(self.additionalSettings) || self.additionalSettings.all(s, s.name.lowerAscii() != 'incomingcallwebhook')",message="incomingCallWebhook has a field of its own and must be set there (spec.settings.incomingCallWebhook), not in additionalSettings"
// +kubebuilder:validation:XValidation:rule="!has(self.additionalSettings) || self.additionalSettings.all(s, s.name.lowerAscii() != 'devicewebhook')",message="deviceWebhook has a field of its own and must be set there (spec.settings.deviceWebhook), not in additionalSettings"
// +kubebuilder:validation:XValidation:rule="!has(self.additionalSettings) || self.additionalSettings.all(s, s.name.lowerAscii() != 'incomingblockwebhook')",message="incomingBlockWebhook has a field of its own and must be set there (spec.settings.incomingBlockWebhook), not in additionalSettings"
// +kubebuilder:validation:XValidation:rule="!has(self.autoTyping) || !has(self.additionalSettings) || !self.additionalSettings.exists(s, s.name.lowerAscii() == 'autotyping')",message="autoTyping is set twice: keep spec.settings.autoTyping, and take it out of additionalSettings"
// +kubebuilder:validation:XValidation:rule="!has(self.linkPreview) || !has(self.additionalSettings) || !self.additionalSettings.exists(s, s.name.lowerAscii() == 'linkpreview')",message="linkPreview is set twice: keep spec.settings.linkPreview, and take it out of additionalSettings"
// +kubebuilder:validation:XValidation:rule="!has(self.enableLidMode) || !has(self.additionalSettings) || !self.additionalSettings.exists(s, s.name.lowerAscii() == 'enablelidmode')",message="enableLidMode is set twice: keep spec.settings.enableLidMode, and take it out of additionalSettings"
type WhatsAppSettings struct {
	CommonSettings `json:",inline"`

	// keepOnlineStatus keeps the account shown as online.
	// +optional
	KeepOnlineStatus *bool `json:"keepOnlineStatus,omitempty"`

	// incomingCallWebhook sends notifications of incoming calls, whatever incomingWebhook is.
	// +optional
	IncomingCallWebhook *bool `json:"incomingCallWebhook,omitempty"`

	// deviceWebhook sends notifications of the phone and its battery. The setting can be written, but the vendor
	// documents its notifications as not working at present.
	// +optional
	DeviceWebhook *bool `json:"deviceWebhook,omitempty"`

	// incomingBlockWebhook sends notifications of chats added to the list of blocked contacts. The setting can be
	// written, but the vendor documents its notifications as not working at present.
	// +optional
	IncomingBlockWebhook *bool `json:"incomingBlockWebhook,omitempty"`

	// autoTyping has the account shown as typing before a message that is sent through the API: 0 to 10. 0 switches it off.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	AutoTyping *int32 `json:"autoTyping,omitempty"`

	// linkPreview shows a preview of the links in messages.
	// +optional
	LinkPreview *bool `json:"linkPreview,omitempty"`

	// enableLidMode switches the vendor's LID mode on. It takes effect only after a logout and a new scan, which a person
	// makes: the operator writes the setting, and Synced says no more than that the vendor shows it.
	// +optional
	EnableLidMode *bool `json:"enableLidMode,omitempty"`
}

// WhatsAppInstanceSpec is what the user wants of a WhatsApp instance.
type WhatsAppInstanceSpec struct {
	InstanceSpec `json:",inline"`

	// settings of the instance. A field that is not set is not managed.
	// +optional
	Settings *WhatsAppSettings `json:"settings,omitempty"`

	// recovery says when the operator may reboot the instance by itself. When unset it never does.
	// +optional
	Recovery *WhatsAppRecovery `json:"recovery,omitempty"`

	// incomingStatuses reads the statuses of contacts (getIncomingStatuses, a beta of the vendor) and shows a summary in
	// the status. When unset they are not read.
	// +optional
	IncomingStatuses *IncomingStatuses `json:"incomingStatuses,omitempty"`
}

// IncomingStatuses says which statuses of contacts are read, and how often.
type IncomingStatuses struct {
	// window is how far back statuses are counted: 1m to 720h, 24h when unset. It is sent in whole minutes.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(s|m|h))+$')",message="must be a duration such as 30m, 24h or 720h"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(s|m|h))+$') || (duration(self) >= duration('1m') && duration(self) <= duration('720h'))",message="must be 1m to 720h: the vendor keeps statuses for 30 days"
	Window *metav1.Duration `json:"window,omitempty"`

	// interval is how often they are read: at least 1m, 15m when unset.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(s|m|h))+$')",message="must be a duration such as 1m, 15m or 1h"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(s|m|h))+$') || duration(self) >= duration('1m')",message="must be at least 1m"
	Interval *metav1.Duration `json:"interval,omitempty"`
}

// Defaults of IncomingStatuses.
const (
	defaultStatusesWindow   = 24 * time.Hour
	defaultStatusesInterval = 15 * time.Minute
)

// WindowOrDefault is the window in force.
func (i *IncomingStatuses) WindowOrDefault() time.Duration {
	if i.Window == nil {
		return defaultStatusesWindow
	}
	return i.Window.Duration
}

// IntervalOrDefault is the interval in force.
func (i *IncomingStatuses) IntervalOrDefault() time.Duration {
	if i.Interval == nil {
		return defaultStatusesInterval
	}
	return i.Interval.Duration
}

// WhatsAppInstance is a WhatsApp account behind GREEN-API: its settings are kept as the spec wants them, with as
// few restarts of the instance as possible, and its state is shown in the status.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=whatsappinstances,singular=whatsappinstance,shortName=wai,categories=greenapi,scope=Namespaced
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
type WhatsAppInstance struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user wants of the instance.
	// +required
	Spec WhatsAppInstanceSpec `json:"spec"`

	// status is what the operator saw and did.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status InstanceStatus `json:"status,omitzero"`
}

// Core returns the part of the spec that all kinds share.
func (i *WhatsAppInstance) Core() *InstanceSpec { return &i.Spec.InstanceSpec }

// TypedSettings returns a pointer to the settings, or nil where the spec has none.
func (i *WhatsAppInstance) TypedSettings() any {
	if i.Spec.Settings == nil {
		return nil
	}
	return i.Spec.Settings
}

// Statuses returns what to read of the statuses of contacts, nil for nothing.
func (i *WhatsAppInstance) Statuses() *IncomingStatuses { return i.Spec.IncomingStatuses }

// Reboots returns when the instance may be rebooted, nil for never.
func (i *WhatsAppInstance) Reboots() *WhatsAppRecovery { return i.Spec.Recovery }

// InstanceStatus returns the status.
func (i *WhatsAppInstance) InstanceStatus() *InstanceStatus { return &i.Status }

// WhatsAppInstanceList is a list of WhatsAppInstance.
// +kubebuilder:object:root=true
type WhatsAppInstanceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items of the list.
	Items []WhatsAppInstance `json:"items"`
}
