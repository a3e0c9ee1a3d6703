// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Sources of happenings, in the order in which they are believed: where two tell the same thing, the first is shown.
const (
	fromEvent     = "event"
	fromWrite     = "write"
	fromRestart   = "restart"
	fromState     = "state"
	fromAbandoned = "abandoned"
	fromCondition = "condition"
	fromResource  = "resource"
	fromRotation  = "rotation"
	fromClaim     = "claim"
)

var sources = []string{fromEvent, fromWrite, fromRotation, fromClaim, fromRestart, fromState, fromAbandoned, fromCondition, fromResource}

// happening is one thing that happened to an instance. It is what events -o json prints.
type happening struct {
	// Time at which it happened, for an event that was seen several times the last of them.
	Time metav1.Time `json:"time"`
	// Source is event, write, rotation, claim, restart, state, abandoned, condition or resource: what tells of it.
	Source string `json:"source"`
	// Reason is one word: of the event, the condition or the write.
	Reason string `json:"reason"`
	// Message is a sentence.
	Message string `json:"message"`
	// Over: it is a warning whose cause is gone.
	Over bool `json:"over,omitempty"`
	// Namespace and Instance say where it happened, as KIND/NAME, where several instances are told of, and to the claim of one.
	Namespace string `json:"namespace,omitempty"`
	Instance  string `json:"instance,omitempty"`

	// about is what it tells of, so that the same thing is not told twice.
	about string
}

// The things that several sources tell of.
const (
	aboutState   = "state"
	aboutWrite   = "write"
	aboutOutcome = "outcome"
	aboutReboot  = "reboot"
	aboutToken   = "token"
	aboutClaim   = "claim"
)

// eventsOf reads the events about a resource, the newest last. Those about what has no namespace are in the namespace default.
func eventsOf(ctx context.Context, cluster client.Reader, about metav1.Object) ([]eventsv1.Event, error) {
	list := &eventsv1.EventList{}
	namespace := client.InNamespace(cmp.Or(about.GetNamespace(), metav1.NamespaceDefault))
	if err := cluster.List(ctx, list, namespace, client.MatchingFields{"regarding.uid": string(about.GetUID())}); err != nil {
		return nil, err
	}
	slices.SortStableFunc(list.Items, func(a, b eventsv1.Event) int { return eventTime(a).Compare(eventTime(b)) })
	return list.Items, nil
}

// eventTime is when an event was seen last.
func eventTime(event eventsv1.Event) time.Time {
	switch {
	case event.Series != nil && !event.Series.LastObservedTime.IsZero():
		return event.Series.LastObservedTime.Time
	case !event.EventTime.IsZero():
		return event.EventTime.Time
	case !event.DeprecatedLastTimestamp.IsZero():
		return event.DeprecatedLastTimestamp.Time
	default:
		return event.CreationTimestamp.Time
	}
}

// historyOf is all that is known to have happened to a resource, in order of time.
func historyOf(instance v1alpha1.Instance, events []eventsv1.Event) []happening {
	all := beginningOf(instance, events, func(event eventsv1.Event) bool { return over(instance, event) })
	status := instance.InstanceStatus()
	all = append(all, writesOf(status)...)
	all = append(all, restartsOf(status)...)
	all = append(all, rotationsOf(status)...)
	all = append(all, conditionsOf(status.Conditions)...)
	return once(ordered(all))
}

// beginningOf is what events tell of any resource, and its birth. over says of which warnings the cause is gone.
func beginningOf(about metav1.Object, events []eventsv1.Event, over func(eventsv1.Event) bool) []happening {
	var all []happening
	for _, event := range events {
		h := happening{Time: metav1.NewTime(eventTime(event)), Source: fromEvent, Reason: event.Reason, Message: event.Note, about: aboutEvent(event.Reason)}
		h.Over = over(event)
		if event.Series != nil && event.Series.Count > 1 {
			h.Message += fmt.Sprintf(" (%d times)", event.Series.Count)
		}
		all = append(all, h)
	}
	return append(all, happening{Time: about.GetCreationTimestamp(), Source: fromResource, Reason: "Created", Message: "The resource was created", about: "created"})
}

// ordered puts happenings into the order of time.
func ordered(all []happening) []happening {
	slices.SortStableFunc(all, func(a, b happening) int {
		// Events have parts of a second, the rest has not: within a second the order of the sources counts.
		return cmp.Or(a.Time.Truncate(time.Second).Compare(b.Time.Truncate(time.Second)), cmp.Compare(rank(a), rank(b)), a.Time.Compare(b.Time.Time))
	})
	return all
}

// rank puts what the resource's birth tells first, for nothing happened before.
func rank(h happening) int {
	if h.about == "created" {
		return -1
	}
	return slices.Index(sources, h.Source)
}

// once leaves out what a better source tells within some seconds as well. An event follows the end of a call.
func once(all []happening) []happening {
	return slices.DeleteFunc(slices.Clone(all), func(h happening) bool {
		return slices.ContainsFunc(all, func(other happening) bool {
			apart := other.Time.Sub(h.Time.Time).Abs()
			within := 5 * time.Second
			if h.about == aboutWrite || h.about == aboutReboot {
				within = 20 * time.Second
			}
			return other.about == h.about && rank(other) < rank(h) && apart <= within
		})
	})
}

