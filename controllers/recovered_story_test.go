// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestARecoveryIsToldOnce: what a warning told of is told to be over, once, and a first start is no recovery.
func TestARecoveryIsToldOnce(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Token = "rotated-token-abcdef" })
	s.pass("line")
	s.Expect(s.condition("line", v1alpha1.CredentialsValidCondition).Status).To(Equal(metav1.ConditionFalse))
	s.Expect(s.events.count("Normal CredentialsAccepted")).To(BeZero())
	s.secret("line-token", map[string]string{"apiTokenInstance": "rotated-token-abcdef"})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.events.count("Warning CredentialsRejected")).To(Equal(1))
	s.Expect(s.events.count("Normal CredentialsAccepted")).To(Equal(1))
	recovered := s.events.count("Normal Recovered")
	s.forward(time.Hour)
	s.Expect(s.events.count("Normal CredentialsAccepted")).To(Equal(1))
	s.Expect(s.events.count("Normal Recovered")).To(Equal(recovered))
}

func TestAFirstStartIsNoRecovery(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.events.count("Normal Recovered")).To(BeZero())
	s.Expect(s.events.count("Normal CredentialsAccepted")).To(BeZero())
}

// TestRecoveredWithoutAWrite: nothing differs, so Ready goes from False to True in one pass.
func TestRecoveredWithoutAWrite(t *testing.T) {
	s := newStory(t)
	s.instance("line", nil)
	s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Token = "rotated-token-abcdef" })
	s.pass("line")
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionFalse))
	s.secret("line-token", map[string]string{"apiTokenInstance": "rotated-token-abcdef"})
	s.forward(time.Hour)
	s.Expect(s.ready("line").Status).To(Equal(metav1.ConditionTrue))
	s.Expect(s.events.count("Normal Recovered")).To(Equal(1))
}
