// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// reseller is a desk with a partner account, whose owner key and name are the namespace.
type reseller struct {
	*desk
	account *v1alpha1.PartnerAccount
	// hundred is what the numbers of the instances begin with, next the latest number.
	hundred, next int64
	tokens        map[int64]string
}

// resellers counts them.
var resellers atomic.Int64

// same is a text with what differs from one run to the next replaced.
func (r *reseller) same(text string) string {
	return strings.ReplaceAll(r.desk.same(text), fmt.Sprint(r.hundred), "7107000000")
}

func newReseller(t *testing.T) *reseller {
	t.Helper()
	// No two resellers have an instance of the same number: import looks at the resources of all namespaces.
	hundred := 7107000000 + resellers.Add(1)
	r := &reseller{desk: newDesk(t), hundred: hundred, next: 100 * hundred, tokens: map[int64]string{}}
	const token = "gac.canary0partner0token0123456789"
	r.secrets.Add(token)
	r.vendor.AddAccount(emulator.Account{Name: "reseller", Token: token})
	r.secret("reseller-partner", map[string]string{"partnerToken": token + "\n"})
	r.account = &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: r.ns}, Spec: v1alpha1.PartnerAccountSpec{
		PartnerAPIURL: r.url, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: "reseller-partner"}, Messenger: "whatsapp", OwnerKey: r.ns,
		Limits: v1alpha1.PartnerLimits{MaxInstances: 9, MaxCreatesPerHour: 9}, AllowedNamespaces: &metav1.LabelSelector{}, Mode: v1alpha1.ModeCreateAndDelete,
	}}
	r.Expect(admin.Create(r.ctx, r.account)).To(Succeed())
	t.Cleanup(func() { _ = admin.Delete(r.ctx, r.account) })
	return r
}

// has makes an instance of the account.
func (r *reseller) has(name string, change func(*emulator.Instance)) int64 {
	r.t.Helper()
	r.next++
	token := fmt.Sprintf("canary0of0an0instance0with0%d", r.next)
	r.secrets.Add(token)
	r.tokens[r.next] = token
	made := emulator.Instance{ID: r.next, Token: token, Name: name, Account: "reseller", Messenger: emulator.WhatsApp}
	if change != nil {
		change(&made)
	}
	r.vendor.Add(made)
	return r.next
}

// imports runs the verb for the account.
func (r *reseller) imports(arguments ...string) result {
	r.t.Helper()
	return r.desk.imports(append([]string{"--partner", r.account.Name, "--operator-namespace", r.ns}, arguments...)...)
}

// objectsOf are the manifests of an output.
func (r *reseller) objectsOf(text string) []*unstructured.Unstructured {
	r.t.Helper()
	var objects []*unstructured.Unstructured
	for document := range strings.SplitSeq(text, "\n---\n") {
		object := &unstructured.Unstructured{}
		r.Expect(yaml.Unmarshal([]byte(document), &object.Object)).To(Succeed())
		objects = append(objects, object)
	}
	return objects
}