// aboutEvent says what an event tells of.
func aboutEvent(reason string) string {
	switch reason {
	case "StateChanged":
		return aboutState
	case "SettingsApplied":
		return aboutWrite
	case "SettingsConfirmed", v1alpha1.ReasonSettingsNotPersisted, v1alpha1.ReasonSettingsRejected:
		return aboutOutcome
	case "RebootRequested":
		return aboutReboot
	case "TokenRotated", v1alpha1.ReasonNotRotated, v1alpha1.ReasonTokenLost:
		return aboutToken
	case "InstanceCreated", "InstanceAdopted":
		return aboutClaim
	default:
		return reason
	}
}

// writesOf tells of the latest setSettings, and of earlier ones that corrected drift.
func writesOf(status *v1alpha1.InstanceStatus) []happening {
	var all []happening
	if apply := status.Apply; apply != nil {
		all = append(all, happening{Time: metav1.NewTime(apply.StartedTime.Time), Source: fromWrite, Reason: string(apply.Reason), about: aboutWrite,
			Message: fmt.Sprintf("Attempt %d to write %s", apply.Attempt, strings.Join(writtenSettings(apply), ", "))})
		if apply.FinishedTime != nil {
			all = append(all, happening{Time: metav1.NewTime(apply.FinishedTime.Time), Source: fromWrite, Reason: string(apply.Outcome), about: aboutOutcome,
				Message: outcomeText(apply.Outcome)})
		}
	}
	for _, correction := range status.Corrections {
		all = append(all, happening{Time: correction.Time, Source: fromRestart, Reason: string(v1alpha1.ApplyDrift), about: aboutWrite,
			Message: "Corrected drift of " + strings.Join(correction.Settings, ", ")})
	}
	for _, entry := range status.Abandoned {
		all = append(all, happening{Time: entry.Time, Source: fromAbandoned, Reason: string(entry.Reason), about: string(entry.Reason),
			Message: entry.Setting + " is no longer written"})
	}
	return all
}

func writtenSettings(apply *v1alpha1.ApplyRecord) []string {
	var names []string
	for _, setting := range apply.Settings {
		names = append(names, setting.Setting)
	}
	return names
}

// outcomeText says in plain words what became of a setSettings.
func outcomeText(outcome v1alpha1.ApplyOutcome) string {
	switch outcome {
	case v1alpha1.OutcomePending:
		return "The call is under way, or nobody knows whether it arrived"
	case v1alpha1.OutcomeSettling:
		return "The vendor said yes, and does not show the values yet"
	case v1alpha1.OutcomeConfirmed:
		return "The settings were seen in effect"
	case v1alpha1.OutcomeNotPersisted:
		return "The vendor kept other values"
	case v1alpha1.OutcomeRejected:
		return "The vendor refused the values"
	case v1alpha1.OutcomeNotSent:
		return "The call took no effect"
	default:
		return string(outcome)
	}
}

// restartsOf tells of restarts and of the last change of state.
func restartsOf(status *v1alpha1.InstanceStatus) []happening {
	var all []happening
	if restarts := status.Restarts; restarts != nil {
		for _, at := range restarts.RecentReboots {
			all = append(all, happening{Time: at, Source: fromRestart, Reason: "Reboot", about: aboutReboot, Message: "Rebooted the instance, or was about to"})
		}
		if at := restarts.LastTime; at != nil {
			about := aboutWrite
			if !slices.Contains([]string{string(v1alpha1.ApplySpecChange), string(v1alpha1.ApplyDrift), string(v1alpha1.ApplyRetry), string(v1alpha1.ApplyRequested)}, restarts.LastReason) {
				about = aboutReboot
			}
			all = append(all, happening{Time: *at, Source: fromRestart, Reason: restarts.LastReason, about: about,
				Message: fmt.Sprintf("Restarted the instance (%d in all)", restarts.Total)})
		}
	}
	if at := status.StateChangedTime; at != nil {
		all = append(all, happening{Time: *at, Source: fromState, Reason: "StateChanged", about: aboutState, Message: "The state is now " + cmp.Or(status.StateInstance, "creating")})
	}
	return all
}

// conditionsOf tells when each condition turned to what it is now.
func conditionsOf(conditions []metav1.Condition) []happening {
	var all []happening
	for _, c := range conditions {
		if c.Reason == v1alpha1.ReasonNotObserved {
			continue
		}
		if slices.ContainsFunc(all, func(h happening) bool { return h.Reason == c.Reason && h.Time.Equal(&c.LastTransitionTime) }) {
			continue // Synced, Ready and Stalled say the same
		}
		about := eventOf(c.Reason)
		switch {
		case c.Type == v1alpha1.AvailableCondition:
			about = aboutState
		case c.Type == v1alpha1.TokenRotatedCondition:
			about = aboutToken
		case c.Type == v1alpha1.SyncedCondition && c.Reason == v1alpha1.ReasonUpToDate,
			c.Reason == v1alpha1.ReasonSettingsNotPersisted, c.Reason == v1alpha1.ReasonSettingsRejected:
			about = aboutOutcome
		case c.Reason == v1alpha1.ReasonSettling:
			about = aboutWrite
		}
		all = append(all, happening{Time: c.LastTransitionTime, Source: fromCondition, Reason: c.Reason, about: about,
			Message: fmt.Sprintf("%s is %s: %s", c.Type, c.Status, c.Message)})
	}
	return all
}

// eventOf is the reason of the event that tells of a condition's reason.
func eventOf(reason string) string {
	switch reason {
	case v1alpha1.ReasonUnauthorized, v1alpha1.ReasonInstanceNotFound, v1alpha1.ReasonTokenMalformed:
		return "CredentialsRejected"
	default:
		return reason
	}
}
