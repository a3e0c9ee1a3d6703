// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// TestR13TheDefaultLimits are those that the pages name.
func TestR13TheDefaultLimits(t *testing.T) {
	t.Parallel()
	want := plan.Limits{SettleTimeout: 360 * time.Second, SettlePoll: 20 * time.Second, RetryAfter: 900 * time.Second, MaxAttempts: 3, FlapThreshold: 3, FlapWindow: 21600 * time.Second}
	if got := plan.DefaultLimits(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
