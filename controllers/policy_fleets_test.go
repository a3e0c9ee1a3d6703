// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// heldFleetLabel is the one that the sample holds.
const heldFleetLabel = "messaging.greenapi-operator.dev/fleet"

// TestSamplePolicyOfFleets: the fleets of lines are those that an annotation of the namespace lists, so that nobody slows down
// somebody else's.
func TestSamplePolicyOfFleets(t *testing.T) {
	t.Parallel()
	in := func(fleet string) map[string]any {
		return map[string]any{"labels": map[string]string{heldFleetLabel: fleet, "team": "any"}}
	}
	p := policy(t, "allowed-fleets.yaml", map[string]string{"messaging.greenapi-operator.dev/allowed-fleets": " shops,, shops-canary "}, in("banks"))
	p.judge(nil, "")
	p.judge(map[string]any{"labels": map[string]string{"team": "any"}}, "")
	for fleet, want := range map[string]string{
		"shops":        "",
		"shops-canary": "",
		"banks":        `the fleet "banks" is not allowed in the namespace ` + p.namespace + `; allowed are: shops, shops-canary. Who may edit the namespace`,
		"Shops":        `the fleet "Shops" is not allowed`,
		"shops-":       "Invalid value",
		"":             `the fleet "" is not allowed`,
	} {
		p.judge(in(fleet), want)
	}
	// What was there before the policy is in the fleet banks.
	move := func(labels map[string]string) error {
		object := p.instance(instance.Kinds[0].Name, "old", nil)
		p.Expect(admin.Get(t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed())
		object.SetLabels(labels)
		return admin.Update(t.Context(), object, client.DryRunAll)
	}
	p.expectAnswer(p.update(map[string]any{"paused": true}), "", "pausing what was there already")
	p.expectAnswer(move(map[string]string{heldFleetLabel: "banks", "touched": "yes"}), "", "another label of what was there already")
	p.expectAnswer(move(nil), "", "taking it out of its fleet")
	p.expectAnswer(move(map[string]string{heldFleetLabel: "shops"}), "", "into one that is allowed")
	p.expectAnswer(move(map[string]string{heldFleetLabel: "insurers"}), `the fleet "insurers" is not allowed`, "into another one")

	// A namespace without a list allows none.
	bare := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "policed-", Labels: map[string]string{"policy": "allowed-fleets"}}}
	p.Expect(admin.Create(t.Context(), bare)).To(Succeed())
	p.namespace = bare.Name
	p.judge(nil, "")
	p.judge(in("shops"), `the fleet "shops" is not allowed in the namespace `+bare.Name+", nor is any other")
}
