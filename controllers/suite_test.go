// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// The user stories run against one real kube-apiserver and etcd, which start with the first story that needs them; each story
// has a namespace and an emulator of its own.
var (
	config *rest.Config
	scheme = runtime.NewScheme()
	admin  client.WithWatch
	// reads are those of everything that connects by config.
	reads *testenv.Reads
	// kubeconfig has the rights of an administrator, for kubectl.
	kubeconfig []byte
	// sharedManager has a cache of all namespaces, and no controllers.
	sharedManager ctrl.Manager
	// stopControlPlane stops what startControlPlane started.
	stopControlPlane = func() error { return nil }
	// leaks sees all that the operator logs, at the most verbose level.
	leaks = &canary.Watch{}
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrl.SetLogger(zap.New(zap.WriteTo(leaks), zap.UseDevMode(true), zap.Level(verbose)))
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	stop := sync.OnceValue(func() error { return stopControlPlane() })
	defer func() { _ = stop() }()
	code := m.Run()
	if found := leaks.Hit(); found != "" {
		fmt.Fprintln(os.Stderr, "FAIL: a secret stands in the log (R24):", found)
		return 1
	}
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: the shared manager:", err)
		return 1
	}
	// What the stories started is over: a goroutine that is left now is a leak, of the operator or of a story.
	if err := goleak.Find(leaksOfLibraries...); err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: goroutines are left:", err)
		return 1
	}
	return code
}

// needControlPlane gives a test the control plane, which the first one that needs it starts: whoever runs a pure test needs
// to have none.
func needControlPlane(tb testing.TB) {
	tb.Helper()
	if err := startControlPlane(); err != nil {
		tb.Fatal(err)
	}
}

var startControlPlane = sync.OnceValue(func() error {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return errors.New("KUBEBUILDER_ASSETS is not set: run the tests by `make test`, or set it to what `make envtest` prints")
	}
	environment := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true}
	stopManager := func() error { return nil }
	var stopEnvironment func() error
	var err error
	if config, stopEnvironment, err = testenv.Start(environment); err != nil {
		return fmt.Errorf("cannot start the control plane: %w", err)
	}
	stopControlPlane = func() error {
		err := stopManager()
		_ = stopEnvironment()
		return err
	}
	config.QPS = -1
	reads = testenv.RememberReads(config)
	kubeconfig = environment.KubeConfig
	if admin, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if sharedManager, err = newManager(managerOptions{}); err != nil {
		return err
	}
	stopManager = start(sharedManager)
	if !sharedManager.GetCache().WaitForCacheSync(context.Background()) {
		return errors.New("the shared cache does not come up")
	}
	return nil
})

// leaksOfLibraries are goroutines that run until the process ends, by the design of the libraries that start them.
var leaksOfLibraries = []goleak.Option{
	// A metadata watch of client-go hands its last event to a reflector that has ended, and waits for ever. There is one for
	// each such watch, and the process has one in its whole life.
	goleak.IgnoreTopFunction("k8s.io/apimachinery/pkg/watch.(*filteredWatch).loop"),
}
