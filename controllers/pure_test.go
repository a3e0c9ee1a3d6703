// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestPureTestsNeedNoControlPlane runs all tests where there is no control plane: the pure ones pass, and no other one goes
// on without.
func TestPureTestsNeedNoControlPlane(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.v", "-test.skip=^"+t.Name()+"$")
	command.Env = append(os.Environ(), "KUBEBUILDER_ASSETS=", "TEST_KUBECTL=")
	out, _ := command.CombinedOutput()
	text := string(out)
	for _, pure := range []string{"TestTheLimiterForgetsCallsOfAMinute", "TestTheCacheKeepsWhatIsRead", "TestEveryDocumentedStateIsExplained"} {
		if !strings.Contains(text, "--- PASS: "+pure+" ") {
			t.Errorf("%s does not pass without a control plane", pure)
		}
	}
	if !strings.Contains(text, "KUBEBUILDER_ASSETS is not set: run the tests by `make test`") {
		t.Error("nothing says what the other tests need")
	}
	if at := strings.Index(text, "panic: "); at >= 0 {
		t.Errorf("a test uses the control plane without asking for it:\n%s", text[at:])
	}
}
