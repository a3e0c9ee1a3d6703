// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubestatemetrics runs the real kube-state-metrics with the configuration beside it.
package kubestatemetrics

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

const patience = time.Minute

var update = flag.Bool("update", false, "write the series into testdata/series.golden instead of comparing them")

// cluster is a control plane with the CRDs, and the file with the rights of kube-state-metrics: those of role.yaml only.
func cluster(t *testing.T) (admin client.Client, kubeconfig string) {
	t.Helper()
	g := NewWithT(t)
	environment := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "crd", "bases")}, ErrorIfCRDPathMissing: true}
	config, stop, err := testenv.Start(environment)
	g.Expect(err).NotTo(HaveOccurred(), "run the tests by `make test`, or set KUBEBUILDER_ASSETS to what `make envtest` prints")
	t.Cleanup(func() { _ = stop() })
	scheme := runtime.NewScheme()
	g.Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	g.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	admin, err = client.New(config, client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())

	text, err := os.ReadFile("role.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	role := &rbacv1.ClusterRole{}
	g.Expect(yaml.UnmarshalStrict(text, role)).To(Succeed())
	g.Expect(admin.Create(t.Context(), role)).To(Succeed())
	g.Expect(admin.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-state-metrics"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "kube-state-metrics"}},
	})).To(Succeed())
	return admin, testenv.KubeconfigOf(t, environment, "kube-state-metrics")
}

// store creates a resource with a status.
func store(t *testing.T, admin client.Client, resource v1alpha1.Instance, name string, id int64, status v1alpha1.InstanceStatus) {
	t.Helper()
	g := NewWithT(t)
	resource.SetNamespace("shop")
	resource.SetName(name)
	resource.Core().IDInstance = id
	resource.Core().APITokenSecretRef.Name = "token"
	g.Expect(admin.Create(t.Context(), resource)).To(Succeed())
	status.IDInstance = id
	*resource.InstanceStatus() = status
	resource.InstanceStatus().IDInstance = id
	g.Expect(admin.Status().Update(t.Context(), resource)).To(Succeed())
}

// storePartner creates a partner account and a claim on it, with their statuses.
func storePartner(t *testing.T, admin client.Client) {
	t.Helper()
	g := NewWithT(t)
	account := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: "reseller"}, Spec: v1alpha1.PartnerAccountSpec{
		PartnerAPIURL: "https://api.green-api.com", PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: "reseller-partner"}, Messenger: "whatsapp", OwnerKey: "prod-eu",
		Limits: v1alpha1.PartnerLimits{MaxInstances: 1, MaxCreatesPerHour: 1}, Mode: v1alpha1.ModeCreate,
	}}
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reseller-line"}, Spec: v1alpha1.InstanceClaimSpec{
		AccountRef: v1alpha1.AccountReference{Name: "reseller"}, DeletionPolicy: v1alpha1.DeletionRetain,
	}}
	g.Expect(admin.Create(t.Context(), account)).To(Succeed())
	g.Expect(admin.Create(t.Context(), claim)).To(Succeed())
	account.Status.Conditions = []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Succeeded")}
	claim.Status.IDInstance, claim.Status.APIURL = 710700000077, "https://7107.api.green-api.com"
	claim.Status.Create = &v1alpha1.CreateRecord{Name: "prod-eu/shop/reseller-line", Attempt: 1, Outcome: v1alpha1.ClaimCreated}
	claim.Status.Conditions = []metav1.Condition{condition("Created", metav1.ConditionFalse, "InstanceMissing"), condition("Stalled", metav1.ConditionTrue, "InstanceMissing")}
	g.Expect(admin.Status().Update(t.Context(), account)).To(Succeed())
	g.Expect(admin.Status().Update(t.Context(), claim)).To(Succeed())
}

func condition(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, LastTransitionTime: metav1.Unix(1767323045, 0)}
}

// lockedBuffer is written to by the process while a test reads it.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// serve runs kube-state-metrics and returns where its metrics are.
func serve(t *testing.T, kubeconfig string) (url string, output *lockedBuffer) {
	t.Helper()
	tool := os.Getenv("TEST_KUBE_STATE_METRICS")
	if tool == "" {
		t.Fatal("TEST_KUBE_STATE_METRICS is not set: run the tests by `make test`, or set it to what `make kube-state-metrics` prints")
	}
	g := NewWithT(t)
	port := func() string {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		g.Expect(err).NotTo(HaveOccurred())
		defer func() { _ = listener.Close() }()
		_, port, err := net.SplitHostPort(listener.Addr().String())
		g.Expect(err).NotTo(HaveOccurred())
		return port
	}
	metrics, output := port(), &lockedBuffer{}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	command := exec.CommandContext(ctx, tool, "--kubeconfig="+kubeconfig, "--custom-resource-state-only", "--custom-resource-state-config-file=custom-resource-state.yaml",
		"--host=127.0.0.1", "--port="+metrics, "--telemetry-host=127.0.0.1", "--telemetry-port="+port())
	command.Stdout, command.Stderr = output, output
	g.Expect(command.Start()).To(Succeed())
	t.Cleanup(func() { stop(); _ = command.Wait() })
	return "http://127.0.0.1:" + metrics + "/metrics", output
}

