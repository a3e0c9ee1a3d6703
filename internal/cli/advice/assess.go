// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Assessment is how a resource is, in one sentence, and what to do next.
type Assessment struct {
	Mood Mood
	// Headline begins with "Fine:", "Waiting:", "Paused:" or "Needs you:".
	Headline string
	// Steps are the next steps, the weightiest first.
	Steps []string
}

// Brief is the next step in one line, or the headline where the step speaks of the message.
func (a Assessment) Brief() string {
	switch {
	case len(a.Steps) == 0 && a.Mood == Fine:
		return ""
	case len(a.Steps) == 0 || NeedsMessage(a.Steps[0]):
		return a.Headline
	default:
		return a.Steps[0]
	}
}

// NeedsMessage reports whether a next step is of no use without the message of the condition.
func NeedsMessage(step string) bool { return strings.Contains(step, "the message names") }

// UnseenAfter is how long a new resource may be there before somebody should have looked at it.
const UnseenAfter = time.Minute

// Unseen reports whether nobody has looked at a resource, though there was time to.
func Unseen(instance v1alpha1.Instance, now time.Time) bool {
	return instance.InstanceStatus().ObservedGeneration < 0 && len(instance.InstanceStatus().Conditions) == 0 &&
		now.Sub(instance.GetCreationTimestamp().Time) > UnseenAfter
}

// Behind reports whether what the status says is about an earlier edit.
func Behind(instance v1alpha1.Instance) bool {
	observed := instance.InstanceStatus().ObservedGeneration
	return observed >= 0 && observed < instance.GetGeneration()
}

// Assess says how a resource is.
func Assess(instance v1alpha1.Instance, now time.Time) Assessment {
	status := instance.InstanceStatus()
	if len(status.Conditions) == 0 {
		if Unseen(instance, now) {
			return Assessment{NeedsYou, "Needs you: nobody looks after it.",
				[]string{"See whether the operator runs, watches this namespace, and wants labels that this resource has: kubectl greenapi doctor -n " + instance.GetNamespace()}}
		}
		return Assessment{Waits, "Waiting: the operator has not looked at it yet.", []string{For(instance, v1alpha1.ReasonNotObserved)}}
	}
	list, steps := troubles(instance), adviceFor(instance)
	if len(list) == 0 && Behind(instance) {
		return Assessment{Waits, "Waiting: the latest edit of the manifest was not compared with the vendor's settings yet.", []string{For(instance, v1alpha1.ReasonNotObserved)}}
	}
	if len(list) == 0 {
		return Assessment{Fine, "Fine: " + wellDone(instance), nil}
	}
	first := list[0]
	if first.Type == v1alpha1.ReadyCondition && MayBeNew(instance) {
		return Assessment{Waits, newHeadline, append([]string{newStep}, whenNotNew(steps)...)}
	}
	feeling := counselFor(first.Reason).mood
	switch first.Type {
	case v1alpha1.PausedCondition:
		return Assessment{Waits, "Paused: " + pausedText(instance), steps}
	case v1alpha1.StalledCondition:
		feeling = NeedsYou
	case v1alpha1.ReadyCondition, v1alpha1.ReconcilingCondition:
		feeling = Waits // a person's turn would be Stalled
	}
	if first.Reason == v1alpha1.ReasonDriftDetected {
		return Assessment{Fine, "Fine: the messenger works. " + Sentence(first.Message), steps}
	}
	if first.Type == v1alpha1.SyncedCondition && first.Reason == v1alpha1.ReasonOutsideWindow {
		return Assessment{Waits, "Waiting: the messenger works. " + Sentence(first.Message), steps}
	}
	return Assessment{feeling, map[Mood]string{Fine: "Fine: ", Waits: "Waiting: ", NeedsYou: "Needs you: "}[feeling] + Sentence(LowerFirst(first.Message)), steps}
}

// wellDone is why there is nothing to do.
func wellDone(instance v1alpha1.Instance) string {
	if synced := apimeta.FindStatusCondition(instance.InstanceStatus().Conditions, v1alpha1.SyncedCondition); synced != nil && synced.Reason == v1alpha1.ReasonNothingManaged {
		return "the messenger works. The manifest asks for no settings."
	}
	return "the settings are as the manifest wants them and the messenger works."
}

// pausedText says what was known when the resource was paused.
func pausedText(instance v1alpha1.Instance) string {
	if instance.InstanceStatus().StateInstance == "" {
		return "the operator does not look at it."
	}
	return "the operator does not look at it. What stands here was so when it was paused."
}

// Sentence ends a text with a full stop.
func Sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// LowerFirst makes the first letter small, unless the word is a name such as WhatsAppInstance or a number.
func LowerFirst(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if word == "" || word[1:] != strings.ToLower(word[1:]) {
		return text
	}
	if rest := text[len(word):]; word == "Secret" || strings.HasPrefix(rest, " \"") {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}
