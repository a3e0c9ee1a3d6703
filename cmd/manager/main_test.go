// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// beManager makes the test binary the manager itself, so that the tests run the real process.
const beManager = "TEST_BE_MANAGER"

const (
	instanceID = int64(710700000001)
	patience   = 60 * time.Second
)

var (
	kubeconfig  string
	environment *envtest.Environment
	admin       client.WithWatch
)

func TestMain(m *testing.M) {
	if os.Getenv(beManager) != "" {
		main()
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		fmt.Fprintln(os.Stderr, "KUBEBUILDER_ASSETS is not set: run the tests by `make test`, or set it to what `make envtest` prints")
		return 1
	}
	ctrl.SetLogger(logr.Discard())
	environment = newEnvironment()
	config, stop, err := testenv.Start(environment)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot start the control plane:", err)
		return 1
	}
	defer func() { _ = stop() }()
	folder, err := os.MkdirTemp("", "manager-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	kubeconfig = filepath.Join(folder, "kubeconfig")
	err = os.WriteFile(kubeconfig, environment.KubeConfig, 0o600)
	if err == nil {
		admin, err = newAdmin(config)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Most of these tests wait for another process, so more of them run side by side than there are processors, and none keeps the API
	// server busy by its questions.
	testenv.SideBySide(6)
	SetDefaultEventuallyPollingInterval(200 * time.Millisecond)
	return m.Run()
}

func newEnvironment() *envtest.Environment {
	return &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true}
}

func newAdmin(config *rest.Config) (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	// A test's own waiting must not be what is measured.
	config.QPS = -1
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// TestTheAdministratorShowsAToken, with all rights, by the configuration as well as by the kubeconfig.
func TestTheAdministratorShowsAToken(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	fromFile, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	g.Expect(err).NotTo(HaveOccurred())
	for _, config := range []*rest.Config{environment.Config, fromFile} {
		g.Expect(config.CertData).To(BeEmpty())
		user, err := newAdmin(rest.CopyConfig(config))
		g.Expect(err).NotTo(HaveOccurred())
		review := &authenticationv1.SelfSubjectReview{}
		g.Expect(user.Create(t.Context(), review)).To(Succeed())
		g.Expect(review.Status.UserInfo.Groups).To(ContainElement("system:masters"))
	}
}

// startControlPlane starts a control plane of a test's own, to do harm to.
func startControlPlane(t *testing.T) (*envtest.Environment, client.Client) {
	t.Helper()
	own := newEnvironment()
	// When it is started again, its port must be free still.
	host, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	own.ControlPlane.GetAPIServer().SecureServing.ListenAddr = envtest.ListenAddr{Address: host, Port: port}
	config, stop, err := testenv.Start(own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	client, err := newAdmin(config)
	if err != nil {
		t.Fatal(err)
	}
	return own, client
}

// world is a vendor, a namespace and a manager's process.
type world struct {
	*WithT
	t       *testing.T
	ns      string
	vendor  *emulator.Server
	url     string
	process *exec.Cmd
	output  *lockedBuffer
}

// lockedBuffer is what a process writes to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write is part of io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{WithT: NewWithT(t), t: t, output: &lockedBuffer{}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "world-"}}
	w.Expect(admin.Create(t.Context(), namespace)).To(Succeed())
	w.ns = namespace.Name
	w.vendor = emulator.New(emulator.Options{RestartTime: time.Second})
	server := httptest.NewServer(w.vendor)
	t.Cleanup(func() { w.vendor.Close(); server.Close() })
	w.url = server.URL
	w.vendor.Add(emulator.Instance{ID: instanceID, Token: "first-canary-token-0123456789"})
	w.token("first-canary-token-0123456789")
	resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "line"}}
	resource.Spec.IDInstance = instanceID
	resource.Spec.APITokenSecretRef.Name = "token"
	resource.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}}
	w.Expect(admin.Create(t.Context(), resource)).To(Succeed())
	return w
}

func (w *world) token(value string) {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "token"}, StringData: map[string]string{"apiTokenInstance": value}}
	err := admin.Create(w.t.Context(), secret)
	if err != nil {
		err = admin.Update(w.t.Context(), secret)
	}
	w.Expect(err).NotTo(HaveOccurred())
}

