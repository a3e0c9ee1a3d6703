// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"time"

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

// RecoveryRules are the rules in force.
// +kubebuilder:object:generate=false
type RecoveryRules struct {
	// StuckStarting and YellowCard allow a reboot.
	StuckStarting, YellowCard bool
	// StuckAfter is how long in the state starting counts as stuck.
	StuckAfter time.Duration
	// MaxRebootsPerDay bounds the reboots within 24 hours.
	MaxRebootsPerDay int
}

// Defaults of Recovery.
const (
	defaultStuckAfter       = 10 * time.Minute
	defaultMaxRebootsPerDay = 2
)

// rules are the rules in force; nothing is allowed where there is no recovery.
func (r *Recovery) rules() RecoveryRules {
	rules := RecoveryRules{StuckAfter: defaultStuckAfter, MaxRebootsPerDay: defaultMaxRebootsPerDay}
	if r == nil {
		return rules
	}
	rules.StuckStarting = r.StuckStarting == RecoveryReboot
	if r.StuckAfter != nil {
		rules.StuckAfter = r.StuckAfter.Duration
	}
	if r.MaxRebootsPerDay != nil {
		rules.MaxRebootsPerDay = int(*r.MaxRebootsPerDay)
	}
	return rules
}

// rules are the rules in force.
func (r *WhatsAppRecovery) rules() RecoveryRules {
	if r == nil {
		return (*Recovery)(nil).rules()
	}
	rules := r.Recovery.rules()
	rules.YellowCard = r.YellowCard == RecoveryReboot
	return rules
}