// series are the operator's lines of a scrape, sorted.
func series(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "greenapi_") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// TestSeriesOfEachInstance: the real kube-state-metrics with these rights makes these series of these statuses, and nothing
// of a person is among them.
func TestSeriesOfEachInstance(t *testing.T) {
	g := NewWithT(t)
	admin, kubeconfig := cluster(t)
	g.Expect(admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})).To(Succeed())
	at := metav1.Unix(1767323045, 0)
	store(t, admin, &v1alpha1.WhatsAppInstance{}, "support-line", 710700000001, v1alpha1.InstanceStatus{
		StateInstance: "suspended", StateChangedTime: &at, SuspendedUntil: &at, Phone: "79876543210", APIURL: "https://api.green-api.com",
		AvatarURL: "https://pictures.example/79876543210", ChatID: "79876543210@c.us", DeviceID: "79876543210:5",
		Conditions: []metav1.Condition{condition("Ready", metav1.ConditionFalse, "SettingsNotPersisted"), condition("Synced", metav1.ConditionFalse, "SettingsNotPersisted"),
			condition("Available", metav1.ConditionFalse, "Suspended"), condition("CredentialsValid", metav1.ConditionTrue, "TokenAccepted"), condition("Stalled", metav1.ConditionTrue, "SettingsNotPersisted")},
		PendingChanges: []v1alpha1.PendingChange{{Setting: "incomingWebhook", Desired: "yes", Observed: "no"}},
		Abandoned:      []v1alpha1.AbandonedSetting{{Setting: "incomingWebhook", Reason: v1alpha1.AbandonNotPersisted, Time: at}},
		Apply:          &v1alpha1.ApplyRecord{Outcome: v1alpha1.OutcomeNotPersisted, Reason: v1alpha1.ApplyRetry, Attempt: 3, StartedTime: metav1.NewMicroTime(at.Time)},
		Restarts:       &v1alpha1.Restarts{Total: 3, LastReason: "Retry"},
	})
	store(t, admin, &v1alpha1.MaxInstance{}, "news-line", 3100123456, v1alpha1.InstanceStatus{StateInstance: "authorized", StateChangedTime: &at,
		Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Succeeded")}})
	store(t, admin, &v1alpha1.TelegramInstance{}, "fan-line", 4100123456, v1alpha1.InstanceStatus{
		Conditions: []metav1.Condition{condition("Ready", metav1.ConditionUnknown, "Progressing")}})

	storePartner(t, admin)

	url, output := serve(t, kubeconfig)
	golden := filepath.Join("testdata", "series.golden")
	if *update {
		g.Eventually(func() string { return series(t, url) }, patience).Should(And(ContainSubstring(`"support-line"`), ContainSubstring(`"news-line"`), ContainSubstring(`"fan-line"`), ContainSubstring(`"reseller"`), ContainSubstring(`"reseller-line"`)))
		g.Expect(os.MkdirAll("testdata", 0o755)).To(Succeed())
		g.Expect(os.WriteFile(golden, []byte(series(t, url)), 0o600)).To(Succeed())
	}
	want, err := os.ReadFile(golden)
	g.Expect(err).NotTo(HaveOccurred(), "run the test with -update once, and look at what it writes")
	g.Eventually(func() string { return series(t, url) }, patience).Should(Equal(string(want)), "if this is what it should be: go test ./config/kube-state-metrics -update\n%s", output)
	g.Expect(string(want)).NotTo(ContainSubstring("79876543210"), "nothing of a person")

	// What is not there is nothing to log.
	g.Expect(output.String()).NotTo(Or(ContainSubstring("got nil while resolving path"), ContainSubstring("expected value for path")))

	g.Expect(admin.Delete(t.Context(), &v1alpha1.MaxInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "news-line"}})).To(Succeed())
	g.Eventually(func() string { return series(t, url) }, patience).ShouldNot(ContainSubstring("news-line"), "series of a deleted resource go away")
}
