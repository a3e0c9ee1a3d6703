// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/maintenance"
	"github.com/greenapi-operator/greenapi-operator/internal/zones"
)

// windowText is when a maintenance window opens, by the clock on the wall of the spec's zone; UTC if that is not known.
func windowText(resource v1alpha1.Instance, at time.Time) string {
	location := time.UTC
	if spec := resource.Core().Maintenance; spec != nil {
		if known, err := zones.Load(spec.TimeZone); err == nil {
			location = known
		}
	}
	return maintenance.Text(at.In(location))
}

// untilText words how long it is until something.
func untilText(now, at time.Time) string {
	if !at.After(now) {
		return "which is now"
	}
	return "in " + duration.HumanDuration(at.Sub(now))
}

// nextWindow is when what waits for the maintenance window is written, by the clock of the window's zone.
func (w *page) nextWindow() string {
	at := w.status.NextWindowTime
	if at == nil {
		return ""
	}
	return windowText(w.instance, at.Time) + ", " + untilText(w.now, at.Time)
}
