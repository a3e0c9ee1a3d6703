// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// TestTheLimiterForgetsCallsOfAMinute: a fleet in which every instance is called once a minute is not remembered whole.
func TestTheLimiterForgetsCallsOfAMinute(t *testing.T) {
	g := NewWithT(t)
	l, now, most := newLimiter(0), time.Now(), 0
	const instances = 600
	for id := range int64(2 * instances) {
		key := keys.Instance{ID: id % instances}
		g.Expect(l.take(now, key, time.Second, "getStateInstance")).To(BeZero())
		g.Expect(l.take(now, key, time.Second, "getStateInstance")).NotTo(BeZero(), "what holds a call back stays")
		l.done(now, key, "getStateInstance")
		most = max(most, len(l.next))
		now = now.Add(time.Minute / instances)
	}
	g.Expect(most).To(BeNumerically("<", instances/3))
}
