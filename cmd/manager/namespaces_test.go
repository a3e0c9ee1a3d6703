// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// guest is a manager whose user has rights in some of the namespaces that it is told to look after, each of which has a line.
type guest struct {
	*WithT
	t               *testing.T
	user            string
	vendor          *emulator.Server
	url             string
	lines           map[string]int64
	output          *lockedBuffer
	metrics, probes string
	process         *exec.Cmd
	// partner: it looks after partner accounts.
	partner bool
}

func newGuest(t *testing.T) *guest {
	t.Helper()
	t.Parallel()
	g := &guest{WithT: NewWithT(t), t: t, user: fmt.Sprintf("guest-%d", names.Add(1)), lines: map[string]int64{}, output: &lockedBuffer{},
		metrics: freeAddress(t), probes: freeAddress(t)}
	g.vendor = emulator.New(emulator.Options{RestartTime: 200 * time.Millisecond})
	server := httptest.NewServer(g.vendor)
	t.Cleanup(func() { g.vendor.Close(); server.Close() })
	g.url = server.URL
	return g
}

// namespace makes a namespace with a line in it, in which the manager has no rights yet.
func (g *guest) namespace() string {
	g.t.Helper()
	ns := newNamespace(g.t)
	id := firstID + int64(len(g.lines))
	g.lines[ns] = id
	token := fmt.Sprintf("canary-%s-%d-0123456789", ns, id)
	g.vendor.Add(emulator.Instance{ID: id, Token: token})
	g.Expect(admin.Create(g.t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "token"},
		StringData: map[string]string{v1alpha1.DefaultAPITokenKey: token}})).To(Succeed())
	resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "line"}}
	resource.Spec.IDInstance, resource.Spec.APITokenSecretRef.Name = id, "token"
	resource.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}}
	g.Expect(admin.Create(g.t.Context(), resource)).To(Succeed())
	return ns
}

// grant gives the manager its rights in a namespace, without those on a resource.
func (g *guest) grant(ns, without string) {
	g.t.Helper()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "manager-without-" + strings.ToLower(without)}}
	objects := render(g.t, "partner")
	rules := installation.Find[rbacv1.ClusterRole](g.t, objects, "ClusterRole", "manager-role").Rules
	if g.partner {
		rules = slices.Concat(rules, installation.Find[rbacv1.ClusterRole](g.t, objects, "ClusterRole", "partner-claims-role").Rules)
	}
	for _, rule := range rules {
		rule.Resources = slices.DeleteFunc(rule.Resources, func(name string) bool { return name == without })
		if len(rule.Resources) > 0 {
			role.Rules = append(role.Rules, rule)
		}
	}
	g.Expect(admin.Create(g.t.Context(), role)).To(Succeed())
	g.Expect(admin.Create(g.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: role.Name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: g.user}},
	})).To(Succeed())
}

// grantAccounts gives the manager what it needs of the cluster where it looks after partner accounts.
func (g *guest) grantAccounts() {
	g.t.Helper()
	holdPartners(g.t)
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "accounts-" + g.user}}
	role.Rules = installation.Find[rbacv1.ClusterRole](g.t, render(g.t, "partner"), "ClusterRole", "partner-role").Rules
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: g.user}},
	}
	g.Expect(admin.Create(g.t.Context(), role)).To(Succeed())
	g.Expect(admin.Create(g.t.Context(), binding)).To(Succeed())
	g.t.Cleanup(func() {
		_ = admin.Delete(context.WithoutCancel(g.t.Context()), binding)
		_ = admin.Delete(context.WithoutCancel(g.t.Context()), role)
	})
}

// start starts the manager with its own user.
func (g *guest) start(watched ...string) {
	g.t.Helper()
	file := testenv.KubeconfigOf(g.t, environment, g.user)
	executable, err := os.Executable()
	g.Expect(err).NotTo(HaveOccurred())
	g.process = exec.CommandContext(g.t.Context(), executable, fmt.Sprintf("--partner-accounts=%t", g.partner), "--leader-election-namespace=default", "--watch-namespaces="+strings.Join(watched, ","),
		"--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url="+g.url,
		"--metrics-bind-address="+g.metrics, "--metrics-secure=false", "--health-probe-bind-address="+g.probes,
		"--api-timeout=3s", "--state-interval=1s", "--settings-interval=2s", "--settle-poll=1s", "--settle-timeout=12s")
	g.process.Env = append(os.Environ(), beManager+"=1", "KUBECONFIG="+file)
	g.process.Stdout, g.process.Stderr = g.output, g.output
	g.Expect(g.process.Start()).To(Succeed())
	g.t.Cleanup(func() { _ = g.process.Process.Kill(); _ = g.process.Wait() })
}

