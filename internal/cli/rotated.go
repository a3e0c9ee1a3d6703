// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// secretLookedAt is how long what condition TokenRotated said of the Secret before a request may stand before it is taken for an answer to it.
const secretLookedAt = 30 * time.Second

// rotationEnded reports whether it is known what came of a request. before is condition TokenRotated when it was asked.
func rotationEnded(i v1alpha1.Instance, at string, before *metav1.Condition, waited time.Duration) bool {
	if record := i.InstanceStatus().APITokenRotation; record != nil && record.Request == at {
		return !record.Open()
	}
	if requestedAt(i) != at {
		return true
	}
	refused := refusedSecret(i)
	return refused != nil && (before == nil || before.Message != refused.Message || waited >= secretLookedAt)
}

// refusedSecret is condition TokenRotated where it says of the present spec that the token may not be put into the Secret, else nil.
func refusedSecret(i v1alpha1.Instance) *metav1.Condition {
	c := conditionOf(i, v1alpha1.TokenRotatedCondition)
	if c == nil || !observed(i) || c.ObservedGeneration != i.GetGeneration() || c.Reason != v1alpha1.ReasonSecretNotOwned && c.Reason != v1alpha1.ReasonSecretNotWritable {
		return nil
	}
	return c
}

// howTheRotationGoes sums up a resource in one line, by what is said of its token if anything is.
func howTheRotationGoes(i v1alpha1.Instance) string {
	if c := conditionOf(i, v1alpha1.TokenRotatedCondition); c != nil && observed(i) {
		return c.Reason + ": " + c.Message
	}
	return howItGoes(i)
}

// rotationsOf tells of the latest rotation of the API token. A request that was only echoed is none.
func rotationsOf(status *v1alpha1.InstanceStatus) []happening {
	record := status.APITokenRotation
	if record == nil || record.Outcome == "" || record.StartedTime == nil {
		return nil
	}
	at := record.StartedTime
	if record.FinishedTime != nil {
		at = record.FinishedTime
	}
	return []happening{{Time: metav1.NewTime(at.Time), Source: fromRotation, Reason: string(record.Outcome), about: aboutToken, Message: rotationText(record.Outcome)}}
}

// rotationText says in plain words what became of a rotation.
func rotationText(outcome v1alpha1.RotationOutcome) string {
	switch outcome {
	case v1alpha1.RotationPending:
		return "The vendor was asked for a new API token, and it is not known yet whether it made one"
	case v1alpha1.RotationRotated:
		return "The API token was replaced, and the Secret has the new one"
	case v1alpha1.RotationNotRotated:
		return "The API token was not replaced, and the old one is in force"
	case v1alpha1.RotationRecovered:
		return "The answer with a new API token was lost, and the Secret has another one by now, which works"
	case v1alpha1.RotationLost:
		return "The API token was replaced, and the new one was not found"
	default:
		return string(outcome)
	}
}

// conclude says what came of a request, and what to do about it. Its error has the exit code.
func (v *rotateVerb) conclude(i v1alpha1.Instance, at string) error {
	title, argument, record := advice.Title(i), advice.Argument(i), i.InstanceStatus().APITokenRotation
	no := func(next, format string, args ...any) error {
		return &problem{what: title + ": " + fmt.Sprintf(format, args...), next: next, code: exitNo}
	}
	if record == nil || record.Request != at {
		if requestedAt(i) != at {
			return no("See who sets spec.apiTokenRotation (Git, another person), and kubectl greenapi status "+argument, "something changed the request to %q before the operator saw it", requestedAt(i))
		}
		return no("The request stays: once the Secret is put right, the token is replaced. To take it back, remove spec.apiTokenRotation", "nothing was called. %s", refusedSecret(i).Message)
	}
	again := "To try once more: kubectl greenapi rotate " + argument
	switch record.Outcome {
	case v1alpha1.RotationRotated:
		fmt.Fprintf(v.Out, "%s: the API token was replaced, and Secret %q has the new one\n", title, instance.APITokenRef(i).Name)
		return nil
	case v1alpha1.RotationRecovered:
		fmt.Fprintf(v.Out, "%s: the vendor's answer was lost, and Secret %q has another API token by now, which the vendor accepts\n", title, instance.APITokenRef(i).Name)
		return nil
	case v1alpha1.RotationNotRotated:
		return no(again, "the token was not replaced, and the old one is in force")
	case v1alpha1.RotationLost:
		return no(advice.For(i, v1alpha1.ReasonTokenLost), "the token was replaced, the vendor's answer was lost, and the old token is dead")
	default:
		return no("See why: kubectl greenapi status "+argument+". Then: kubectl greenapi rotate "+argument, "the operator took note of the request and called nothing: the instance was paused, under Observe, in need of a person, or not reached for long")
	}
}
