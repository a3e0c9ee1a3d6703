// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// applyNow is kubectl greenapi apply-now.
var applyNow = ask{
	use: "apply-now", short: "Have settings written before the window opens, and past a halted rollout",
	long: `Have settings written before the maintenance window opens, and past a rollout that is slow or halted.

It sets the annotation apply-requested-at, after a question unless --yes is given, which says how many restarts it may
cause. It counts for one write. --max-concurrent-restarts holds still: an instance waits for its turn. Where nothing
differs, nothing is written. Of those that are chosen by -A or -l the paused ones and those under Observe are left out.`,
	example: `  kubectl greenapi apply-now support-line
  kubectl greenapi apply-now -l team=shop --yes --wait`,
	patch:      annotation(v1alpha1.ApplyRequestedAtAnnotation),
	field:      []string{"metadata", "annotations", v1alpha1.ApplyRequestedAtAnnotation},
	handled:    func(i v1alpha1.Instance) string { return i.InstanceStatus().LastHandledApplyAt },
	refuse:     whereAppliesAreIgnored,
	confirmAll: applyQuestion,
	said:       "%s: asked to be written now",
	heard:      func(i v1alpha1.Instance, at string) bool { return i.InstanceStatus().LastHandledApplyAt == at },
	reached:    func(i v1alpha1.Instance, _ time.Duration) bool { return applied(i) },
}

// whereAppliesAreIgnored follows the operator's own rules: it echoes such a request and does nothing (R29).
func whereAppliesAreIgnored(i v1alpha1.Instance) error {
	switch {
	case i.Core().Paused:
		return whilePaused(i)
	case i.Core().Policy() == v1alpha1.PolicyObserve:
		return failf("Remove spec.reconcilePolicy first: the operator would only echo the request",
			"%s has the policy Observe, under which nothing is ever written", advice.Title(i))
	case len(i.InstanceStatus().Conditions) == 0:
		return notLookedAt(i)
	}
	return nil
}

// notLookedAt refuses a request that would be there at first sight.
func notLookedAt(i v1alpha1.Instance) error {
	return failf("Wait until kubectl greenapi status "+advice.Argument(i)+" shows something; if it never does, kubectl greenapi doctor -n "+i.GetNamespace()+" tells why",
		"%s was not looked at yet, and a request that is there at first sight is ignored", advice.Title(i))
}

// applyQuestion says how many restarts a request may cause, by what the statuses say now.
func applyQuestion(found []v1alpha1.Instance) string {
	restarts := 0
	for _, i := range found {
		if mayRestart(i) {
			restarts++
		}
	}
	whose := fmt.Sprintf("to %d instances", len(found))
	if len(found) == 1 {
		whose = "to " + advice.Title(found[0])
	}
	switch restarts {
	case 0:
		return fmt.Sprintf("Apply now %s? No settings wait there at present, so this may cause 0 restarts.", whose)
	case 1:
		return fmt.Sprintf("Apply now %s? This may cause 1 restart, and the messenger is down meanwhile, for up to five minutes.", whose)
	default:
		return fmt.Sprintf("Apply now %s? This may cause %d restarts, and each messenger is down meanwhile, for up to five minutes.", whose, restarts)
	}
}

// mayRestart reports whether something waits to be written, or nobody knows yet whether it does.
func mayRestart(i v1alpha1.Instance) bool {
	if advice.Behind(i) {
		return true
	}
	synced := conditionOf(i, v1alpha1.SyncedCondition)
	switch {
	case synced == nil || stalledNow(i):
		return false
	case synced.Reason == v1alpha1.ReasonOutsideWindow, synced.Reason == v1alpha1.ReasonRolloutHalted, synced.Reason == v1alpha1.ReasonApplyPending,
		synced.Reason == v1alpha1.ReasonInstanceStarting, synced.Reason == v1alpha1.ReasonSettingsNotPersisted, synced.Reason == v1alpha1.ReasonNotObserved:
		return true
	default:
		return false
	}
}

// applied reports whether what was asked for went out and is in effect.
func applied(i v1alpha1.Instance) bool {
	synced := conditionOf(i, v1alpha1.SyncedCondition)
	return fulfilled(i) && !i.InstanceStatus().Apply.Active() && (synced == nil || synced.Reason != v1alpha1.ReasonOutsideWindow) &&
		instance.NewRequest(i, v1alpha1.ApplyRequestedAtAnnotation, i.InstanceStatus().LastHandledApplyAt) == ""
}
