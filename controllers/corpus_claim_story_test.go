// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/gitops"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

func theClaim(s *story, take taking) {
	s.options.Claims = true
	s.restart()
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(says(metav1.ConditionFalse, v1alpha1.ReasonCreatePending, "The list of instances is read"))
	s.apply("line", whatsApp(nil))
	s.pass("line")
	take("line", "waiting-for-the-claim", gitops.Progressing)
	s.claimSays(s.has(instanceID, v1alpha1.ClaimAdopted))
	s.settled("line", v1alpha1.ReasonSucceeded)
	take("line", "healthy-with-a-claim", gitops.Healthy)
	s.claimSays(says(metav1.ConditionFalse, v1alpha1.ReasonInstanceMissing, "Instance 710700000001 is gone"))
	s.pass("line")
	take("line", "claim-lost-its-instance", gitops.Progressing)
}

func theBoughtOne(s *story, take taking) {
	s.options.Claims = true
	s.restart()
	s.sells(instanceID, emulator.WhatsApp)
	s.claims()
	s.claimSays(s.has(instanceID, v1alpha1.ClaimCreated))
	s.vendor.Fault(emulator.Fault{Status: 401, Times: -1})
	s.apply("line", whatsApp(nil))
	s.pass("line")
	take("line", "not-available-bought-just-now", gitops.Progressing)
}