// TestImportOfAPartnerAccount: a claim and a resource for each instance that nobody claims, and nothing that is secret. What the account
// has to allow is said beside.
func TestImportOfAPartnerAccount(t *testing.T) {
	t.Parallel()
	r := newReseller(t)
	r.secrets.Add("canary-webhook-token-at-the-vendor")
	r.has(r.ns+"/"+r.ns+"/support-line", func(i *emulator.Instance) {
		i.Settings = map[string]any{"webhookUrl": "https://shop.example/hooks", "webhookUrlToken": "canary-webhook-token-at-the-vendor", "incomingWebhook": "yes", "delaySendMessagesMilliseconds": 1000}
	})
	r.has("Support VIP", nil)
	r.has("Поддержка", nil)
	r.has("Support VIP ", nil)
	r.has("claimed", nil)
	r.has("Twice", nil)
	r.has("Twice", nil)
	r.has("A bot", func(i *emulator.Instance) { i.Messenger = emulator.Telegram })
	there := r.has("Of a resource", nil)
	allowed := r.has("Allowed", nil)
	r.account.Spec.Adoptions = []v1alpha1.PartnerAdoption{{InstanceName: "Allowed", Namespace: r.ns}}
	r.Expect(admin.Update(r.ctx, r.account)).To(Succeed())
	r.Expect(admin.Create(r.ctx, &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: r.ns, Name: "support-vip"}, Spec: v1alpha1.InstanceClaimSpec{
		AccountRef: v1alpha1.AccountReference{Name: r.account.Name}, InstanceName: "claimed",
	}})).To(Succeed())
	line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: r.ns, Name: "elder"}}
	line.Spec.IDInstance, line.Spec.APITokenSecretRef.Name = there, "some"
	r.Expect(admin.Create(r.ctx, line)).To(Succeed())

	made := r.imports()
	r.Expect(made.code).To(Equal(exitFailed), "some could not be imported")
	golden(t, "import-partner", r.same(made.out)+"\n=== standard error\n"+r.same(made.err))
	r.Expect(r.vendor.Ledger()).To(BeEmpty())
	r.Expect(made.out).To(And(ContainSubstring("instanceName: Allowed"), Not(ContainSubstring("Secret\n"))))

	unclaimed := r.imports("--all-unclaimed")
	r.Expect(unclaimed.err).To(Equal("1 of 1 instances imported\n"))
	r.Expect(unclaimed.code).To(Equal(exitDone))
	named := r.imports(fmt.Sprint(allowed), "Поддержка", "no such", "claimed")
	r.Expect(named.code).To(Equal(exitFailed))
	r.Expect(named.err).To(And(ContainSubstring(`has no living instance that is called "no such"`), ContainSubstring("InstanceClaim "+r.ns+"/support-vip claims it already"), HaveSuffix("2 of 4 instances imported\n")))
	var names []string
	for _, object := range r.objectsOf(named.out) {
		names = append(names, r.same(object.GetKind()+" "+object.GetName()))
	}
	r.Expect(names).To(Equal([]string{"InstanceClaim line-710700000003", "WhatsAppInstance line-710700000003", "InstanceClaim allowed", "WhatsAppInstance allowed"}))
	for id := range r.tokens {
		r.Expect(r.vendor.Calls(id, "setSettings")).To(BeEmpty())
	}
}

// TestTheFirstApplyOfAPartnerImportBuysAndChangesNothing: each claim means an instance that is there, and what the operator finds of each is
// as the manifest says.
func TestTheFirstApplyOfAPartnerImportBuysAndChangesNothing(t *testing.T) {
	t.Parallel()
	r, folder := newReseller(t), t.TempDir()
	want := map[string]int64{}
	for number, settings := range []map[string]any{nil, {"incomingWebhook": "yes", "futureSetting": "x"}, {"delaySendMessagesMilliseconds": "5000", "webhookUrl": "https://Shop.example:443?a=b", "webhookUrlToken": "short"}} {
		for _, name := range []string{fmt.Sprintf("%s/%s/line-%d", r.ns, r.ns, number), fmt.Sprintf("Магазин %d", number)} {
			want[name] = r.has(name, func(i *emulator.Instance) { i.Settings = settings })
		}
	}
	made := r.imports("-o", folder)
	r.Expect(made.code).To(Equal(exitDone), made.err)
	r.Expect(made.err).To(HaveSuffix("6 of 6 instances imported\n"))
	files, err := filepath.Glob(filepath.Join(folder, r.ns, "*.yaml"))
	r.Expect(err).NotTo(HaveOccurred())
	r.Expect(files).To(HaveLen(6))
	for _, file := range files {
		r.searchFile(file)
	}
	r.apply(filepath.Join(folder, r.ns))
	claims := &v1alpha1.InstanceClaimList{}
	r.Expect(admin.List(r.ctx, claims, client.InNamespace(r.ns))).To(Succeed())
	r.Expect(claims.Items).To(HaveLen(6))
	for i := range claims.Items {
		claim := &claims.Items[i]
		id, there := want[claim.InstanceName(r.ns)]
		r.Expect(there).To(BeTrue(), "%s would buy %q", claim.Name, claim.InstanceName(r.ns))
		r.Expect(claim.Spec).To(Equal(v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: r.account.Name}, InstanceName: claim.Spec.InstanceName}), "nothing is deleted with it")
		// What the operator makes of it.
		r.secret(claim.SecretName(), map[string]string{"apiTokenInstance": r.tokens[id]})
		claim.Status.IDInstance, claim.Status.APIURL = id, r.url
		claim.Status.Conditions = []metav1.Condition{{Type: v1alpha1.CreatedCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: metav1.Now()}}
		r.Expect(admin.Status().Update(r.ctx, claim)).To(Succeed())
	}
	r.operate()
	for i := range claims.Items {
		id, name := claims.Items[i].Status.IDInstance, claims.Items[i].Name
		r.Eventually(func(g Gomega) {
			status := r.statusOf(g, name)
			g.Expect(status.Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ReadyCondition), HaveField("Status", metav1.ConditionTrue))), name)
			g.Expect(len(r.vendor.Calls(id, "getSettings"))).To(BeNumerically(">=", 4), name)
		}, patience).Should(Succeed())
		r.Expect(r.vendor.Calls(id, "setSettings")).To(BeEmpty(), name)
		r.Expect(r.vendor.Restarts(id)).To(BeZero(), name)
	}
	r.Expect(r.vendor.Ledger()).To(BeEmpty())
	again := r.imports()
	r.Expect(again).To(Equal(result{err: "note: every living instance has a claim, or there is none\n"}))
}

