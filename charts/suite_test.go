// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package charts holds the Helm chart and the tests of all ways to install the operator.
package charts

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

const (
	chart   = "greenapi-operator"
	release = "greenapi-operator"
	system  = "greenapi-operator-system"
	// patience is how long a test waits for another process; it is no part of what is tested.
	patience = 60 * time.Second
)

// kubectl and helm are the real ones, and temporary is a folder for what all tests need.
var kubectl, helm, temporary string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	kubectl, helm = os.Getenv("TEST_KUBECTL"), os.Getenv("TEST_HELM")
	if os.Getenv("KUBEBUILDER_ASSETS") == "" || kubectl == "" || helm == "" {
		fmt.Fprintln(os.Stderr, "KUBEBUILDER_ASSETS, TEST_KUBECTL and TEST_HELM are not set: run the tests by `make test`, "+
			"or set them to what `make envtest`, `make kubectl` and `make helm` print")
		return 1
	}
	ctrl.SetLogger(logr.Discard())
	folder, err := os.MkdirTemp("", "charts-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	for _, variable := range []string{"HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"} {
		if err := os.Setenv(variable, filepath.Join(folder, "helm")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	temporary = folder
	// These tests wait for other processes most of the time.
	testenv.SideBySide(2)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	return m.Run()
}

// cluster is a control plane without anything in it.
type cluster struct {
	*WithT
	t           *testing.T
	environment *envtest.Environment
	config      *rest.Config
	admin       client.Client
	kubeconfig  string
}

// newCluster starts one, with admission plugins beside the usual ones.
func newCluster(t *testing.T, plugins ...string) *cluster {
	t.Helper()
	c := &cluster{WithT: NewWithT(t), t: t, environment: &envtest.Environment{}}
	if len(plugins) > 0 {
		c.environment.ControlPlane.GetAPIServer().Configure().Append("enable-admission-plugins", plugins...)
	}
	config, stop, err := testenv.Start(c.environment)
	c.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = stop() })
	config.QPS = -1
	c.config, c.kubeconfig = config, testenv.Kubeconfig(t, config)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, apiextensionsv1.AddToScheme} {
		c.Expect(add(scheme)).To(Succeed())
	}
	c.admin, err = client.New(config, client.Options{Scheme: scheme})
	c.Expect(err).NotTo(HaveOccurred())
	return c
}

// run runs a program as the administrator, and returns all that it prints.
func (c *cluster) run(program string, arguments ...string) (string, error) {
	c.t.Helper()
	return c.runAs(c.kubeconfig, program, arguments...)
}

func (c *cluster) runAs(kubeconfig, program string, arguments ...string) (string, error) {
	c.t.Helper()
	return runWith(c.t.Context(), []string{"KUBECONFIG=" + kubeconfig}, program, arguments...)
}

// manager returns where the manager is, which is built for the first test that runs it. TestMain does not: `go test` sees nothing of
// what a test depends on before the tests begin.
func manager(t *testing.T) string {
	t.Helper()
	programs, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programs, "manager")
}

var programs = sync.OnceValues(func() (string, error) { return testenv.Programs(temporary, "manager") })

func runWith(ctx context.Context, environment []string, program string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env = append(os.Environ(), environment...)
	output, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w", filepath.Base(program), strings.Join(arguments, " "), err)
	}
	return string(output), err
}

// must runs a program that has to succeed.
func (c *cluster) must(program string, arguments ...string) string {
	c.t.Helper()
	output, err := c.run(program, arguments...)
	c.Expect(err).NotTo(HaveOccurred(), output)
	return output
}

// install installs a chart as the release that has the names of config/default.
func (c *cluster) install(path string, flags ...string) string {
	c.t.Helper()
	return c.must(helm, append([]string{"install", release, path, "--namespace", system, "--create-namespace"}, flags...)...)
}

// upgrade upgrades it, with the default of every value that the flags do not set.
func (c *cluster) upgrade(path string, flags ...string) string {
	c.t.Helper()
	return c.must(helm, append([]string{"upgrade", release, path, "--namespace", system, "--reset-values", "--history-max", "0"}, flags...)...)
}

// template renders the chart, and parses what comes out.
func template(t *testing.T, flags ...string) installation.Objects {
	t.Helper()
	output, err := render(t, flags...)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return installation.Parse(t, []byte(output))
}

// renderings are what helm made of the chart, by the flags: many tests look at the same.
var renderings sync.Map

func render(t *testing.T, flags ...string) (string, error) {
	t.Helper()
	rendered, _ := renderings.LoadOrStore(strings.Join(flags, "\x00"), sync.OnceValues(func() (string, error) {
		return runWith(context.Background(), nil, helm, append([]string{"template", release, chart, "--namespace", system}, flags...)...)
	}))
	return rendered.(func() (string, error))()
}

// live reads objects back from the API server.
func (c *cluster) live(objects installation.Objects) installation.Objects {
	c.t.Helper()
	var found installation.Objects
	for _, object := range objects {
		found = append(found, c.get(object))
	}
	return found
}

func (c *cluster) get(object *unstructured.Unstructured) *unstructured.Unstructured {
	c.t.Helper()
	found, err := c.look(object)
	c.Expect(err).NotTo(HaveOccurred())
	return found
}

func (c *cluster) look(object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(object.GroupVersionKind())
	return found, c.admin.Get(c.t.Context(), client.ObjectKeyFromObject(object), found)
}

// expectAbsent expects that none of these objects is there.
func (c *cluster) expectAbsent(objects installation.Objects) {
	c.t.Helper()
	for _, object := range objects {
		_, err := c.look(object)
		c.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%s %s is there: %v", object.GetKind(), object.GetName(), err)
	}
}

// of are the objects of some kinds.
func of(objects installation.Objects, kinds ...string) installation.Objects {
	return filter(objects, func(o *unstructured.Unstructured) bool {
		for _, kind := range kinds {
			if o.GetKind() == kind {
				return true
			}
		}
		return false
	})
}

func filter(objects installation.Objects, keep func(*unstructured.Unstructured) bool) installation.Objects {
	var kept installation.Objects
	for _, object := range objects {
		if keep(object) {
			kept = append(kept, object)
		}
	}
	return kept
}
