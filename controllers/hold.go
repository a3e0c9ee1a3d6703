// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"

	"github.com/greenapi-operator/greenapi-operator/internal/maintenance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/restarts"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// holdText says what a call waits for, after "wait" or "waits"; "" where that is over soon, or said elsewhere. It is stable while the
// call waits: a status is not to be written each time one of many is done.
func holdText(p *pass, hold plan.Hold) string {
	switch hold.By {
	case plan.HeldByTurn:
		return " for other instances to restart first (--max-concurrent-restarts); " + aheadText(p.turn.ahead)
	case plan.HeldByAllowance:
		return " for others of the fleet to restart well first (--restart-slow-start); " + aheadText(p.turn.fleet.Ahead)
	case plan.HeldByBrake:
		return ", because the latest restarts of the fleet ended badly (" + failuresText(p.turn.fleet.Standing.Failures) + "); one line is tried after --retry-apply-after"
	case plan.HeldByLogin:
		if states.Of(p.state).Login != states.LoginEnter {
			return " up to ten minutes for the logout that is under way"
		}
		return " up to ten minutes for the person who is logging in"
	case plan.HeldByWindow:
		return " for the maintenance window, which opens for this instance on " + maintenance.Text(p.window.Opens)
	case plan.HeldByInvalidWindow:
		return " until spec.maintenance is put right: " + p.window.Problem
	case plan.HeldByStart, plan.HeldByReboot, plan.HeldByWrite, plan.HeldByFailures, plan.HeldByStop, plan.HeldBySpacing:
	}
	return ""
}

// failuresText names who failed and how.
func failuresText(failures []restarts.Failure) string {
	names := make([]string, 0, len(failures))
	for _, failure := range failures {
		names = append(names, fmt.Sprintf("%s: %s", failure.Resource.NamespacedName, failure.Why))
	}
	return strings.Join(names, ", ")
}

// aheadText says how many come before, roughly.
func aheadText(ahead int) string {
	about := 0
	for _, step := range []int{1, 2, 5} {
		for n := step; n <= ahead; n *= 10 {
			about = max(about, n)
		}
	}
	switch {
	case ahead == 0:
		return "it is the next one"
	case ahead == 1:
		return "one is ahead of it"
	case about == ahead:
		return fmt.Sprintf("%d are ahead of it", ahead)
	default:
		return fmt.Sprintf("more than %d are ahead of it", about)
	}
}
