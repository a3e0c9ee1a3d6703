// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RotateLabel is the label, with the value "true", of a Secret in which the operator may replace the API token.
const RotateLabel = "messaging.greenapi-operator.dev/rotate"

// APITokenRotation asks for the API token to be replaced.
type APITokenRotation struct {
	// requestedAt is a time, such as 2026-11-28T10:00:00Z or 2026-11-28, or any other text. Each new value asks for one rotation; of two
	// times only a later one is new. A value that is there at first sight, under policy Observe, while paused, or while nothing
	// can be done before a person acts is echoed in status.apiTokenRotation.request and not acted on.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	RequestedAt string `json:"requestedAt,omitempty"`
}

// RotationOutcome says what became of a rotation.
// +kubebuilder:validation:Enum=Pending;Rotated;NotRotated;Recovered;Lost
type RotationOutcome string

const (
	// RotationPending means: written before the call; it stays while it is not known whether there is a new token.
	RotationPending RotationOutcome = "Pending"
	// RotationRotated means: the vendor made a new token, and the Secret has it.
	RotationRotated RotationOutcome = "Rotated"
	// RotationNotRotated means: the old token is still in force.
	RotationNotRotated RotationOutcome = "NotRotated"
	// RotationRecovered means: the answer was lost, and the Secret has another token by now, which the vendor accepts.
	RotationRecovered RotationOutcome = "Recovered"
	// RotationLost means: the old token is dead, and nobody here knows the new one.
	RotationLost RotationOutcome = "Lost"
)

// RotationRecord is the record of the latest rotation of the API token. It is written before the call.
type RotationRecord struct {
	// request is the value of spec.apiTokenRotation.requestedAt that was handled last. Without an outcome it was only echoed.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Request string `json:"request,omitempty"`

	// replacedTokenKey tells which API token was to be replaced, as secretVersionKey does.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	ReplacedTokenKey string `json:"replacedTokenKey,omitempty"`

	// startedTime is when the intent to call was written.
	// +optional
	StartedTime *metav1.MicroTime `json:"startedTime,omitempty"`

	// finishedTime is when the outcome became known.
	// +optional
	FinishedTime *metav1.MicroTime `json:"finishedTime,omitempty"`

	// outcome of the call.
	// +optional
	Outcome RotationOutcome `json:"outcome,omitempty"`
}

// Open reports whether it is not known yet what became of the rotation.
func (r *RotationRecord) Open() bool { return r != nil && r.Outcome == RotationPending }

// Lost reports whether nobody knew the token any more.
func (r *RotationRecord) Lost() bool { return r != nil && r.Outcome == RotationLost }
