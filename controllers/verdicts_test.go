// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/config/argocd"
	"github.com/greenapi-operator/greenapi-operator/internal/gitops"
)

// argoFolder holds what teaches Argo CD a kind.
func argoFolder(kind string) string {
	return filepath.Join("..", "config", "argocd", filepath.FromSlash(argocd.Customization(kind)))
}

var healthScript = sync.OnceValue(func() string {
	text, err := argocd.Script("health")
	if err != nil {
		panic(err)
	}
	return text
})

// kindOf returns the name of a resource's kind.
func kindOf(instance v1alpha1.Instance) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", instance), "*v1alpha1.")
}

// checkVerdicts holds what Argo CD and Flux say of a stored resource against its conditions, and sees that the corpus of
// statuses, which others test their tools with, has each thing that the three conditions of progress say.
func checkVerdicts(t *testing.T, instance v1alpha1.Instance) {
	t.Helper()
	object, err := gitops.Unstructured(instance, kindOf(instance))
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := gitops.Judge(healthScript(), object)
	if err != nil {
		t.Errorf("%v, for the conditions %+v", err, instance.InstanceStatus().Conditions)
		return
	}
	if fault := verdict.Fault(instance); fault != "" {
		t.Errorf("%s, for generation %d of %d and the conditions %+v", fault, instance.InstanceStatus().ObservedGeneration,
			instance.GetGeneration(), instance.InstanceStatus().Conditions)
	}
	if *updateCorpus {
		return
	}
	for _, condition := range instance.InstanceStatus().Conditions {
		switch condition.Type {
		case v1alpha1.ReadyCondition, v1alpha1.ReconcilingCondition, v1alpha1.StalledCondition, v1alpha1.PausedCondition:
			if said := saying(condition.Type, string(condition.Status), condition.Reason); !corpusSays()[said] {
				t.Errorf("no status in config/argocd says %q, and the operator does: let TestTheCorpusOfStatuses make one", said)
			}
		}
	}
}

func saying(condition, status, reason string) string { return condition + " " + status + " " + reason }

// corpusSays is everything that a condition says anywhere in the corpus.
var corpusSays = sync.OnceValue(func() map[string]bool {
	said := map[string]bool{}
	for _, kind := range argocd.Kinds {
		paths, err := filepath.Glob(filepath.Join(argoFolder(kind), "testdata", "*.yaml"))
		if err != nil || len(paths) == 0 {
			panic(fmt.Sprint("no statuses of ", kind, ": ", err))
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				panic(err)
			}
			// The kinds share their status.
			resource := &v1alpha1.WhatsAppInstance{}
			if err := yaml.Unmarshal(text, resource); err != nil {
				panic(path + ": " + err.Error())
			}
			for _, condition := range resource.Status.Conditions {
				said[saying(condition.Type, string(condition.Status), condition.Reason)] = true
			}
		}
	}
	return said
})

// TestEveryDocumentedReasonHasAStatusInTheCorpus: whoever tests a tool with the corpus has met every word of this operator.
func TestEveryDocumentedReasonHasAStatusInTheCorpus(t *testing.T) {
	shown := map[string]bool{}
	for said := range corpusSays() {
		shown[said[strings.LastIndex(said, " ")+1:]] = true
	}
	for reason := range documentedReasons() {
		if !shown[reason] && !slices.Contains(ofOtherKinds, reason) {
			t.Errorf("no status in config/argocd shows the reason %s", reason)
		}
	}
	for _, reason := range stalling {
		if !corpusSays()[saying(v1alpha1.StalledCondition, "True", reason)] {
			t.Errorf("no status in config/argocd is Stalled for %s", reason)
		}
	}
}

// ofOtherKinds are reasons that partner accounts and claims have, and no instance.
var ofOtherKinds = []string{
	v1alpha1.ReasonAccountMismatch, v1alpha1.ReasonAccountNotReady, v1alpha1.ReasonAmbiguousName, v1alpha1.ReasonCreatePending, v1alpha1.ReasonCreateRejected,
	v1alpha1.ReasonDeleting, v1alpha1.ReasonInstanceMissing, v1alpha1.ReasonLimitReached, v1alpha1.ReasonModeObserve, v1alpha1.ReasonNameNotAllowed,
	v1alpha1.ReasonNameTaken, v1alpha1.ReasonNamespaceNotAllowed, v1alpha1.ReasonOutcomeUnknown, v1alpha1.ReasonSecretConflict,
}

// stalling are the reasons of Stalled, in the order in which rule R26 prefers them.
var stalling = []string{
	v1alpha1.ReasonDuplicateInstance, v1alpha1.ReasonEndpointNotAllowed, v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretKeyMissing,
	v1alpha1.ReasonTokenMalformed, v1alpha1.ReasonUnauthorized, v1alpha1.ReasonMessengerMismatch, v1alpha1.ReasonInstanceNotFound,
	v1alpha1.ReasonExpired, v1alpha1.ReasonDeleted, v1alpha1.ReasonStuckStarting, v1alpha1.ReasonSettingsRejected,
	v1alpha1.ReasonSettingsNotPersisted, v1alpha1.ReasonSettingNotSupported, v1alpha1.ReasonDriftFlapping,
}
