// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"slices"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// stand is how far a change is with one instance.
type stand string

const (
	standInEffect   stand = "inEffect"
	standRestarting stand = "restarting"
	standWindow     stand = "waitingForWindow"
	standTurn       stand = "waitingForTurn"
	standHalted     stand = "halted"
	standFailed     stand = "failed"
	// standUnseen: the operator has not compared it yet, or cannot at present.
	standUnseen stand = "notCompared"
	// standLeft: it is paused, or its policy leaves what differs as it is.
	standLeft stand = "leftAsItIs"
)

// failureOf is why a change ended badly with an instance.
type failureOf struct {
	Kind      string       `json:"kind"`
	Namespace string       `json:"namespace"`
	Name      string       `json:"name"`
	Reason    string       `json:"reason"`
	Message   string       `json:"message,omitempty"`
	Time      *metav1.Time `json:"time,omitempty"`

	resource v1alpha1.Instance
}

// standOf tells from the status alone how far a change is, and if it failed, why.
func standOf(i v1alpha1.Instance) (stand, *failureOf) {
	status := i.InstanceStatus()
	synced := conditionOf(i, v1alpha1.SyncedCondition)
	switch {
	case i.Core().Paused, conditionOf(i, v1alpha1.PausedCondition) != nil:
		return standLeft, nil
	case status.Apply.Active():
		return standRestarting, nil
	case len(status.Conditions) == 0, synced == nil, advice.Behind(i), instance.WaitsForClaim(status):
		return standUnseen, nil
	}
	if failure := failed(i, *synced); failure != nil {
		return standFailed, failure
	}
	switch synced.Reason {
	case v1alpha1.ReasonOutsideWindow:
		return standWindow, nil
	case v1alpha1.ReasonRolloutHalted:
		return standHalted, nil
	case v1alpha1.ReasonApplyPending:
		return standTurn, nil
	case v1alpha1.ReasonSettling, v1alpha1.ReasonInstanceStarting:
		return standRestarting, nil
	case v1alpha1.ReasonDriftDetected:
		return standLeft, nil
	}
	switch {
	case startsAfterWrite(status):
		return standRestarting, nil
	case synced.Status == metav1.ConditionTrue:
		return standInEffect, nil
	default:
		return standUnseen, nil
	}
}

// startsAfterWrite reports whether the instance starts still after the latest write.
func startsAfterWrite(status *v1alpha1.InstanceStatus) bool {
	return status.StateInstance == states.Starting && status.Apply != nil && status.StateChangedTime != nil &&
		!status.StateChangedTime.Time.Before(status.Apply.StartedTime.Truncate(time.Second))
}

// failed returns why a change is not in effect and does not come into effect by itself, or what it broke; nil if neither.
func failed(i v1alpha1.Instance, synced metav1.Condition) *failureOf {
	status := i.InstanceStatus()
	failure := func(reason, message string, at metav1.Time) *failureOf {
		return &failureOf{Kind: instance.KindOf(i).Name, Namespace: i.GetNamespace(), Name: i.GetName(), Reason: reason, Message: message, Time: &at, resource: i}
	}
	if stalled := apimeta.FindStatusCondition(status.Conditions, v1alpha1.StalledCondition); stalled != nil {
		return failure(stalled.Reason, stalled.Message, stalled.LastTransitionTime)
	}
	if endedBadly(i, synced) {
		message := ""
		for _, name := range []string{v1alpha1.SyncedCondition, v1alpha1.AvailableCondition} {
			if c := conditionOf(i, name); c.Reason == status.Rollout.LastFailure {
				message = c.Message
			}
		}
		return failure(status.Rollout.LastFailure, message, *status.Rollout.LastFailedTime)
	}
	switch synced.Reason {
	// An instance that nobody was logged in to is no part of the record of its fleet.
	case v1alpha1.ReasonSettingsNotPersisted, v1alpha1.ReasonSettingsRejected, v1alpha1.ReasonDriftFlapping, v1alpha1.ReasonSettingNotSupported,
		v1alpha1.ReasonMaintenanceInvalid, v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretKeyMissing, v1alpha1.ReasonTokenMalformed:
		return failure(synced.Reason, synced.Message, synced.LastTransitionTime)
	}
	return nil
}