// page is what the process serves, "" if it does not answer.
func (g *guest) page(address, path string) (int, string) {
	request, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, ""
	}
	return response.StatusCode, string(text)
}

func (g *guest) probe(path string) func() int {
	return func() int { code, _ := g.page(g.probes, path); return code }
}

// unwatched is the metric of a namespace.
func (g *guest) unwatched(ns string) func() string {
	return func() string {
		_, text := g.page(g.metrics, "/metrics")
		for line := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(line, fmt.Sprintf("greenapi_unwatched_namespaces{namespace=%q} ", ns)); ok {
				return strings.TrimSpace(value)
			}
		}
		return "no such series"
	}
}

func (g *guest) served(ns string) func() bool {
	return func() bool {
		resource := &v1alpha1.WhatsAppInstance{}
		g.Expect(admin.Get(g.t.Context(), client.ObjectKey{Namespace: ns, Name: "line"}, resource)).To(Succeed())
		return apimeta.IsStatusConditionTrue(resource.Status.Conditions, v1alpha1.ReadyCondition)
	}
}

func (g *guest) log() string { return g.output.String() }

// TestR42ANamespaceWithoutRightsHoldsUpNoOther: the others are served, and it too once the rights have come, by a process that
// Kubernetes does not see end.
func TestR42ANamespaceWithoutRightsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for _, without := range []string{"everything", "secrets", "telegraminstances", "instanceclaims"} {
		t.Run(without, func(t *testing.T) {
			g := newGuest(t)
			if g.partner = without == "instanceclaims"; g.partner {
				g.grantAccounts()
			}
			served, refused := g.namespace(), g.namespace()
			g.grant(served, "")
			if without != "everything" {
				g.grant(refused, without)
			}
			g.start(served, refused)
			g.Eventually(g.served(served), patience).Should(BeTrue(), g.log)
			g.Eventually(g.probe("/readyz"), patience).Should(Equal(http.StatusOK))
			g.Expect(g.unwatched(refused)()).To(Equal("1"))
			g.Expect(g.unwatched(served)()).To(Equal("0"))
			missing := without
			if without == "everything" {
				missing = "whatsappinstances"
			}
			g.Expect(g.log()).To(MatchRegexp(`cannot be watched.*"namespace":"` + refused + `","missing":"list ` + missing + `"`))
			g.Expect(g.served(refused)()).To(BeFalse())

			g.grant(refused, "")
			g.Eventually(g.served(refused), patience).Should(BeTrue(), g.log)
			g.Eventually(g.unwatched(refused), patience).Should(Equal("0"))
			g.Eventually(g.probe("/readyz"), patience).Should(Equal(http.StatusOK))
			g.Expect(g.process.ProcessState).To(BeNil(), "the process has not ended")
			for _, id := range g.lines {
				g.Expect(g.vendor.Restarts(id)).To(Equal(1), "R25: nothing is written twice because of it")
			}
		})
	}
}

// TestR42WithoutAnyRightsTheManagerIsNotReady, and does not end: it waits for them.
func TestR42WithoutAnyRightsTheManagerIsNotReady(t *testing.T) {
	g := newGuest(t)
	first, second := g.namespace(), g.namespace()
	g.start(first, second)
	g.Eventually(g.unwatched(second), patience).Should(Equal("1"), g.log)
	g.Expect(g.probe("/readyz")()).To(Equal(http.StatusInternalServerError))
	g.Expect(g.probe("/healthz")()).To(Equal(http.StatusOK), "to kill it would help nobody")
	g.grant(second, "")
	g.Eventually(g.served(second), patience).Should(BeTrue(), g.log)
	g.Eventually(g.probe("/readyz"), patience).Should(Equal(http.StatusOK))
	g.Expect(g.unwatched(first)()).To(Equal("1"))
	g.Expect(g.served(first)()).To(BeFalse())
}

// TestR42AManagerOfAllNamespacesWithoutRightsIsNotReady: its caches are not filled.
func TestR42AManagerOfAllNamespacesWithoutRightsIsNotReady(t *testing.T) {
	g := newGuest(t)
	g.start()
	g.Eventually(g.unwatched("*"), patience).Should(Equal("1"), g.log)
	g.Eventually(g.probe("/healthz"), patience).Should(Equal(http.StatusOK))
	g.Expect(g.probe("/readyz")()).To(Equal(http.StatusInternalServerError))
	g.Expect(g.log()).To(MatchRegexp(`cannot be watched.*"namespace":"\*","missing":"list whatsappinstances"`))
}
