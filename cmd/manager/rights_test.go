// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// tenant is a namespace with an instance of each kind, and a manager that has the rights of an installation and no others.
type tenant struct {
	*WithT
	t       *testing.T
	ns      string
	system  string
	vendor  *emulator.Server
	witness *witness
	output  *lockedBuffer
	metrics string
	reader  string
	// values are those of the Secrets.
	values canary.Watch
}

// newTenant installs, populates the namespace, and starts the manager with the arguments of the installation's Deployment.
func newTenant(t *testing.T, objects installation.Objects, ns string, old bool, flags ...string) *tenant {
	t.Helper()
	deployment := objects.Deployment(t)
	s := &tenant{WithT: NewWithT(t), t: t, ns: ns, system: deployment.Namespace, output: &lockedBuffer{}, metrics: freeAddress(t)}
	objects.Apply(t, admin)
	s.vendor = emulator.New(emulator.Options{RestartTime: 200 * time.Millisecond})
	server := httptest.NewServer(s.vendor)
	t.Cleanup(func() { s.vendor.Close(); server.Close() })
	for number, kind := range instance.Kinds {
		id, token := firstID+int64(number), fmt.Sprintf("canary-%s-%d-0123456789", ns, number)
		s.vendor.Add(emulator.Instance{ID: id, Token: token, Messenger: kind.Messenger})
		s.secret(kind.Name, token)
		s.Expect(admin.Create(t.Context(), instanceOf(kind, ns, id))).To(Succeed())
	}
	s.secret("Bystander", "canary-of-nobody-0123456789")
	s.reader = s.newReader(objects)

	s.witness = newWitness(t, objects.Login(t, environment.Config, admin), old)
	executable, err := os.Executable()
	s.Expect(err).NotTo(HaveOccurred())
	arguments := slices.Concat(deployment.Spec.Template.Spec.Containers[0].Args, []string{
		"--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url=" + server.URL,
		"--leader-election-namespace=" + s.system, "--leader-election-retry-period=500ms",
		"--metrics-bind-address=" + s.metrics, "--health-probe-bind-address=0",
		"--api-timeout=3s", "--state-interval=300ms", "--settings-interval=500ms", "--settle-poll=200ms", "--settle-timeout=6s",
		// One correction, and then a drift is somebody's who keeps changing it.
		"--flap-threshold=1",
	}, flags)
	command := exec.CommandContext(t.Context(), executable, arguments...)
	command.Env = append(os.Environ(), beManager+"=1", "KUBECONFIG="+s.witness.kubeconfig)
	command.Stdout, command.Stderr = s.output, s.output
	s.Expect(command.Start()).To(Succeed())
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	return s
}

func secretOf(kind string) string { return strings.ToLower(kind) + "-token" }

func (s *tenant) secret(kind, token string) {
	s.t.Helper()
	s.values.Add(token)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: secretOf(kind)}, StringData: map[string]string{"apiTokenInstance": token}}
	s.Expect(admin.Create(s.t.Context(), secret)).To(Succeed())
}

// instanceOf is an instance that wishes for two settings, with the namespace's name as a label.
func instanceOf(kind instance.Kind, ns string, id int64) v1alpha1.Instance {
	resource := kind.New()
	resource.SetNamespace(ns)
	resource.SetName("line")
	resource.SetLabels(map[string]string{"tenant": ns})
	resource.Core().IDInstance = id
	resource.Core().APITokenSecretRef.Name = secretOf(kind.Name)
	common := v1alpha1.CommonSettings{IncomingWebhook: new(true), OutgoingWebhook: new(true)}
	switch typed := resource.(type) {
	case *v1alpha1.WhatsAppInstance:
		typed.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: common}
	case *v1alpha1.MaxInstance:
		typed.Spec.Settings = &v1alpha1.MaxSettings{CommonSettings: common}
	case *v1alpha1.TelegramInstance:
		typed.Spec.Settings = &v1alpha1.TelegramSettings{CommonSettings: common}
	}
	return resource
}

// newReader makes a ServiceAccount that may read metrics, and returns its token.
func (s *tenant) newReader(objects installation.Objects) string {
	s.t.Helper()
	role := installation.Find[rbacv1.ClusterRole](s.t, objects, "ClusterRole", "metrics-reader")
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "reader"}}
	s.Expect(admin.Create(s.t.Context(), account)).To(Succeed())
	s.Expect(admin.Create(s.t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: s.ns + "-reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: s.ns, Name: account.Name}},
	})).To(Succeed())
	return installation.TokenOf(s.t, admin, account)
}

