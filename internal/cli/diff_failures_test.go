// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

func keyOf(object client.Object) client.ObjectKey { return client.ObjectKeyFromObject(object) }

// mayRead is the right to read instances, mayReadSecrets the one to read Secrets too.
var (
	mayRead        = rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"get", "list"}}
	mayReadSecrets = rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}}
)

func TestDiffShowsAllOthersWhenSomeFail(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("a-fine", 1, wishIncoming)
	d.vendor.RotateToken(d.line("b-token", 2, nil).Spec.IDInstance, "another-token-of-the-vendor")
	d.vendor.Remove(d.line("c-gone", 3, nil).Spec.IDInstance)
	d.line("d-secret", 4, func(i *v1alpha1.WhatsAppInstance) { i.Spec.APITokenSecretRef.Name = "no-such-secret" })
	d.line("e-host", 5, func(i *v1alpha1.WhatsAppInstance) { i.Spec.APIURL = "https://evil.example" })
	d.vendor.Update(d.line("f-telegram", 6, nil).Spec.IDInstance, func(i *emulator.Instance) { i.Settings["typeInstance"] = "telegram" })
	d.vendor.Update(d.line("g-expired", 7, nil).Spec.IDInstance, func(i *emulator.Instance) { i.Expired = true })
	d.vendor.Fault(emulator.Fault{ID: d.line("h-broken", 8, nil).Spec.IDInstance, Status: 502, Times: -1})
	d.vendor.Fault(emulator.Fault{ID: d.line("i-dropped", 9, nil).Spec.IDInstance, Drop: true, Times: -1})
	d.vendor.Edit(d.line("j-odd", 10, wishIncoming).Spec.IDInstance, map[string]any{"incomingWebhook": 1})
	d.line("k-fine", 11, wishIncoming)
	shown := d.diff()
	d.Expect(shown.code).To(Equal(exitFailed))
	d.Expect(shown.out).To(And(ContainSubstring("/a-fine"), ContainSubstring("/k-fine")))
	golden(t, "diff-failures", d.same(shown.err))
	asJSON, r := d.items()
	d.Expect(r.code).To(Equal(exitFailed))
	d.Expect(asJSON["b-token"].Error.Message).To(ContainSubstring("refuses the API token"))
	d.Expect(asJSON["b-token"].Error.Next).To(ContainSubstring(`key "apiTokenInstance" of Secret "b-token-token"`))
	d.Expect(asJSON["k-fine"].Differs).To(BeTrue())
}

func TestDiffNeedsTheRightToReadTheSecret(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("support-line", 1, wishIncoming)
	d.asUser("viewer", mayRead)
	shown := d.diff("support-line")
	d.Expect(shown.code).To(Equal(exitFailed))
	d.Expect(shown.out).To(BeEmpty())
	d.Expect(shown.err).To(And(ContainSubstring("WhatsAppInstance "+d.ns+"/support-line, Secret support-line-token: you may not do this"), ContainSubstring(`cannot get resource "secrets"`)))
	d.asUser("operator", mayRead, mayReadSecrets)
	d.Expect(d.diff("support-line").code).To(Equal(exitNo))
}

func TestDiffWaitsWhereTheVendorLimitsTheRate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support-line", 1, wishIncoming)
	d.vendor.Fault(emulator.Fault{ID: line.Spec.IDInstance, Method: "getSettings", Status: 429, Times: 2})
	d.Expect(d.diff("support-line").code).To(Equal(exitNo))

	d.vendor.Fault(emulator.Fault{ID: line.Spec.IDInstance, Method: "getSettings", Status: 429, Times: -1})
	clock, finished, refused := clocktesting.NewFakeClock(time.Now()), make(chan result, 1), result{}
	go func() { finished <- d.run(clock, append([]string{"diff", "support-line"}, toTheEmulator...)...) }()
	d.Eventually(func() bool {
		if clock.HasWaiters() {
			clock.Step(2 * time.Second)
		}
		select {
		case refused = <-finished:
			return true
		default:
			return false
		}
	}, patience).Should(BeTrue())
	d.Expect(refused.code).To(Equal(exitFailed))
	d.Expect(refused.err).To(ContainSubstring("refuses more than one call a second (429)"))
}

func TestDiffRefusesWhatDoesNotGoTogether(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, c := range []struct {
		arguments []string
		says      string
	}{
		{[]string{"-o", "wide"}, `There is no output format "wide"`},
		{[]string{"support-line", "-f", "x.yaml"}, "-f goes with neither names"},
		{[]string{"-A", "-f", "x.yaml"}, "-f goes with neither names"},
		{[]string{"-R"}, "-R goes with -f only"},
		{[]string{"-f", "no-such-file.yaml"}, "There is no file no-such-file.yaml"},
		{[]string{"no-such-line"}, "There is no instance no-such-line"},
	} {
		refused := d.diff(c.arguments...)
		d.Expect(refused.code).To(Equal(exitFailed), c.says)
		d.Expect(refused.err).To(And(HavePrefix("error: "), ContainSubstring(c.says), ContainSubstring("\n  ")))
	}
	nothing := d.diff()
	d.Expect(nothing).To(Equal(result{err: "No instances found in namespace " + d.ns + "\n"}))
}
