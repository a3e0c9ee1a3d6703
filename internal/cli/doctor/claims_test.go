// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// seller is a healthy manager that looks after partner accounts, in the namespace system.
func seller() []client.Object {
	objects := healthy()
	if manager, ok := objects[0].(*appsv1.Deployment); ok {
		manager.Spec.Template.Spec.Containers = []corev1.Container{{Name: "manager", Args: []string{"--partner-accounts"}}}
	}
	return objects
}

// sales examines objects of which some are claims and accounts.
func sales(t *testing.T, objects []client.Object, resources ...v1alpha1.Instance) map[string]Check {
	t.Helper()
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	request := requestFor(nil, everywhere, resources...)
	request.Cluster = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
	report, err := Examine(t.Context(), request)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	checks := map[string]Check{}
	for _, check := range report.Checks {
		checks[check.Name] = check
	}
	return checks
}

func stalledClaim(namespace, name, reason string) *v1alpha1.InstanceClaim {
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(today)}, Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: "reseller"}}}
	claim.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionFalse, Reason: reason, Message: "It is so"},
		{Type: v1alpha1.StalledCondition, Status: metav1.ConditionTrue, Reason: reason, Message: "It is so"},
	}
	return claim
}

func partnerAccount(selector *metav1.LabelSelector) *v1alpha1.PartnerAccount {
	account := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: "reseller", CreationTimestamp: metav1.NewTime(today)}}
	account.Spec.PartnerTokenSecretRef.Name, account.Spec.AllowedNamespaces = "partner", selector
	return account
}

// TestWithoutClaimsNothingIsSaidOfThem: whoever does not use them sees no line about them.
func TestWithoutClaimsNothingIsSaidOfThem(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	one, token := line("shop", "one", 1)
	for _, objects := range [][]client.Object{append(healthy(), token), append(seller(), token)} {
		checks := sales(t, objects, one)
		g.Expect(checks).To(HaveLen(9))
		for _, name := range []string{"Partner", "Accounts", "Claims"} {
			g.Expect(checks).NotTo(HaveKey(name))
		}
	}
	one.Spec.IDInstance, one.Spec.ClaimRef = 0, &v1alpha1.ClaimReference{Name: "nowhere"}
	checks := sales(t, append(seller(), token), one)
	g.Expect(checks["Claims"].Details[0]).To(Equal("WhatsAppInstance shop/one names InstanceClaim nowhere, which is not there"))
	request := requestFor(seller(), everywhere, one)
	report, err := Examine(t.Context(), request)
	g.Expect(err).NotTo(HaveOccurred())
	last := report.Checks[len(report.Checks)-1]
	g.Expect(last.Message).To(Equal("not looked at: the CRD of instanceclaims is not installed"))
}

// TestSeveralClaimsOfOneReasonAreOneLine, with words in place of names.
func TestSeveralClaimsOfOneReasonAreOneLine(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := append(seller(), partnerAccount(&metav1.LabelSelector{}), stalledClaim("shop", "one", v1alpha1.ReasonOutcomeUnknown), stalledClaim("office", "two", v1alpha1.ReasonOutcomeUnknown))
	claims := sales(t, objects)["Claims"]
	g.Expect(claims.Verdict).To(Equal(Problem))
	g.Expect(claims.Details).To(HaveExactElements("OutcomeUnknown (2): gic office/two, gic shop/one", "  It is so.",
		And(HavePrefix("  Look for the name"), ContainSubstring("kubectl annotate instanceclaim NAME -n NAMESPACE --overwrite "))))
}

// TestWhichLabelLetsANamespaceHaveClaims: where one will do it is named.
func TestWhichLabelLetsANamespaceHaveClaims(t *testing.T) {
	t.Parallel()
	for want, selector := range map[string]*metav1.LabelSelector{
		"  Have those who run the operator label it: kubectl label namespace shop claims=yes team=shop":         {MatchLabels: map[string]string{"team": "shop", "claims": "yes"}},
		"  Have those who run the operator select it in spec.allowedNamespaces of the account; {} selects all":  nil,
		"  Have those who run the operator select it in spec.allowedNamespaces of the account; {} selects all ": {MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: metav1.LabelSelectorOpExists}}},
		"": {},
	} {
		g := NewWithT(t)
		waits := stalledClaim("shop", "one", v1alpha1.ReasonNamespaceNotAllowed)
		waits.Status.Conditions = waits.Status.Conditions[:1]
		claims := sales(t, append(seller(), partnerAccount(selector), waits, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}))["Claims"]
		if want == "" {
			g.Expect(claims.Verdict).To(Equal(OK))
			continue
		}
		g.Expect(claims.Details).To(Equal([]string{"PartnerAccount reseller lets no claims of namespace shop", strings.TrimRight(want, " ")}))
		// One that has its instance keeps it.
		waits.Status.IDInstance = 1
		claims = sales(t, append(seller(), partnerAccount(selector), waits, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}))["Claims"]
		g.Expect(claims.Verdict).To(Equal(OK))
	}
}

