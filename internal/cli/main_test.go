// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// bePlugin makes the test binary the plugin, so that a real kubectl runs it.
const bePlugin = "TEST_BE_PLUGIN"

// The desks stand before one real kube-apiserver and etcd, which start with the first desk.
var (
	cluster *rest.Config
	admin   client.WithWatch
	// plugins is a folder with the plugin, kubeconfig a file with the rights of an administrator.
	plugins, kubeconfig, kubectl string
	environment                  *envtest.Environment
	stopEnvironment              = func() error { return nil }
)

func TestMain(m *testing.M) {
	if os.Getenv(bePlugin) != "" {
		streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
		ctx, stop := Interruptible()
		defer stop()
		os.Exit(Main(ctx, os.Args[1:], streams))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	defer stopControlPlane()
	// Most of these tests wait for other processes.
	testenv.SideBySide(4)
	return m.Run()
}

// needControlPlane gives a test the control plane and the plugin, which the first one that needs them starts and makes:
// whoever runs a pure test needs to have none.
func needControlPlane(t *testing.T) {
	t.Helper()
	if err := startControlPlane(); err != nil {
		t.Fatal(err)
	}
}

var startControlPlane = sync.OnceValue(func() error {
	kubectl = os.Getenv("TEST_KUBECTL")
	if os.Getenv("KUBEBUILDER_ASSETS") == "" || kubectl == "" {
		return errors.New("KUBEBUILDER_ASSETS and TEST_KUBECTL are not set: run the tests by `make test`, or set them to what `make envtest` and `make kubectl` print")
	}
	environment = &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true}
	config, stop, err := testenv.Start(environment)
	if err != nil {
		return fmt.Errorf("cannot start the control plane: %w", err)
	}
	cluster, stopEnvironment = config, stop
	cluster.QPS = -1
	if plugins, err = os.MkdirTemp("", "plugin-test-"); err != nil {
		return err
	}
	return prepare(plugins)
})

// stopControlPlane undoes what startControlPlane did.
func stopControlPlane() {
	_ = stopEnvironment()
	if plugins != "" {
		_ = os.RemoveAll(plugins)
	}
}

// prepare makes the plugin and the kubeconfig in a folder.
func prepare(folder string) error {
	kubeconfig = filepath.Join(folder, "kubeconfig")
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	completion, err := filepath.Abs(filepath.Join("..", "..", "cmd", "kubectl-greenapi", "kubectl_complete-greenapi"))
	if err != nil {
		return err
	}
	admin, err = client.NewWithWatch(cluster, client.Options{Scheme: scheme})
	return errors.Join(err, os.Symlink(executable, filepath.Join(folder, "kubectl-greenapi")),
		os.Symlink(completion, filepath.Join(folder, "kubectl_complete-greenapi")),
		os.WriteFile(kubeconfig, environment.KubeConfig, 0o600))
}

// TestPureTestsNeedNoControlPlane runs all tests where there is no control plane: the pure ones pass, and no other one goes
// on without.
func TestPureTestsNeedNoControlPlane(t *testing.T) {
	t.Parallel()
	testenv.CheckPureTests(t, "KUBEBUILDER_ASSETS and TEST_KUBECTL are not set: run the tests by `make test`",
		"TestFlagsAboutTheVendorAreSettled", "TestEveryWriteHasTheFieldManager", "TestResultsComeInTheOrderOfTheThings")
}
