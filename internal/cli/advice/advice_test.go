// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// reasonConstants are the values of the constants Reason… of the API package, from its source so that none is forgotten.
func reasonConstants(t *testing.T) []string {
	t.Helper()
	g := NewWithT(t)
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "..", "api", "v1alpha1", "conditions.go"), nil, 0)
	g.Expect(err).NotTo(HaveOccurred())
	var reasons []string
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			literal, ok := spec.Values[0].(*ast.BasicLit)
			g.Expect(ok).To(BeTrue())
			value, err := strconv.Unquote(literal.Value)
			g.Expect(err).NotTo(HaveOccurred())
			reasons = append(reasons, value)
		}
		return true
	})
	g.Expect(len(reasons)).To(BeNumerically(">", 40))
	return reasons
}

func TestEveryReasonHasAnAdvice(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	reasons := reasonConstants(t)
	for _, reason := range reasons {
		known, ok := counsels[reason]
		g.Expect(ok).To(BeTrue(), "counsels lacks %s: say in advice.go what a person does about it", reason)
		if known.mood != Fine {
			g.Expect(known.next).To(MatchRegexp(`^[A-Z].*[^.\s]$`), "the next step of %s", reason)
		}
		for _, brace := range []string{"{it}", "{namespace}", "{number}", "{secret}"} {
			known.next = strings.ReplaceAll(known.next, brace, "")
		}
		g.Expect(known.next).NotTo(ContainAny("{}"), reason)
	}
	for reason := range counsels {
		g.Expect(reasons).To(ContainElement(reason), "no condition shows this reason")
	}
}

// ContainAny matches a text with one of some characters.
func ContainAny(characters string) OmegaMatcher {
	return WithTransform(func(text string) bool { return strings.ContainsAny(text, characters) }, BeTrue())
}

// conditioned is a resource with one condition beside good ones.
func conditioned(condition, reason string) *v1alpha1.WhatsAppInstance {
	instance := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "line", Generation: 1}}
	instance.Spec.APITokenSecretRef.Name = "line-token"
	instance.Status.ObservedGeneration, instance.Status.StateInstance = 1, "authorized"
	for name, good := range map[string]string{
		v1alpha1.ReadyCondition: v1alpha1.ReasonSucceeded, v1alpha1.SyncedCondition: v1alpha1.ReasonUpToDate,
		v1alpha1.AvailableCondition: v1alpha1.ReasonAuthorized, v1alpha1.CredentialsValidCondition: v1alpha1.ReasonTokenAccepted,
	} {
		if name != condition {
			instance.Status.Conditions = append(instance.Status.Conditions, metav1.Condition{Type: name, Status: metav1.ConditionTrue, Reason: good, Message: "Good"})
		}
	}
	status := metav1.ConditionFalse
	if condition == v1alpha1.StalledCondition || condition == v1alpha1.ReconcilingCondition || condition == v1alpha1.PausedCondition {
		status = metav1.ConditionTrue
	}
	instance.Status.Conditions = append(instance.Status.Conditions, metav1.Condition{Type: condition, Status: status, Reason: reason, Message: "It is so"})
	return instance
}

func TestEveryConditionLeadsToAHeadlineAndANextStep(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	now := time.Now()
	g.Expect(Assess(conditioned(v1alpha1.ReadyCondition, v1alpha1.ReasonSucceeded), now).Steps).To(HaveLen(0))
	for _, reason := range reasonConstants(t) {
		if counsels[reason].next == "" {
			continue
		}
		for _, condition := range []string{v1alpha1.StalledCondition, v1alpha1.ReconcilingCondition, v1alpha1.ReadyCondition, v1alpha1.SyncedCondition,
			v1alpha1.AvailableCondition, v1alpha1.CredentialsValidCondition, v1alpha1.IncomingStatusesReadCondition, v1alpha1.PausedCondition} {
			if reason == v1alpha1.ReasonNotObserved && condition != v1alpha1.StalledCondition {
				continue // follows from why nobody looked
			}
			how := Assess(conditioned(condition, reason), now)
			g.Expect(how.Headline).To(MatchRegexp(`^(Fine|Waiting|Paused|Needs you): .+\.$`), "%s %s", condition, reason)
			g.Expect(how.Steps).To(HaveLen(1), "%s %s", condition, reason)
			if condition == v1alpha1.StalledCondition && reason != v1alpha1.ReasonDriftDetected {
				g.Expect(how.Headline).To(HavePrefix("Needs you: it is so"), "Stalled is a person's turn, whatever the reason: %s", reason)
			}
		}
	}
	step := Assess(conditioned(v1alpha1.AvailableCondition, v1alpha1.ReasonNotAuthorized), now).Steps[0]
	g.Expect(step).To(Equal("Log in with the phone: kubectl greenapi auth wai/line -n shop"))
	step = Assess(conditioned(v1alpha1.StalledCondition, v1alpha1.ReasonUnauthorized), now).Steps[0]
	g.Expect(step).To(HaveSuffix("into Secret line-token"))
}