// TestAClaimThatHasItsInstanceMayStay, also where another claim of its namespace has none yet.
func TestAClaimThatHasItsInstanceMayStay(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	holder, waits := stalledClaim("shop", "one", ""), stalledClaim("shop", "two", "")
	holder.Status.IDInstance, waits.Spec.AccountRef.Name = 1, "other"
	holder.Status.Conditions, waits.Status.Conditions = holder.Status.Conditions[:1], waits.Status.Conditions[:1]
	other := partnerAccount(&metav1.LabelSelector{})
	other.Name = "other"
	claims := sales(t, append(seller(), partnerAccount(nil), other, holder, waits, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}))["Claims"]
	g.Expect(claims.Details).To(BeEmpty())
}

// TestTheRightsOfThePartnerRolesAreAskedFor: each of them, and no other.
func TestTheRightsOfThePartnerRolesAreAskedFor(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var want, asked []string
	for _, name := range []string{"partner_role", "partner_claims_role", "partner_secrets_role"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "config", "rbac", "partner", name+".yaml"))
		g.Expect(err).NotTo(HaveOccurred())
		role, namespace := &rbacv1.ClusterRole{}, map[bool]string{true: "shop"}[name == "partner_claims_role"]
		if name == "partner_secrets_role" {
			namespace = "system"
		}
		g.Expect(yaml.Unmarshal(text, role)).To(Succeed())
		for _, rule := range role.Rules {
			for _, verb := range rule.Verbs {
				want = append(want, strings.Join([]string{rule.APIGroups[0], namespace, rule.Resources[0], verb}, " "))
			}
		}
	}
	for _, right := range partnerRights("system", []string{"shop"}) {
		asked = append(asked, strings.Join([]string{right.Group, right.Namespace, strings.TrimSuffix(right.Resource+"/"+right.Subresource, "/"), right.Verb}, " "))
	}
	g.Expect(asked).To(ConsistOf(want))
}

// TestWhatIsWrongWithAPartnersToken is said, and the token is not.
func TestWhatIsWrongWithAPartnersToken(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for value, want := range map[string]string{
		"not a token": "key partnerToken of Secret system/partner holds no partner token. Copy it from the profile in the vendor's console",
		"":            "Secret system/partner has no key partnerToken. Add it, or name another key in spec.partnerTokenSecretRef",
		"gac.good":    "",
	} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "partner"}, Data: map[string][]byte{}}
		if value != "" {
			secret.Data["partnerToken"] = []byte(value + "\n")
		}
		accounts := sales(t, append(seller(), partnerAccount(nil), secret))["Accounts"]
		if want == "" {
			g.Expect(accounts.Verdict).To(Equal(OK), "%v", accounts)
			continue
		}
		g.Expect(accounts.Details).To(Equal([]string{"PartnerAccount reseller: " + want}))
	}
}

// TestAManagerThatIsNotSeenMayLookAfterClaims: nobody is accused who may be there.
func TestAManagerThatIsNotSeenMayLookAfterClaims(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	unseen := partnerAccount(nil)
	unseen.CreationTimestamp = metav1.NewTime(today.Add(-time.Hour))
	g.Expect(sales(t, append(healthy(), unseen))["Partner"].Verdict).To(Equal(Problem))
	foreign := healthy()[1]
	foreign.SetNamespace("elsewhere")
	perhaps := sales(t, append(healthy(), unseen, foreign))["Partner"]
	g.Expect(perhaps.Verdict).To(Equal(Warning))
	g.Expect(perhaps.Details[0]).To(HaveSuffix("has it, all is well. Else:"))
	g.Expect(sales(t, []client.Object{unseen})["Partner"].Verdict).To(Equal(Skipped))
	accounts := sales(t, append(healthy(), unseen))["Accounts"]
	g.Expect(accounts.Details).To(HaveExactElements("PartnerAccount reseller: nobody looks after it.", HavePrefix("  Wait a minute for the operator to look.")))
}
