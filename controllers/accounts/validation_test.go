// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

const goodSpec = `partnerApiUrl: https://api.green-api.com
partnerTokenSecretRef: {name: reseller-partner}
messenger: whatsapp
ownerKey: prod-eu
limits: {maxInstances: 200, maxCreatesPerHour: 10}
`

func create(t *testing.T, spec string) error {
	t.Helper()
	needControlPlane(t)
	object := &unstructured.Unstructured{}
	text := "apiVersion: messaging.greenapi-operator.dev/v1alpha1\nkind: PartnerAccount\nmetadata: {generateName: validation-}\nspec:\n  " + strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ")
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	err := admin.Create(t.Context(), object, client.FieldValidation("Strict"))
	if err == nil {
		t.Cleanup(func() { _ = admin.Delete(t.Context(), object) })
	}
	return err
}

func TestTheSchemaSaysWhatToWrite(t *testing.T) {
	g := NewWithT(t)
	var many strings.Builder
	for i := range 513 {
		fmt.Fprintf(&many, "{instanceName: line %d, namespace: shop},", i)
	}
	for change, want := range map[string]string{
		"": "",
		goodSpec + "adoptions: [{instanceName: Support VIP, namespace: shop}, {instanceName: Support VIP, namespace: other}]\nmode: CreateAndDelete\nallowedNamespaces: {}": "",
		strings.Replace(goodSpec, "limits: {maxInstances: 200, maxCreatesPerHour: 10}", "", 1):                                                                              "spec.limits: Required value",
		strings.Replace(goodSpec, ", maxCreatesPerHour: 10", "", 1):                                                                                                         "spec.limits.maxCreatesPerHour: Required value",
		strings.Replace(goodSpec, "maxInstances: 200, ", "", 1):                                                                                                             "spec.limits.maxInstances: Required value",
		strings.Replace(goodSpec, "maxInstances: 200", "maxInstances: 0", 1):                                                                                                "should be greater than or equal to 1",
		strings.Replace(goodSpec, "messenger: whatsapp", "messenger: max", 1):                                                                                               `supported values: "whatsapp", "v3", "telegram"`,
		strings.Replace(goodSpec, "messenger: whatsapp", "", 1):                                                                                                             "spec.messenger: Required value",
		strings.Replace(goodSpec, "ownerKey: prod-eu", "ownerKey: Prod EU", 1):                                                                                              "must be 1 to 32 small letters, digits and hyphens, no hyphen at either end, such as prod-eu",
		strings.Replace(goodSpec, "ownerKey: prod-eu", "ownerKey: prod-", 1):                                                                                                "no hyphen at either end",
		strings.Replace(goodSpec, "api.green-api.com", "api.green-api.com/partner", 1):                                                                                      "must be an origin such as https://api.green-api.com: no path (leave out /partner and /v3)",
		strings.Replace(goodSpec, "api.green-api.com", "api.green-api.com:0", 1):                                                                                            "must name a port from 1 to 65535",
		strings.Replace(goodSpec, "https://api.green-api.com", "https://-api.green-api.com", 1):                                                                             "must be an origin such as",
		strings.Replace(goodSpec, "{name: reseller-partner}", "{name: reseller-partner, namespace: shop}", 1):                                                               "unknown field",
		goodSpec + "mode: Buy": `supported values: "Observe", "Create", "CreateAndDelete"`,
		goodSpec + "adoptions: [{instanceName: a, namespace: Shop}]":                          "must be the name of a namespace, such as shop",
		goodSpec + "adoptions: [" + many.String() + "]":                                       "must have at most 512 items",
		goodSpec + "adoptions: [{instanceName: a}]":                                           "namespace: Required value",
		strings.Replace(goodSpec, "partnerTokenSecretRef: {name: reseller-partner}\n", "", 1): "spec.partnerTokenSecretRef: Required value",
	} {
		if change == "" {
			change = goodSpec
		}
		err := create(t, change)
		if want == "" {
			g.Expect(err).NotTo(HaveOccurred(), change)
			continue
		}
		g.Expect(err).To(MatchError(ContainSubstring(want)), change)
	}
}

func TestTheOwnerKeyIsImmutable(t *testing.T) {
	s := newStory(t)
	s.account(nil)
	account := s.get()
	account.Spec.OwnerKey = "prod-us"
	s.Expect(admin.Update(s.ctx, account)).To(MatchError(ContainSubstring("is immutable: what was bought is found by it")))
	account = s.get()
	account.Spec.Limits.MaxInstances, account.Spec.Mode = 7, v1alpha1.ModeCreate
	s.Expect(admin.Update(s.ctx, account)).To(Succeed())
}