// deeds are what users do while the manager runs: one scrapes the metrics, and one at the vendor's console keeps switching
// two settings of the first instance off. It returns how the scrape ended.
func (s *tenant) deeds() (code int) {
	resource, off := &v1alpha1.WhatsAppInstance{}, map[string]any{"incomingWebhook": "no", "outgoingWebhook": "no"}
	s.Expect(admin.Get(s.t.Context(), client.ObjectKey{Namespace: s.ns, Name: "line"}, resource)).To(Succeed())
	shown, _ := s.vendor.Get(firstID)
	if apimeta.IsStatusConditionTrue(resource.Status.Conditions, v1alpha1.SyncedCondition) && shown.Settings["incomingWebhook"] == "yes" {
		s.vendor.Edit(firstID, off)
	}
	code, _ = scrape(s.t, "https://"+s.metrics, s.reader, nil)
	return code
}

// missing says what the manager has not done yet, "" if it has done everything that it has rights for.
func (s *tenant) missing() string {
	code := s.deeds()
	for _, kind := range instance.Kinds[1:] {
		resource := kind.New()
		if err := admin.Get(s.t.Context(), client.ObjectKey{Namespace: s.ns, Name: "line"}, resource); err != nil {
			return err.Error()
		}
		if !apimeta.IsStatusConditionTrue(resource.InstanceStatus().Conditions, v1alpha1.ReadyCondition) {
			return fmt.Sprintf("%s is not ready: %+v", kind.Name, resource.InstanceStatus().Conditions)
		}
	}
	var leases coordinationv1.LeaseList
	var events eventsv1.EventList
	if err := admin.List(s.t.Context(), &leases, client.InNamespace(s.system)); err != nil || len(leases.Items) != 1 || leases.Items[0].Spec.HolderIdentity == nil {
		return fmt.Sprintf("no lease in %s: %v", s.system, err)
	}
	if err := admin.List(s.t.Context(), &events); err != nil {
		return err.Error()
	}
	if code != http.StatusOK {
		return fmt.Sprintf("the metrics are answered %d", code)
	}
	for _, want := range []struct{ namespace, reason string }{{s.system, "LeaderElection"}, {s.ns, "SettingsConfirmed"}, {s.ns, "DriftFlapping"}} {
		if !slices.ContainsFunc(events.Items, func(e eventsv1.Event) bool {
			return e.Namespace == want.namespace && e.Reason == want.reason
		}) {
			return fmt.Sprintf("no event %+v", want)
		}
	}
	return ""
}

// finish waits until the manager has done everything, and nothing was refused to it.
func (s *tenant) finish() {
	s.t.Helper()
	s.Eventually(s.missing, patience).Should(BeEmpty(), s.state)
	s.Expect(s.witness.refusals()).To(BeEmpty())
	s.Expect(s.output.String()).NotTo(ContainSubstring("canary-"), "R24")
	s.expectSecretsReadAsR23Says()
}

// state is for the reader of a failure.
func (s *tenant) state() string {
	return fmt.Sprintf("refused: %v\n%s", s.witness.refusals(), s.output)
}

// expectSecretsReadAsR23Says: Secrets are watched as metadata without Helm's, and only those that instances refer to are
// read.
func (s *tenant) expectSecretsReadAsR23Says() {
	s.t.Helper()
	metadata := s.witness.secrets.String()
	s.Expect(strings.Contains(metadata, secretOf("Bystander"))).To(BeTrue(), "all Secrets are watched")
	s.Expect(s.values.Search(metadata)).To(BeEmpty(), "values come with the watch")
	read := map[string]int{}
	for _, a := range s.witness.requests(func(a asked) bool { _, ok := a.about("secrets"); return ok }) {
		name, _ := a.about("secrets")
		if name == "" {
			s.Expect(a.fields).To(Equal("type!=helm.sh/release.v1"), "%+v", a)
			continue
		}
		s.Expect(a.method).To(Equal(http.MethodGet), "%+v", a)
		read[name]++
	}
	want := map[string]int{}
	for _, kind := range instance.Kinds {
		want[secretOf(kind.Name)] = 1
	}
	s.Expect(read).To(Equal(want), "each Secret that is referred to is read once, for it did not change")
}

// clusterWide renders the installation for a whole cluster, under a name of its own.
func clusterWide(t *testing.T, name string) installation.Objects {
	t.Helper()
	return render(t, "operator", "namespace: "+name+"-system", "namePrefix: "+name+"-")
}

var names atomic.Int64

// newNamespace makes a namespace for instances.
func newNamespace(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("tenant-%d", names.Add(1))
	if err := admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestTheRightsOfAClusterWideInstallationAreEnough: with what config/operator grants, nothing is refused. What it has too
// much TestEveryRightIsNeeded tells.
func TestTheRightsOfAClusterWideInstallationAreEnough(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprintf("an API server that does not stream lists: %t", old), func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			newTenant(t, clusterWide(t, ns), ns, old, "--watch-label-selector=tenant="+ns).finish()
		})
	}
}