// command is the manager with the flags of a test: everything quick, the vendor on the loopback address.
func (w *world) command(flags ...string) *exec.Cmd {
	executable, err := os.Executable()
	w.Expect(err).NotTo(HaveOccurred())
	arguments := append([]string{
		"--watch-namespaces=" + w.ns, "--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url=" + w.url,
		"--metrics-bind-address=0", "--health-probe-bind-address=0", "--zap-log-level=10",
		"--api-timeout=3s", "--state-interval=1s", "--settings-interval=2s", "--settle-poll=1s", "--settle-timeout=12s",
	}, flags...)
	command := exec.CommandContext(w.t.Context(), executable, arguments...)
	command.Env = append(os.Environ(), beManager+"=1", "KUBECONFIG="+kubeconfig)
	command.Stdout, command.Stderr = w.output, w.output
	return command
}

// start starts the manager; it is killed when the test ends.
func (w *world) start() {
	w.t.Helper()
	w.process = w.command()
	w.Expect(w.process.Start()).To(Succeed())
	process := w.process
	w.t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
}

func (w *world) get() *v1alpha1.WhatsAppInstance {
	w.t.Helper()
	resource := &v1alpha1.WhatsAppInstance{}
	w.Expect(admin.Get(w.t.Context(), client.ObjectKey{Namespace: w.ns, Name: "line"}, resource)).To(Succeed())
	return resource
}

// awaitReady waits until this generation is in effect.
func (w *world) awaitReady() {
	w.t.Helper()
	w.Eventually(func() bool {
		resource := w.get()
		return resource.Status.ObservedGeneration == resource.Generation && apimeta.IsStatusConditionTrue(resource.Status.Conditions, v1alpha1.ReadyCondition)
	}, patience).Should(BeTrue(), "%s", w.output)
}

func (w *world) sets() int { return len(w.vendor.Calls(instanceID, "setSettings")) }

func TestTheManagerDoesItsJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.awaitReady()
	w.Expect(w.vendor.Restarts(instanceID)).To(Equal(1))

	w.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	w.Eventually(func() int { return w.vendor.Restarts(instanceID) }, patience).Should(Equal(2), "drift is corrected")
	w.awaitReady()

	// The watch on Secrets, with an interval that would take too long by itself.
	w.vendor.RotateToken(instanceID, "second-canary-token-0123456789")
	w.token("second-canary-token-0123456789")
	w.vendor.ResetCalls()
	w.Eventually(func() bool {
		for _, call := range w.vendor.Calls(instanceID, "getSettings") {
			if call.TokenOK {
				return true
			}
		}
		return false
	}, patience).Should(BeTrue(), "the new token is used")
	w.awaitReady()

	w.Expect(w.vendor.Restarts(instanceID)).To(Equal(2))
	for _, secret := range []string{"first-canary", "second-canary"} {
		w.Expect(w.output.String()).NotTo(ContainSubstring(secret), "R24: at the most verbose level")
	}
}

// TestR25ACallUnderWayIsFinishedOnSIGTERM: the vendor has taken the settings and not answered yet.
func TestR25ACallUnderWayIsFinishedOnSIGTERM(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vendor.Fault(emulator.Fault{Method: "setSettings", DelayAfter: time.Second, AfterEffect: true})
	w.start()
	w.Eventually(w.sets, patience).Should(Equal(1))
	w.Expect(w.process.Process.Signal(syscall.SIGTERM)).To(Succeed())
	w.Expect(w.process.Wait()).To(Succeed(), "it ends by itself and without an error:\n%s", w.output)
	w.Expect(w.get().Status.Apply.Outcome).To(Equal(v1alpha1.OutcomeSettling), "a rollout leaves no Pending behind")
	w.start()
	w.awaitReady()
	w.Expect(w.vendor.Restarts(instanceID)).To(Equal(1))
}

func TestFlagsThatMakeNoSenseAreExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for flag, want := range map[string]string{
		"--state-interval=0":             "--state-interval must be a positive duration such as 1m",
		"--max-apply-attempts=0":         "--max-apply-attempts must be 1 to 10",
		"--flap-threshold=9":             "--flap-threshold must be 1 to 8",
		"--max-concurrent-restarts=few":  "--max-concurrent-restarts must be a number such as 40, a percentage from 1% to 100%, or 0 for no limit",
		"--max-concurrent-restarts=-1":   "--max-concurrent-restarts must be a number",
		"--max-concurrent-restarts=0%":   "--max-concurrent-restarts must be a number",
		"--max-concurrent-restarts=101%": "--max-concurrent-restarts must be a number",
		"--restart-slow-start=-1":        "--restart-slow-start must be 0 to 1000",
		"--brake-after=0":                "--brake-after must be 1 to 100",
		"--restart-soak=0s":              "--restart-soak must be a positive duration",
		"--restart-soak=25h":             "--restart-soak must be at most 24h",
		"--fleet-label=no label":         "--fleet-label must be the name of a label such as example.com/fleet",
		"--account-details=masked":       "--account-details must be Full, Masked or None",
		"--api-qps=-1":                   "--api-qps must be 0 or more",
		"--allowed-api-hosts=,":          "--allowed-api-hosts must name at least one host",
		"--secret-label-selector=a in":   "--secret-label-selector",
		"--default-api-url=https://x/v3": "must be an origin such as",
		"--max-concurrent-reconciles=0":  "--max-concurrent-reconciles must be 1 to 10000",
		"--no-such-flag":                 "flag provided but not defined",
		"--metrics-cert-name=x.crt":      "--metrics-cert-name and --metrics-cert-key need --metrics-cert-path",
		"--api-timeout=often":            "--help lists the flags",
		"word":                           "there are no arguments, only flags",
		"--partner-accounts":             "--partner-accounts needs the namespace that has the Secrets with partner tokens",

		"--partner-accounts --shard-ring=greenapi": "--partner-accounts does not go with --shard-ring",

		"--allowed-api-hosts=https://api.greenapi.com":                        "without https://, a port or a path; \"https://api.greenapi.com\" is none",
		"--allowed-api-hosts=api.greenapi.com:443":                            "\"api.greenapi.com:443\" is none",
		"--allowed-api-hosts=*":                                               "\"*\" is none",
		"--allowed-api-hosts=user:word@api.greenapi.com":                      "without https://, a port or a path\n",
		"--insecure-api=false --settings-interval=5s":                         "--settings-interval must be at least 10s",
		"--insecure-api=false --state-interval=4s --settings-interval=10s":    "--state-interval must be at least 5s",
		"--allowed-api-hosts=api.example --default-api-url=https://b.example": "--default-api-url: the host b.example is not among the hosts",
	} {
		command := w.command(strings.Split(strings.ReplaceAll(flag, " --", "\n--"), "\n")...)
		var output bytes.Buffer
		command.Stdout, command.Stderr = &output, &output
		if err := command.Run(); err == nil {
			t.Errorf("%s is accepted", flag)
		}
		// The reason comes last, and nothing before it makes people look elsewhere.
		text := output.String()
		if !strings.HasPrefix(text, "manager: ") || strings.Contains(text, ".go:") || !strings.Contains(text, want) {
			t.Errorf("%s: %s\nwant nothing but a message with %q", flag, text, want)
		}
	}
}

// TestTheReasonOfAStartThatFailsComesLast: whatever is wrong, the last line says it, and no stack trace stands before it.
func TestTheReasonOfAStartThatFailsComesLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]struct {
		kubeconfig, want string
	}{
		"no cluster":        {filepath.Join(t.TempDir(), "none"), "no access to a cluster (set KUBECONFIG, or run in a pod)"},
		"a dead API server": {unanswered(t), "connection refused"},
	} {
		command := w.command("--leader-elect=false")
		command.Env = append(command.Env, "KUBECONFIG="+test.kubeconfig, "KUBERNETES_SERVICE_HOST=")
		var written bytes.Buffer
		command.Stdout, command.Stderr = &written, &written
		if err := command.Run(); err == nil {
			t.Errorf("%s: it starts", name)
		}
		output := written.String()
		lines := strings.Split(strings.TrimSpace(output), "\n")
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, "manager: ") || !strings.Contains(last, test.want) {
			t.Errorf("%s: %s\nwant %q last", name, output, test.want)
		}
		if strings.Contains(output, "stacktrace") || strings.Contains(output, ".go:") {
			t.Errorf("%s: there is a stack trace in\n%s", name, output)
		}
	}
}

// unanswered is a kubeconfig for a port at which nobody listens.
func unanswered(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(`{"apiVersion": "v1", "kind": "Config", "current-context": "x", "users": [{"name": "x"}], "clusters": [{"name": "x",
		"cluster": {"server": "http://ADDRESS"}}], "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}]}`, "ADDRESS", listener.Addr().String())
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := errors.Join(listener.Close(), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}
