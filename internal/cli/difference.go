// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// difference is what diff says of one instance. Its JSON is what -o json promises.
type difference struct {
	Kind       string                   `json:"kind,omitempty"`
	Namespace  string                   `json:"namespace,omitempty"`
	Name       string                   `json:"name,omitempty"`
	IDInstance int64                    `json:"idInstance,omitempty"`
	State      string                   `json:"state,omitempty"`
	Differs    bool                     `json:"differs"`
	Changes    []v1alpha1.PendingChange `json:"changes,omitempty"`
	// Write is writeNow, writeLater or writeNot where something differs.
	Write string   `json:"write,omitempty"`
	Why   string   `json:"why,omitempty"`
	Notes []string `json:"notes,omitempty"`
	Error *failure `json:"error,omitempty"`

	err error
}

// failure is a problem in JSON.
type failure struct {
	Message string `json:"message"`
	Next    string `json:"next,omitempty"`
}

// Whether the operator would write what differs.
const (
	writeNow   = "Now"
	writeLater = "Later"
	writeNot   = "No"
)

func newDifference(c candidate) difference {
	found := difference{Notes: c.notes}
	if c.instance != nil {
		found.Kind, found.Namespace, found.Name = instance.KindOf(c.instance).Name, c.instance.GetNamespace(), c.instance.GetName()
		found.IDInstance = instance.Number(c.instance)
	}
	return found
}

// fail notes why an instance could not be compared.
func (d *difference) fail(err error) {
	if err == nil {
		return
	}
	d.err, d.Error = err, &failure{Message: err.Error()}
	if known, ok := errors.AsType[*problem](err); ok {
		d.Error = &failure{Message: known.what, Next: known.next}
	}
}

// judge says whether the operator would write what differs, and why.
func (d *difference) judge(instance v1alpha1.Instance, decision plan.Decision, now time.Time, hold bool, refusal string) {
	if !d.Differs {
		return
	}
	d.Write, d.Why = consequence(instance, decision, now, hold, refusal)
	for _, change := range decision.Pending {
		at := slices.IndexFunc(decision.History.Abandoned, func(entry v1alpha1.AbandonedSetting) bool { return entry.Setting == change.Setting })
		switch {
		case at >= 0 && !slices.Contains(decision.Send, change.Setting):
			d.Notes = append(d.Notes, abandonedNote(decision.History.Abandoned[at], instance))
		case change.Observed == change.Desired:
			d.Notes = append(d.Notes, change.Setting+" differs in the part that is not shown, which may be secret")
		case change.Observed == plan.Missing:
			d.Notes = append(d.Notes, change.Setting+": the vendor does not show this setting; it is sent once, and given up if it does not show then")
		}
	}
}

func consequence(instance v1alpha1.Instance, decision plan.Decision, now time.Time, hold bool, refusal string) (write, why string) {
	core := instance.Core()
	stalled := apimeta.FindStatusCondition(instance.InstanceStatus().Conditions, v1alpha1.StalledCondition)
	switch {
	case core.Paused:
		return writeNot, "spec.paused is true: the operator makes no call at all"
	case stalled != nil && stalled.Reason == v1alpha1.ReasonDuplicateInstance:
		return writeNot, stalled.Message
	case refusal != "":
		return writeNot, refusal
	case core.Policy() == v1alpha1.PolicyObserve:
		return writeNot, "reconcilePolicy Observe never writes"
	case hold:
		return writeNot, "the webhook token that the spec refers to is not known, and nothing is written without it"
	case decision.Synced == v1alpha1.ReasonOutsideWindow:
		opens := now.Add(decision.Held.For)
		return writeLater, "once the maintenance window has opened for this instance on " + windowText(instance, opens) + ", " + untilText(now, opens) + "; this restarts the instance"
	case len(decision.Send) > 0 && haltedNow(instance):
		return writeLater, "the latest restarts of its fleet ended badly, so it waits; kubectl greenapi rollout says which; this restarts the instance"
	case len(decision.Send) > 0:
		return writeNow, willWrite(decision)
	}
	return held(decision)
}

// haltedNow reports whether the operator said of the present generation that its fleet is halted, and nobody has asked since for the
// instance to pass.
func haltedNow(resource v1alpha1.Instance) bool {
	synced := conditionOf(resource, v1alpha1.SyncedCondition)
	return synced != nil && synced.Reason == v1alpha1.ReasonRolloutHalted && observed(resource) &&
		instance.NewRequest(resource, v1alpha1.ApplyRequestedAtAnnotation, resource.InstanceStatus().LastHandledApplyAt) == ""
}

func willWrite(decision plan.Decision) string {
	what := "in one call"
	if len(decision.Send) < len(decision.Pending) {
		what = strings.Join(decision.Send, ", ") + " " + what
	}
	return what + "; this restarts the instance, and its messenger is down for up to five minutes"
}

// held says what keeps a write back, in the order of the reasons that condition Synced has.
func held(decision plan.Decision) (write, why string) {
	switch decision.Synced {
	case v1alpha1.ReasonMaintenanceInvalid:
		return writeNot, "the time zone of spec.maintenance is not known, and nothing is written without it; write an IANA name such as Europe/Moscow or UTC"
	case v1alpha1.ReasonInstanceStarting:
		return writeLater, "once the instance has started; then it restarts once more"
	case v1alpha1.ReasonApplyPending:
		return writeLater, "once the login that is under way is over, or after ten minutes; this restarts the instance"
	case v1alpha1.ReasonSettling:
		return writeLater, "the operator wrote or rebooted just now, and the values may not show yet; it waits for them"
	case v1alpha1.ReasonDriftDetected:
		return writeNot, "reconcilePolicy OnSpecChange: the spec was in effect once, and what changed since then is only reported"
	case v1alpha1.ReasonSettingsRejected:
		return writeNot, "the vendor refused these values; change them"
	}
	if decision.LookAgain > 0 {
		return writeLater, "the vendor said yes and did not keep the values; the operator tries again later, which restarts the instance"
	}
	return writeNot, "the operator gave these settings up"
}

func abandonedNote(entry v1alpha1.AbandonedSetting, instance v1alpha1.Instance) string {
	why := map[v1alpha1.AbandonReason]string{
		v1alpha1.AbandonNotPersisted: "the vendor said yes in every attempt and kept the old value",
		v1alpha1.AbandonNotSupported: "the vendor does not show it even after it was written",
		v1alpha1.AbandonFlapping:     "something else keeps changing it back",
	}[entry.Reason]
	return fmt.Sprintf("%s is not written any more (%s): %s. kubectl greenapi reconcile %s has it tried once more",
		entry.Setting, entry.Reason, why, advice.Argument(instance))
}