// TestEveryRightIsNeeded takes away each single verb of each resource, and sees the manager want it and be refused.
func TestEveryRightIsNeeded(t *testing.T) {
	t.Parallel()
	rights := clusterWide(t, "x").Rights(t)
	if len(rights) < 20 {
		t.Fatalf("only %d rights were found: %v", len(rights), rights)
	}
	for _, missing := range rights {
		t.Run(missing.String(), func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			all := clusterWide(t, ns)
			if missing.Namespace != "" {
				missing.Namespace = ns + "-system"
			}
			s := newTenant(t, all.Without(t, missing), ns, true, "--watch-label-selector=tenant="+ns)
			s.Eventually(func() []string { s.deeds(); return s.witness.refusals() }, patience).
				Should(Equal([]string{missing.String()}), func() string {
					return "a right that is not needed, or that the story does not use, is never refused\n" + s.state()
				})
		})
	}
}

// TestANamespacedInstallation: with what config/namespaced grants, the manager does all of its work in its namespace, and
// neither looks nor could look at another.
func TestANamespacedInstallation(t *testing.T) {
	t.Parallel()
	g, objects := NewWithT(t), render(t, "namespaced")
	own := installation.Find[rbacv1.Role](t, objects, "Role", "manager-role").Namespace
	g.Expect(installation.Find[rbacv1.RoleBinding](t, objects, "RoleBinding", "manager-rolebinding").Namespace).To(Equal(own))
	g.Expect(objects.Deployment(t).Spec.Template.Spec.Containers[0].Args).To(ContainElement("--watch-namespaces=" + own))
	everywhere := installation.Find[rbacv1.ClusterRole](t, render(t, "default"), "ClusterRole", "manager-role")
	g.Expect(installation.Find[rbacv1.Role](t, objects, "Role", "manager-role").Rules).To(Equal(everywhere.Rules), "it is the same source")
	for _, r := range objects.Rights(t) {
		if r.Namespace == "" {
			g.Expect(r.String()).To(BeElementOf("create tokenreviews.authentication.k8s.io", "create subjectaccessreviews.authorization.k8s.io"),
				"no namespace has these; anything else in all namespaces is too much")
		}
	}

	g.Expect(admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: own}})).To(Succeed())
	outside := newNamespace(t)
	for _, kind := range instance.Kinds {
		g.Expect(admin.Create(t.Context(), instanceOf(kind, outside, 1))).To(Succeed())
	}
	// A second namespace is one more copy of the folder that names the first.
	second := newNamespace(t)
	render(t, "namespaced/"+own, "namespace: "+second).Apply(t, admin)
	more := instanceOf(instance.Kinds[1], second, firstID+100)
	g.Expect(admin.Create(t.Context(), more)).To(Succeed())
	s := newTenant(t, objects, own, false, "--watch-namespaces="+own+","+second)
	s.finish()
	s.Eventually(func() string {
		s.Expect(admin.Get(t.Context(), client.ObjectKeyFromObject(more), more)).To(Succeed())
		condition := apimeta.FindStatusCondition(more.InstanceStatus().Conditions, v1alpha1.ReadyCondition)
		return fmt.Sprintf("%+v", condition)
	}, patience).Should(ContainSubstring(v1alpha1.ReasonSecretNotFound), "the second namespace is looked after")
	s.Expect(s.witness.refusals()).To(BeEmpty())

	inside := regexp.MustCompile(`^/api(/v1)?$|^/apis(/[^/]+/[^/]+)?$|/namespaces/(` + own + `|` + second + `|` + s.system + `)/|/v1/(tokenreviews|subjectaccessreviews|selfsubjectaccessreviews)$`)
	s.Expect(s.witness.requests(func(a asked) bool { return !inside.MatchString(a.path) })).To(BeEmpty(), "requests outside")
	for _, kind := range instance.Kinds {
		resource := kind.New()
		s.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: outside, Name: "line"}, resource)).To(Succeed())
		s.Expect(resource.InstanceStatus().Conditions).To(BeEmpty())
	}
	for _, r := range objects.Rights(t) {
		if r.Namespace != "" {
			user := "system:serviceaccount:" + s.system + ":greenapi-operator-manager"
			s.Expect(installation.May(t, admin, user, r)).To(BeTrue(), "%s", r)
			for _, r.Namespace = range []string{"", outside, "kube-system"} {
				s.Expect(installation.May(t, admin, user, r)).To(BeFalse(), "%s in %q", r, r.Namespace)
			}
		}
	}
}

var ports atomic.Int64

// freeAddress is an address to listen at that no other test gets, below the ports that outgoing connections have.
func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+(int64(os.Getpid())*97+ports.Add(1))%10000)
		if listener, err := config.Listen(t.Context(), "tcp", address); err == nil {
			_ = listener.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// scrape asks for the metrics, with a token unless it is "". A code of 0 is no answer.
func scrape(t *testing.T, origin, token string, config *tls.Config) (code int, body string) {
	t.Helper()
	if config == nil {
		config = &tls.Config{InsecureSkipVerify: true} // The certificate is the process's own.
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}
