// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// assessment is how a resource is, in one sentence, and what to do next.
type assessment struct {
	mood mood
	// headline begins with "Fine:", "Waiting:", "Paused:" or "Needs you:".
	headline string
	// steps are the next steps, the weightiest first.
	steps []string
}

// brief is the next step in one line, or the headline where the step speaks of the message.
func (a assessment) brief() string {
	switch {
	case len(a.steps) == 0 && a.mood == fine:
		return ""
	case len(a.steps) == 0 || strings.Contains(a.steps[0], theMessage):
		return a.headline
	default:
		return a.steps[0]
	}
}

// theMessage is what next steps say that are of no use without the condition's message.
const theMessage = "the message names"

// unseenAfter is how long a new resource may be there before somebody should have looked at it.
const unseenAfter = time.Minute

// unseen reports whether nobody has looked at a resource, though there was time to.
func unseen(instance v1alpha1.Instance, now time.Time) bool {
	return instance.InstanceStatus().ObservedGeneration < 0 && len(instance.InstanceStatus().Conditions) == 0 &&
		now.Sub(instance.GetCreationTimestamp().Time) > unseenAfter
}

// behind reports whether what the status says is about an earlier edit.
func behind(instance v1alpha1.Instance) bool {
	observed := instance.InstanceStatus().ObservedGeneration
	return observed >= 0 && observed < instance.GetGeneration()
}

// edited is when somebody last wrote something else than the status; zero where nobody knows.
func edited(instance v1alpha1.Instance) time.Time {
	var last time.Time
	for _, entry := range instance.GetManagedFields() {
		if entry.Subresource == "" && entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

// assess says how a resource is.
func assess(instance v1alpha1.Instance, now time.Time) assessment {
	status := instance.InstanceStatus()
	if len(status.Conditions) == 0 {
		if unseen(instance, now) {
			return assessment{needsYou, "Needs you: nobody looks after it.",
				[]string{"See whether the operator runs, watches this namespace, and wants labels that this resource has: kubectl greenapi doctor -n " + instance.GetNamespace()}}
		}
		return assessment{waits, "Waiting: the operator has not looked at it yet.", []string{advise(instance, v1alpha1.ReasonNotObserved)}}
	}
	list, steps := troubles(instance), adviceFor(instance)
	if len(list) == 0 && behind(instance) {
		return assessment{waits, "Waiting: the latest edit of the manifest was not compared with the vendor's settings yet.", []string{advise(instance, v1alpha1.ReasonNotObserved)}}
	}
	if len(list) == 0 {
		return assessment{fine, "Fine: " + wellDone(instance), nil}
	}
	first := list[0]
	feeling := counselFor(first.Reason).mood
	switch first.Type {
	case v1alpha1.PausedCondition:
		return assessment{waits, "Paused: " + pausedText(instance), steps}
	case v1alpha1.StalledCondition:
		feeling = needsYou
	case v1alpha1.ReadyCondition, v1alpha1.ReconcilingCondition:
		feeling = waits // a person's turn would be Stalled
	}
	if first.Reason == v1alpha1.ReasonDriftDetected {
		return assessment{fine, "Fine: the messenger works. " + sentence(first.Message), steps}
	}
	return assessment{feeling, map[mood]string{fine: "Fine: ", waits: "Waiting: ", needsYou: "Needs you: "}[feeling] + sentence(lowerFirst(first.Message)), steps}
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

// sentence ends a text with a full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// lowerFirst makes the first letter small, unless the word is a name such as WhatsAppInstance or a number.
func lowerFirst(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if word == "" || word[1:] != strings.ToLower(word[1:]) {
		return text
	}
	if rest := text[len(word):]; word == "Secret" || strings.HasPrefix(rest, " \"") {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// conditionStatus is the status of a condition as tables show it: empty where there is none.
func conditionStatus(instance v1alpha1.Instance, name string) string {
	if condition := apimeta.FindStatusCondition(instance.InstanceStatus().Conditions, name); condition != nil {
		return string(condition.Status)
	}
	return ""
}

// shadeOf colors the status of a condition of which True is good.
func shadeOf(status string) shade {
	switch metav1.ConditionStatus(status) {
	case metav1.ConditionTrue:
		return shadeGood
	case metav1.ConditionFalse:
		return shadeBad
	default:
		return shadeBusy
	}
}
