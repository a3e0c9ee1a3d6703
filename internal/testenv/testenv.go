// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package testenv helps tests with the control plane of envtest: with its users, and with going without it. It is there for tests.
package testenv

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// adding is held while a user is added: envtest numbers its certificates without a lock (controller-runtime v0.25.2).
var adding sync.Mutex

// KubeconfigOf adds a user to the control plane, who has no rights yet, and returns the path of how they connect.
func KubeconfigOf(t *testing.T, environment *envtest.Environment, user string) string {
	t.Helper()
	adding.Lock()
	defer adding.Unlock()
	added, err := environment.AddUser(envtest.User{Name: user}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := added.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// SideBySide has so many tests run at a time, for a TestMain whose tests wait for processes most of the time.
func SideBySide(tests int) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(tests)); err != nil {
		panic(err)
	}
}

// CheckPureTests runs all tests of the calling package but the calling one where there is no control plane: those that are named
// pass, the others say the advice, and none goes on without.
func CheckPureTests(t *testing.T, advice string, pure ...string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.v", "-test.skip=^"+t.Name()+"$")
	command.Env = append(os.Environ(), "KUBEBUILDER_ASSETS=", "TEST_KUBECTL=")
	out, _ := command.CombinedOutput()
	text := string(out)
	for _, name := range pure {
		if !strings.Contains(text, "--- PASS: "+name+" ") {
			t.Errorf("%s does not pass without a control plane", name)
		}
	}
	if !strings.Contains(text, advice) {
		t.Error("nothing says what the other tests need")
	}
	if at := strings.Index(text, "panic: "); at >= 0 {
		t.Errorf("a test uses the control plane without asking for it:\n%s", text[at:])
	}
}
