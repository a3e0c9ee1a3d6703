// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// CommonSettings are the settings that every messenger has. A field that is not set is not managed: the operator
// neither compares nor writes it. The JSON names are the vendor's.
type CommonSettings struct {
	// webhookUrl is where GREEN-API sends notifications. "" switches webhooks off. URLs that differ only in the case of
	// the host, the default port or an empty path are equal.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^[Hh][Tt][Tt][Pp][Ss]?://[^\\\\s/?#]+([/?#]\\\\S*)?$')",message="must be an http or https URL such as https://shop.example/hooks, or empty to switch webhooks off"
	WebhookURL *string `json:"webhookUrl,omitempty" setting:"url"`

	// webhookUrlTokenSecretRef names the Secret with the token that GREEN-API sends to the webhook in its Authorization
	// header. An empty value in the Secret clears the token.
	// +optional
	WebhookURLTokenSecretRef *SecretKeyReference `json:"webhookUrlTokenSecretRef,omitempty"`

	// delaySendMessagesMilliseconds is the pause between two messages that are sent, in milliseconds: 500 to 86400000.
	// Newer pages of the vendor allow up to 600000 only.
	// +optional
	// +kubebuilder:validation:Minimum=500
	// +kubebuilder:validation:Maximum=86400000
	DelaySendMessagesMilliseconds *int32 `json:"delaySendMessagesMilliseconds,omitempty"`

	// markIncomingMessagesReaded marks incoming messages as read. The vendor ignores it while
	// markIncomingMessagesReadedOnReply is on.
	// +optional
	MarkIncomingMessagesReaded *bool `json:"markIncomingMessagesReaded,omitempty"`

	// markIncomingMessagesReadedOnReply marks the messages of a chat as read when a message is sent to it through the API.
	// +optional
	MarkIncomingMessagesReadedOnReply *bool `json:"markIncomingMessagesReadedOnReply,omitempty"`

	// outgoingWebhook sends notifications of the delivery status of outgoing messages.
	// +optional
	OutgoingWebhook *bool `json:"outgoingWebhook,omitempty"`

	// outgoingMessageWebhook sends notifications of messages sent from the phone.
	// +optional
	OutgoingMessageWebhook *bool `json:"outgoingMessageWebhook,omitempty"`

	// outgoingAPIMessageWebhook sends notifications of messages sent through the API.
	// +optional
	OutgoingAPIMessageWebhook *bool `json:"outgoingAPIMessageWebhook,omitempty"`

	// incomingWebhook sends notifications of incoming messages and files.
	// +optional
	IncomingWebhook *bool `json:"incomingWebhook,omitempty"`

	// stateWebhook sends notifications of changes of the instance's state.
	// +optional
	StateWebhook *bool `json:"stateWebhook,omitempty"`

	// pollMessageWebhook sends notifications of polls and votes. It takes effect only together with
	// outgoingAPIMessageWebhook, outgoingMessageWebhook or incomingWebhook.
	// +optional
	PollMessageWebhook *bool `json:"pollMessageWebhook,omitempty"`

	// editedMessageWebhook sends notifications of edited messages.
	// +optional
	EditedMessageWebhook *bool `json:"editedMessageWebhook,omitempty"`

	// deletedMessageWebhook sends notifications of deleted messages.
	// +optional
	DeletedMessageWebhook *bool `json:"deletedMessageWebhook,omitempty"`

	// additionalSettings are settings that have no field of their own here, such as ones newer than this release. One that got
	// its field in a later release may stay here.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	AdditionalSettings []AdditionalSetting `json:"additionalSettings,omitempty"`
}

// AdditionalSetting is a setting by its name at the vendor.
// +kubebuilder:validation:XValidation:rule="!(self.name.lowerAscii() in ['webhookurl', 'delaysendmessagesmilliseconds', 'markincomingmessagesreaded', 'markincomingmessagesreadedonreply', 'outgoingwebhook', 'outgoingmessagewebhook', 'outgoingapimessagewebhook', 'incomingwebhook', 'statewebhook', 'pollmessagewebhook', 'editedmessagewebhook', 'deletedmessagewebhook'])",messageExpression="self.name + ' has a field of its own and must be set there (spec.settings.' + self.name + '), not in additionalSettings'",message="a setting that has a field of its own must be set there (spec.settings.<name>), not in additionalSettings"
type AdditionalSetting struct {
	// name of the setting as the vendor writes it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9]*$')",message="must be the vendor's name of a setting: a letter, then letters and digits, such as catalogWebhook"
	// +kubebuilder:validation:XValidation:rule="!(self.lowerAscii() in ['webhookurltoken', 'proxyinstance', 'wid', 'typeinstance', 'typeaccount'])",message="is a secret or read-only at the vendor and cannot be set here"
	Name string `json:"name"`

	// value as text: a number, yes, no, or other text. It is sent in the JSON type in which the vendor shows the
	// setting, else as a number if it is a plain integer, else as text. Quote it: value: "3".
	// +required
	// +kubebuilder:validation:MaxLength=1024
	Value string `json:"value"`
}

// WebhookTokenRef returns the reference to the webhook token, nil if it is not managed.
func (s *CommonSettings) WebhookTokenRef() *SecretKeyReference { return s.WebhookURLTokenSecretRef }
