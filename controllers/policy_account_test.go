// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestR36TheSamplePolicyOfAccountDetails: in namespaces with the label every instance shows nothing of its account, and in others each
// shows what its spec says.
func TestR36TheSamplePolicyOfAccountDetails(t *testing.T) {
	t.Parallel()
	shows := func(details v1alpha1.AccountDetails) map[string]any {
		return map[string]any{"accountDetails": string(details)}
	}
	p := policy(t, "account-details-none.yaml", nil, nil)
	const refusal = "spec.accountDetails: must be None in the namespace "
	p.judge(nil, refusal+p.namespace+", which has the label messaging.greenapi-operator.dev/account-details=None, and not unset")
	p.judge(shows(v1alpha1.AccountFull), refusal+p.namespace)
	p.judge(shows(v1alpha1.AccountMasked), "and not Masked")
	p.judge(shows(v1alpha1.AccountNone), "")
	// What was there before the policy has no details of its own.
	p.expectAnswer(p.update(nil), "", "a label of what was there already")
	p.expectAnswer(p.update(map[string]any{"paused": true}), "", "pausing what was there already")
	p.expectAnswer(p.update(shows(v1alpha1.AccountMasked)), refusal, "showing a part")
	p.expectAnswer(p.update(shows(v1alpha1.AccountNone)), "", "showing nothing")

	free := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "policed-"}}
	p.Expect(admin.Create(t.Context(), free)).To(Succeed())
	p.namespace = free.Name
	p.judge(nil, "")
	p.judge(shows(v1alpha1.AccountFull), "")
}
