// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/installation"
)

// TestPartnerAccountsOfTheChart: the rights and the flag are those of config/partner, and without the value nobody has them.
func TestPartnerAccountsOfTheChart(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	chart, kustomized := template(t, "--set", "partnerAccounts.enabled=true"), installation.Render(t, "../config/partner")
	g.Expect(chart.Deployment(t).Spec.Template.Spec.Containers[0].Args).To(Equal(kustomized.Deployment(t).Spec.Template.Spec.Containers[0].Args))
	g.Expect(chart.Deployment(t).Spec.Template.Spec.Containers[0].Env).To(Equal(kustomized.Deployment(t).Spec.Template.Spec.Containers[0].Env))
	partnerRights := func(objects installation.Objects) []installation.Right {
		return slices.DeleteFunc(objects.Rights(t), func(r installation.Right) bool { return !strings.HasPrefix(r.Resource, "partneraccounts") })
	}
	g.Expect(partnerRights(kustomized)).To(HaveLen(4), "get, list and watch, and the status")
	for _, name := range []string{"partner-role", "partner-secrets-role"} {
		find := func(objects installation.Objects) any {
			for _, object := range of(objects, "ClusterRole", "Role") {
				if strings.HasSuffix(object.GetName(), name) {
					return object.Object["rules"]
				}
			}
			return nil
		}
		g.Expect(find(chart)).NotTo(BeNil(), name)
		g.Expect(find(chart)).To(Equal(find(kustomized)), name)
		g.Expect(find(template(t))).To(BeNil(), name)
		g.Expect(find(installation.Render(t, "../config/default"))).To(BeNil(), name)
	}
	g.Expect(partnerRights(template(t))).To(BeEmpty())
	g.Expect(partnerRights(installation.Render(t, "../config/default"))).To(BeEmpty())
	expectRefused(t, "partnerAccounts.enabled=true,manager.shardRing=greenapi", "every shard would look after every account")
}
