// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// countWrites counts the status writes of the operator.
func (s *story) countWrites(n *int) {
	s.wrapClient = func(c client.Client) client.Client {
		return interceptor.NewClient(withoutWatch{c}, interceptor.Funcs{
			SubResourceUpdate: func(ctx context.Context, inner client.Client, sub string, object client.Object, opts ...client.SubResourceUpdateOption) error {
				*n++
				return inner.SubResource(sub).Update(ctx, object, opts...)
			},
		})
	}
}

// The table of failures says 429: 1 s doubling to 1 min. Only setSettings is limited here.
func TestFailingWritesBackOffAtARateLimit(t *testing.T) {
	s := newStory(t)
	writes := 0
	s.countWrites(&writes)
	s.restart()
	s.instance("line", incoming(true))
	s.vendor.Fault(emulator.Fault{Method: "setSettings", Status: 429, Times: -1})
	s.forward(3 * time.Minute)
	t.Logf("in 3 minutes: %d setSettings, %d calls in all, %d status writes", len(s.sets()), len(s.calls()), writes)
	s.Expect(len(s.sets())).To(BeNumerically("<=", 10), "1 s doubling to 1 min")
}

// noConnection is a vendor to which no new connection can be made, while kept ones (of the methods that read) go on.
type noConnection struct{ controllers.Vendor }

func (noConnection) SetSettings(context.Context, map[string]any, greenapi.Permit) (bool, error) {
	return false, &greenapi.TransportError{Method: "setSettings", What: "connection refused"}
}

// Network: 1 s doubling to 5 min.
func TestFailingWritesBackOffWithoutAConnection(t *testing.T) {
	s := newStory(t)
	writes, tries := 0, 0
	s.countWrites(&writes)
	s.wrapVendor = func(v controllers.Vendor) controllers.Vendor { tries++; return noConnection{v} }
	s.restart()
	s.instance("line", incoming(true))
	s.forward(3 * time.Minute)
	t.Logf("in 3 minutes: %d calls that read, %d status writes", len(s.calls()), writes)
	s.Expect(writes).To(BeNumerically("<=", 40), "1 s doubling to 5 min is about 10 attempts")
}

// 403 on setSettings alone, for ever: Stalled after three looks, then looked at every settingsInterval.
func TestRefusedWritesStall(t *testing.T) {
	for _, code := range []int{401, 403, 404} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			s := newStory(t)
			writes := 0
			s.countWrites(&writes)
			s.restart()
			s.instance("line", incoming(true))
			s.vendor.Fault(emulator.Fault{Method: "setSettings", Status: code, Times: -1})
			s.forward(time.Hour)
			t.Logf("in 1 hour: %d setSettings, %d status writes, Ready %s %s, Stalled %q", len(s.sets()), writes, s.ready("line").Status, s.ready("line").Reason,
				s.condition("line", v1alpha1.StalledCondition).Reason)
			s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).NotTo(BeEmpty())
		})
	}
}

// A requested reboot that is answered 429.
func TestFailingRebootsBackOff(t *testing.T) {
	s := newStory(t)
	writes := 0
	s.countWrites(&writes)
	s.restart()
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Fault(emulator.Fault{Method: "reboot", Status: 429, Times: -1})
	s.edit("line", askForReboot)
	before := writes
	s.forward(3 * time.Minute)
	t.Logf("in 3 minutes: %d reboot calls, %d status writes", len(s.vendor.Calls(instanceID, "reboot")), writes-before)
	s.Expect(len(s.vendor.Calls(instanceID, "reboot"))).To(BeNumerically("<=", 20))
}

// The same for a fleet.
func TestFailingWritesOfAFleetBackOff(t *testing.T) {
	l := newLines(t, 20, intstr.FromInt32(5))
	writes := 0
	l.countWrites(&writes)
	l.restart()
	l.forward(time.Minute)
	l.vendor.Fault(emulator.Fault{Method: "setSettings", Status: 429, Times: -1})
	l.changeAll()
	before := writes
	l.forward(time.Minute)
	sets := 0
	for i := range 20 {
		sets += len(l.vendor.Calls(instanceID+int64(i), "setSettings"))
	}
	t.Logf("20 lines, 1 minute: %d setSettings, %d status writes", sets, writes-before)
	l.Expect(sets).To(BeNumerically("<=", 20*7))
}
