// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestNamesOfClaims: each is valid, and where it says so the claim means the instance without naming it.
func TestNamesOfClaims(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 70)
	for name, want := range map[string]struct {
		claim        string
		usual, owned bool
	}{
		"prod-eu/shop/support-line":         {"shop/support-line", true, true},
		"prod-eu/shop/Support VIP":          {"shop/support-vip", false, true},
		"prod-eu/shop/a/b":                  {"shop/a-b", false, true},
		"prod-eu/shop/" + long:              {"shop/" + long[:63], false, true},
		"prod-eu/shop/Поддержка":            {"shop/line-7", false, true},
		"prod-eu/shop/":                     {"here/prod-eu-shop", false, false},
		"prod-eu/Shop/line":                 {"here/prod-eu-shop-line", false, false},
		"prod-eu/line":                      {"here/prod-eu-line", false, false},
		"prod-us/shop/line":                 {"here/prod-us-shop-line", false, false},
		"Instance 710700000001":             {"here/instance-710700000001", false, false},
		"Support VIP (new!)":                {"here/support-vip-new", false, false},
		"Магазин 12":                        {"here/line-7", false, false},
		"supporté":                          {"here/line-7", false, false},
		"--":                                {"here/line-7", false, false},
		"🤖":                                 {"here/line-7", false, false},
		strings.Repeat("b", 62) + "-- tail": {"here/" + strings.Repeat("b", 62), false, false},
	} {
		g := NewWithT(t)
		place := placeFor("prod-eu", "here", name, 7)
		g.Expect(place.String()).To(Equal(want.claim), name)
		g.Expect([]bool{place.usual, place.owned}).To(Equal([]bool{want.usual, want.owned}), name)
		g.Expect(validation.IsDNS1123Label(place.Name)).To(BeEmpty(), name)
		claim := &v1alpha1.InstanceClaim{}
		claim.Namespace, claim.Name = place.Namespace, place.Name
		g.Expect(claim.InstanceName("prod-eu") == name).To(Equal(place.usual), "%s: a claim that names no instance means this one", name)
	}
}

// TestNamesOfClaimsDiffer: the number sets a second one apart, and then the claim has to name its instance.
func TestNamesOfClaimsDiffer(t *testing.T) {
	t.Parallel()
	g, taken := NewWithT(t), map[types.NamespacedName]bool{}
	long := strings.Repeat("a", 80)
	for _, test := range []struct{ name, want string }{
		{"prod-eu/shop/line", "line"}, {"prod-eu/shop/LINE", "line-5"}, {"prod-eu/shop/Line ", "line-5-x"},
		{"prod-eu/shop/" + long, long[:63]}, {"prod-eu/shop/" + long + "b", long[:61] + "-5"},
	} {
		place := placeFor("prod-eu", "here", test.name, 5)
		place.apart(taken, 5)
		g.Expect(place.Name).To(Equal(test.want), test.name)
		g.Expect(validation.IsDNS1123Label(place.Name)).To(BeEmpty())
		g.Expect(place.usual).To(Equal(test.name == "prod-eu/shop/line"), test.name)
	}
	other := placeFor("prod-eu", "here", "prod-eu/office/line", 5)
	other.apart(taken, 5)
	g.Expect(other.String()).To(Equal("office/line"), "names are of a namespace")
}

func TestWhichNamesAClaimMayHave(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"": false, " a": false, "a ": false, "a\tb": false, "a\u0085b": false, "Поддержка": true, "a  b": true,
		strings.Repeat("я", 256): true, strings.Repeat("я", 257): false,
	} {
		NewWithT(t).Expect(claimable(name)).To(Equal(want), "%q", name)
	}
}