// TestFailuresOfAPartnerImport: each says what is wrong and what to do, and nothing is written.
func TestFailuresOfAPartnerImport(t *testing.T) {
	t.Parallel()
	r := newReseller(t)
	r.has("Support VIP", nil)
	for arguments, want := range map[string]string{
		"--partner nobody":                          "error: PartnerAccount nobody is not there\n  List what there is: kubectl get gpa\n",
		"--partner NS --id 7":                       "error: --partner goes with none of -f, --id, --api-url, --secret, --name, --kind, --create-secret and --token-file\n  Give --partner alone, and perhaps names of instances\n",
		"--partner NS --kind wai":                   "error: --partner goes with none of",
		"--partner NS --all-unclaimed x":            "error: --all-unclaimed takes no names\n",
		"--all-unclaimed":                           "error: Names, --all-unclaimed and --operator-namespace are for --partner only\n",
		"support-line":                              "error: Names, --all-unclaimed and --operator-namespace are for --partner only\n",
		"--partner NS --operator-namespace default": "error: PartnerAccount NS: Secret default/reseller-partner is not there\n  Create it there, or name the operator's namespace by --operator-namespace\n",
	} {
		got := r.desk.imports(strings.Fields(strings.ReplaceAll(arguments, "NS", r.ns))...)
		r.Expect(got.code).To(Equal(exitFailed), arguments)
		r.Expect(got.out).To(BeEmpty(), arguments)
		r.Expect(strings.ReplaceAll(got.err, r.ns, "NS")).To(HavePrefix(want), arguments)
	}
	expect := func(want string) {
		t.Helper()
		got := r.imports()
		r.Expect(got.out).To(BeEmpty())
		r.Expect(got.code).To(Equal(exitFailed))
		r.Expect(strings.ReplaceAll(r.same(got.err), "NAMESPACE", "NS")).To(ContainSubstring(want))
	}
	r.vendor.Fault(emulator.Fault{Method: "getSettings", Status: 401})
	expect("error: Instance 710700000001 (\"Support VIP\"): the vendor refuses the API token (401)\n")
	r.vendor.Fault(emulator.Fault{Method: "getInstances", Answer: emulator.AnswerCodeInBody})
	expect("error: PartnerAccount NS: the vendor refuses the API token (401)\n  Copy apiTokenInstance from the vendor's console into the Secret of its partner token\n")
	r.account.Status.KnownIDs = []int64{710700000099}
	r.Expect(admin.Status().Update(r.ctx, r.account)).To(Succeed())
	expect("error: PartnerAccount NS: the list has none of the instances that this account had before\n")
	elsewhere := r.desk.kubectl("import", "--insecure-api", "--allowed-api-hosts=api.example", "--partner", r.account.Name, "--operator-namespace", r.ns)
	r.Expect(elsewhere.err).To(ContainSubstring("Correct its spec.partnerApiUrl, or allow the host by --allowed-api-hosts"))
	r.Expect(r.vendor.Calls(0, "getInstances")).To(HaveLen(3), "no token goes to a host that is not allowed")
}

// TestTheNamespaceOfTheOperatorIsFound by the Deployments of managers, if they are in one.
func TestTheNamespaceOfTheOperatorIsFound(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	manager := func(namespace, name string) *appsv1.Deployment {
		return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/name": "greenapi-operator"}}}
	}
	for want, there := range map[string][]client.Object{
		"":    {},
		"ops": {manager("ops", "a"), manager("ops", "b"), &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "c"}}},
		"-":   {manager("ops", "a"), manager("other", "b")},
	} {
		cluster := fake.NewClientBuilder().WithScheme(newScheme()).WithObjects(there...).Build()
		found, err := (&partnerImport{importer: &importer{cluster: cluster}}).operatorNamespace(t.Context())
		if want == "ops" {
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(found).To(Equal("ops"))
			continue
		}
		g.Expect(err).To(MatchError(ContainSubstring("Name it by --operator-namespace")))
	}
	given, err := (&partnerImport{importer: &importer{operatorNamespace: "mine"}}).operatorNamespace(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(given).To(Equal("mine"))
}
