// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// The stories run against one real kube-apiserver and etcd, and each has an account, a namespace and an emulator of its own.
var (
	scheme = runtime.NewScheme()
	admin  client.WithWatch
	stop   = func() {}
	// leaks sees all that the operator logs, at the most verbose level.
	leaks = &canary.Watch{}
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	logger := zap.New(zap.WriteTo(leaks), zap.UseDevMode(true), zap.Level(zapcore.Level(-7)))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	defer func() { stop() }()
	code := m.Run()
	if found := leaks.Hit(); found != "" {
		fmt.Fprintln(os.Stderr, "FAIL: a secret stands in the log (R24):", found)
		return 1
	}
	return code
}

// needControlPlane gives a test the control plane, which the first one that needs it starts.
func needControlPlane(t *testing.T) {
	t.Helper()
	if err := startControlPlane(); err != nil {
		t.Fatal(err)
	}
}

var startControlPlane = sync.OnceValue(func() error {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return errors.New("KUBEBUILDER_ASSETS is not set: run the tests by `make test`, or set it to what `make envtest` prints")
	}
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	environment := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true}
	config, stopEnvironment, err := testenv.Start(environment)
	if err != nil {
		return fmt.Errorf("cannot start the control plane: %w", err)
	}
	stop = func() { _ = stopEnvironment() }
	config.QPS = -1
	testenv.RememberReads(config)
	admin, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	return err
})