// endedBadly reports whether the latest restart ended badly and this is not over: neither does the messenger work with the settings in
// effect again, nor is there another change since.
func endedBadly(i v1alpha1.Instance, synced metav1.Condition) bool {
	status := i.InstanceStatus()
	record, apply, available := status.Rollout, status.Apply, conditionOf(i, v1alpha1.AvailableCondition)
	switch {
	case record == nil || record.LastFailedTime == nil || apply == nil || available == nil,
		record.LastFailedTime.Time.Before(apply.StartedTime.Truncate(time.Second)),
		record.LastSucceededTime != nil && record.LastSucceededTime.After(record.LastFailedTime.Time):
		return false
	case synced.Status == metav1.ConditionTrue:
		return available.Status != metav1.ConditionTrue
	default:
		return apply.Generation == i.GetGeneration()
	}
}

// span is from the first to the last of some times.
type span struct {
	First metav1.Time `json:"first"`
	Last  metav1.Time `json:"last"`
}

// progressOfAll is how far a change is with many instances.
type progressOfAll struct {
	// Outcome is Complete, UnderWay, Halted or Failed.
	Outcome          string `json:"outcome"`
	Total            int    `json:"total"`
	InEffect         int    `json:"inEffect"`
	Restarting       int    `json:"restarting"`
	WaitingForWindow int    `json:"waitingForWindow"`
	WaitingForTurn   int    `json:"waitingForTurn"`
	Halted           int    `json:"halted"`
	Failed           int    `json:"failed"`
	NotCompared      int    `json:"notCompared"`
	LeftAsItIs       int    `json:"leftAsItIs"`
	// NextWindow is when the windows open for those that wait for one.
	NextWindow *span `json:"nextWindow,omitempty"`
	// AboutSeconds is how long those that wait for a turn take at the pace of the last ten minutes, 0 if nothing tells.
	AboutSeconds int         `json:"aboutSeconds,omitempty"`
	Failures     []failureOf `json:"failures"`

	// soonest is the one whose window opens first; mixed: there are several kinds. haltedText is what one that is halted says.
	soonest, last v1alpha1.Instance
	mixed         bool
	haltedText    string
}

// What a rollout has come to.
const (
	rolloutComplete = "Complete"
	rolloutUnderWay = "UnderWay"
	rolloutHalted   = "Halted"
	rolloutFailed   = "Failed"
)

// paceOver is over how long it is counted how many restarts ended well.
const paceOver = 10 * time.Minute

// progressOver counts how far a change is. Nothing but the statuses tells it.
func progressOver(found []v1alpha1.Instance, now time.Time) progressOfAll {
	p := progressOfAll{Total: len(found), Failures: []failureOf{}}
	counts, pace := map[stand]int{}, 0
	for _, i := range found {
		at, failure := standOf(i)
		counts[at]++
		if record := i.InstanceStatus().Apply; record != nil && record.Outcome == v1alpha1.OutcomeConfirmed && record.FinishedTime != nil && now.Sub(record.FinishedTime.Time) < paceOver {
			pace++
		}
		p.mixed = p.mixed || instance.KindOf(i).Name != instance.KindOf(found[0]).Name
		if failure != nil {
			p.Failures = append(p.Failures, *failure)
		}
		if at == standWindow {
			p.opening(i)
		}
		if at == standHalted {
			p.haltedText = cmp.Or(p.haltedText, conditionOf(i, v1alpha1.SyncedCondition).Message)
		}
	}
	p.InEffect, p.Restarting, p.WaitingForWindow, p.WaitingForTurn = counts[standInEffect], counts[standRestarting], counts[standWindow], counts[standTurn]
	p.Halted, p.Failed, p.NotCompared, p.LeftAsItIs = counts[standHalted], counts[standFailed], counts[standUnseen], counts[standLeft]
	if pace > 0 {
		p.AboutSeconds = p.WaitingForTurn * int(paceOver.Seconds()) / pace
	}
	slices.SortStableFunc(p.Failures, func(a, b failureOf) int { return b.Time.Compare(a.Time.Time) })
	switch {
	case p.Halted > 0:
		p.Outcome = rolloutHalted
	case p.Failed > 0:
		p.Outcome = rolloutFailed
	case p.InEffect+p.LeftAsItIs < p.Total:
		p.Outcome = rolloutUnderWay
	default:
		p.Outcome = rolloutComplete
	}
	return p
}

// opening notes when the window of one opens.
func (p *progressOfAll) opening(i v1alpha1.Instance) {
	at := i.InstanceStatus().NextWindowTime
	switch {
	case at == nil:
		return
	case p.NextWindow == nil:
		p.NextWindow, p.soonest, p.last = &span{*at, *at}, i, i
		return
	}
	if at.Time.Before(p.NextWindow.First.Time) {
		p.NextWindow.First, p.soonest = *at, i
	}
	if at.After(p.NextWindow.Last.Time) {
		p.NextWindow.Last, p.last = *at, i
	}
}
