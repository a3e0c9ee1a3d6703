// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RecoveryAction is what the operator may do about an instance in trouble.
// +kubebuilder:validation:Enum=None;Reboot
type RecoveryAction string

const (
	// RecoveryNone does nothing. It is in force where the spec names no action.
	RecoveryNone RecoveryAction = "None"
	// RecoveryReboot reboots the instance.
	RecoveryReboot RecoveryAction = "Reboot"
)

// Recovery says when the operator may reboot an instance by itself. Where it is unset the operator never does.
type Recovery struct {
	// stuckStarting is what to do about an instance that has been starting for stuckAfter: None (when unset) or Reboot.
	// +optional
	StuckStarting RecoveryAction `json:"stuckStarting,omitempty"`

	// stuckAfter is how long in the state starting counts as stuck: at least 5m, 10m when unset.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(s|m|h))+$')",message="must be a duration such as 10m or 1h"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(s|m|h))+$') || duration(self) >= duration('5m')",message="must be at least 5m: a restart may take five minutes"
	StuckAfter *metav1.Duration `json:"stuckAfter,omitempty"`

	// maxRebootsPerDay bounds the reboots within 24 hours: 1 to 24, 2 when unset.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=24
	MaxRebootsPerDay *int32 `json:"maxRebootsPerDay,omitempty"`
}

// WhatsAppRecovery says when the operator may reboot a WhatsApp instance by itself.
type WhatsAppRecovery struct {
	Recovery `json:",inline"`

	// yellowCard is what to do about an instance in the older state yellowCard, out of which a reboot leads: None (when
	// unset) or Reboot.
	// +optional
	YellowCard RecoveryAction `json:"yellowCard,omitempty"`
}

// everywhere is the recovery of a messenger that knows no yellow card.
func (r *Recovery) everywhere() *WhatsAppRecovery {
	if r == nil {
		return nil
	}
	return &WhatsAppRecovery{Recovery: *r}
}
