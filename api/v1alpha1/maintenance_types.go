// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Maintenance says when writing settings may restart the instance. Reading goes on at any time, and so do reboots, which are for
// a line that is down already.
type Maintenance struct {
	// timeZone is the IANA name of the zone that the windows are in, such as Europe/Moscow or UTC.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self != 'Local' && self.matches('^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$')",message="must be the IANA name of a time zone, such as Europe/Moscow, America/New_York or UTC; Local is none, because every machine has another one"
	TimeZone string `json:"timeZone"`

	// windows are the times in which a restart may begin. Where they overlap they are one.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Windows []MaintenanceWindow `json:"windows"`

	// appliesTo says what waits for a window: Changes (of the spec and of the webhook token) and Corrections (of drift). Both when
	// unset.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	AppliesTo []MaintenanceSubject `json:"appliesTo,omitempty"`
}

// MaintenanceWindow is a time that comes again every week on some days.
type MaintenanceWindow struct {
	// days on which it starts: Mon, Tue, Wed, Thu, Fri, Sat, Sun. Every day when unset.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=7
	// +kubebuilder:validation:XValidation:rule="self.all(day, self.exists_one(other, other == day))",message="must name each day once, such as [Mon, Wed, Fri]"
	Days []Weekday `json:"days,omitempty"`

	// start is when it opens, by the clock on the wall of the zone: "00:00" to "23:59" (quoted). Where the clock is set forward over
	// it, it opens at that moment; where it comes twice, the first time.
	// +required
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([01][0-9]|2[0-3]):[0-5][0-9]$')",message="must be a time from \"00:00\" to \"23:59\", such as \"09:30\" or \"23:00\" (quoted, with two digits on either side)"
	Start string `json:"start"`

	// duration is how long it is open: 30m to 24h. It may go past midnight.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(s|m|h))+$')",message="must be a duration such as 30m, 5h or 1h30m"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(s|m|h))+$') || (duration(self) >= duration('30m') && duration(self) <= duration('24h'))",message="must be 30m to 24h: nothing begins in the last third or the last 10 minutes of a window, and instances begin one after the other"
	Duration metav1.Duration `json:"duration"`
}

// Weekday is a day of the week.
// +kubebuilder:validation:Enum=Mon;Tue;Wed;Thu;Fri;Sat;Sun
type Weekday string

// MaintenanceSubject is what waits for a window.
// +kubebuilder:validation:Enum=Changes;Corrections
type MaintenanceSubject string

const (
	// MaintenanceChanges are those of the spec and of the webhook token.
	MaintenanceChanges MaintenanceSubject = "Changes"
	// MaintenanceCorrections are those of drift.
	MaintenanceCorrections MaintenanceSubject = "Corrections"
)

// AppliesToSubject reports whether something waits for a window.
func (m *Maintenance) AppliesToSubject(subject MaintenanceSubject) bool {
	return len(m.AppliesTo) == 0 || slices.Contains(m.AppliesTo, subject)
}