func TestAReasonOfANewerOperatorIsTold(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	how := Assess(conditioned(v1alpha1.StalledCondition, "FromTheFuture"), time.Now())
	g.Expect(how.Headline).To(Equal("Needs you: it is so."))
	g.Expect(how.Steps).To(ConsistOf("Read the message; a newer release of this plugin knows more about the reason FromTheFuture"))
}

func TestWhoseTurnItIs(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	now := time.Now()
	g.Expect(Assess(conditioned(v1alpha1.AvailableCondition, v1alpha1.ReasonStarting), now).Mood).To(Equal(Waits))
	g.Expect(Assess(conditioned(v1alpha1.AvailableCondition, v1alpha1.ReasonBlocked), now).Mood).To(Equal(NeedsYou))
	g.Expect(Assess(conditioned(v1alpha1.SyncedCondition, v1alpha1.ReasonDriftDetected), now).Mood).To(Equal(Fine))
	g.Expect(Assess(conditioned(v1alpha1.ReadyCondition, v1alpha1.ReasonUnauthorized), now).Mood).To(Equal(Waits), "not Stalled: it is tried again")

	fresh := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Name: "line", CreationTimestamp: metav1.NewTime(now.Add(-30 * time.Second))}}
	fresh.Status.ObservedGeneration = -1
	g.Expect(Assess(fresh, now).Mood).To(Equal(Waits))
	g.Expect(Assess(fresh, now.Add(time.Minute)).Headline).To(Equal("Needs you: nobody looks after it."))
}

func TestTheWeightiestTroubleComesFirstAndNoneTwice(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	instance := conditioned(v1alpha1.StalledCondition, v1alpha1.ReasonDriftFlapping)
	for i, c := range instance.Status.Conditions {
		switch c.Type {
		case v1alpha1.ReadyCondition, v1alpha1.SyncedCondition:
			instance.Status.Conditions[i].Status, instance.Status.Conditions[i].Reason = metav1.ConditionFalse, v1alpha1.ReasonDriftFlapping
		case v1alpha1.AvailableCondition:
			instance.Status.Conditions[i].Status, instance.Status.Conditions[i].Reason = metav1.ConditionFalse, v1alpha1.ReasonNotAuthorized
		}
	}
	steps := adviceFor(instance)
	g.Expect(steps).To(HaveLen(2))
	g.Expect(steps[0]).To(HavePrefix("Find out who else"))
	g.Expect(steps[1]).To(HavePrefix("Log in"))
}

// TestNextStepsLeadOn: what people are told to type can be typed as it stands: a kind and a namespace with every name.
func TestNextStepsLeadOn(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "line"}, Spec: v1alpha1.WhatsAppInstanceSpec{InstanceSpec: v1alpha1.InstanceSpec{IDInstance: 7}}}
	for reason := range counsels {
		for _, command := range regexp.MustCompile(`kubectl greenapi [a-z]+[^.,;]*`).FindAllString(For(line, reason), -1) {
			g.Expect(command).To(MatchRegexp(`^kubectl greenapi ([a-z-]+ wai/line -n shop( --watch)?|rollout -n shop|doctor (-n shop|-A))`), reason)
		}
	}
	for _, reason := range []string{v1alpha1.ReasonPendingCode, v1alpha1.ReasonPendingPassword} {
		g.Expect(For(line, reason)).To(ContainSubstring("into the page of instance 7 in the vendor's console"))
	}
}

// TestWhoIsHaltedIsToldToLookAtOthers: beside RolloutHalted, Ready and Reconciling say that the operator is at work, as R34 has it.
func TestWhoIsHaltedIsToldToLookAtOthers(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const message = "These settings differ and wait, because the latest restarts of the fleet ended badly"
	i := conditioned(v1alpha1.SyncedCondition, v1alpha1.ReasonRolloutHalted)
	i.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.SyncedCondition, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonRolloutHalted, Message: message},
		{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonProgressing, Message: message},
		{Type: v1alpha1.ReconcilingCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonProgressing, Message: message},
	}
	told := Assess(i, time.Now())
	g.Expect(told.Mood).To(Equal(Waits))
	g.Expect(told.Headline).To(HavePrefix("Waiting: these settings differ and wait"))
	g.Expect(told.Steps).To(HaveExactElements(HavePrefix("See which instances ended badly")))
}
