// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// TestTheSpacingForgetsCallsOfAMinute: a fleet in which every instance is called once a minute is not remembered whole.
func TestTheSpacingForgetsCallsOfAMinute(t *testing.T) {
	g := NewWithT(t)
	s, now, most := NewSpacing(0), time.Now(), 0
	const instances = 600
	for id := range int64(2 * instances) {
		key := keys.Instance{ID: id % instances}
		g.Expect(s.Take(now, key, time.Second, "getStateInstance")).To(BeZero())
		g.Expect(s.Take(now, key, time.Second, "getStateInstance")).NotTo(BeZero(), "what holds a call back stays")
		s.Done(now, key, "getStateInstance")
		most = max(most, len(s.next))
		now = now.Add(time.Minute / instances)
	}
	g.Expect(most).To(BeNumerically("<", instances/3))
}
