// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"

	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// TestPureTestsNeedNoControlPlane runs all tests where there is no control plane: the pure ones pass, and no other one goes
// on without.
func TestPureTestsNeedNoControlPlane(t *testing.T) {
	t.Parallel()
	testenv.CheckPureTests(t, "KUBEBUILDER_ASSETS is not set: run the tests by `make test`",
		"TestEachFactIsLoggedAndAnEvent", "TestFactsAreToldInOrder")
}
