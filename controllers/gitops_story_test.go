// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/config/argocd"
	"github.com/greenapi-operator/greenapi-operator/internal/gitops"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// act runs an action of Argo CD over a resource, and sends the difference to the API server, as Argo CD does.
func (s *story) act(action, name string) {
	s.t.Helper()
	script, err := argocd.Script(action)
	s.Expect(err).NotTo(HaveOccurred())
	before := s.object(name)
	offered, err := argocd.Script("discovery")
	s.Expect(err).NotTo(HaveOccurred())
	actions, err := gitops.Discover(offered, before)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(actions).To(ContainElement(And(HaveField("Name", action), HaveField("Disabled", false))))
	made, err := gitops.Act(script, before)
	s.Expect(err).NotTo(HaveOccurred())
	from, err := before.MarshalJSON()
	s.Expect(err).NotTo(HaveOccurred())
	to, err := made.MarshalJSON()
	s.Expect(err).NotTo(HaveOccurred())
	patch, err := jsonpatch.CreateMergePatch(from, to)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(string(patch)).NotTo(ContainSubstring("status"), "an action is no matter of status")
	after := s.object(name)
	s.Expect(admin.Patch(s.ctx, after, client.RawPatch(types.MergePatchType, patch), client.FieldValidation("Strict"))).To(Succeed())
	s.awaitVersion(name, after.GetResourceVersion())
}

// awaitVersion waits until the operator's cache has a version of a resource.
func (s *story) awaitVersion(name, version string) {
	s.t.Helper()
	resource := instance.Kinds[s.kinds[name]].New()
	resource.SetNamespace(s.ns)
	resource.SetName(name)
	resource.SetResourceVersion(version)
	s.await(resource)
}

// TestTheActionsOfArgoCDDoWhatTheySay runs each over a resource of each kind that the operator looks after.
func TestTheActionsOfArgoCDDoWhatTheySay(t *testing.T) {
	for messenger, resource := range map[string]v1alpha1.Instance{
		emulator.WhatsApp: &v1alpha1.WhatsAppInstance{}, emulator.MAX: &v1alpha1.MaxInstance{}, emulator.Telegram: &v1alpha1.TelegramInstance{},
	} {
		t.Run(messenger, func(t *testing.T) {
			s := newStory(t)
			s.create("line", messenger, resource)
			s.settled("line", v1alpha1.ReasonSucceeded)
			asked := func(annotation string) string { return s.object("line").GetAnnotations()[annotation] }

			s.vendor.ResetCalls()
			s.act("reconcile", "line")
			s.forward(2 * time.Second)
			s.Expect(s.calls()).To(ContainElement("getSettings"), "everything is read now")
			s.Expect(s.status("line").LastHandledReconcileAt).To(And(Equal(asked(v1alpha1.ReconcileRequestedAtAnnotation)), Not(BeEmpty())))
			s.Expect(s.reboots()).To(Equal(0))

			s.act("reboot", "line")
			s.forward(time.Hour)
			s.Expect(s.reboots()).To(Equal(1), "one call")
			s.Expect(s.status("line").LastHandledRebootAt).To(And(Equal(asked(v1alpha1.RebootRequestedAtAnnotation)), Not(BeEmpty())))

			s.act("pause", "line")
			s.pass("line")
			s.vendor.ResetCalls()
			s.forward(3 * time.Hour)
			s.Expect(s.calls()).To(BeEmpty(), "no call while paused")
			s.Expect(s.condition("line", v1alpha1.PausedCondition).Status).To(Equal(metav1.ConditionTrue))

			s.act("resume", "line")
			s.forward(2 * time.Minute)
			s.Expect(s.calls()).NotTo(BeEmpty())
			s.Expect(s.condition("line", v1alpha1.PausedCondition).Status).To(BeEmpty())
			_, found, _ := unstructured.NestedFieldNoCopy(s.object("line").Object, "spec", "paused")
			s.Expect(found).To(BeFalse(), "spec.paused is unset again, as in the manifest")
			s.Expect(s.reboots()).To(Equal(0), "an old request is not carried out again")
		})
	}
}

// kubectl runs the real kubectl in the story's namespace, and returns its exit code and what it prints.
func (s *story) kubectl(args ...string) (int, string) {
	s.t.Helper()
	program := os.Getenv("TEST_KUBECTL")
	if program == "" {
		s.t.Fatal("TEST_KUBECTL is not set: run the tests by `make test`, or set it to what `make kubectl` prints")
	}
	path := filepath.Join(s.t.TempDir(), "kubeconfig")
	s.Expect(os.WriteFile(path, kubeconfig, 0o600)).To(Succeed())
	command := exec.CommandContext(s.ctx, program, append([]string{"--kubeconfig", path, "--namespace", s.ns}, args...)...)
	output, err := command.CombinedOutput()
	// It has a connection of its own.
	reads.Forget(s.ns)
	if command.ProcessState == nil {
		s.t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(output)
}

// samples writes the samples into a file as a user keeps them in Git, with the address of the emulator, and returns the
// file and the resources by their names.
func (s *story) samples() (path string, lines map[string]*unstructured.Unstructured) {
	s.t.Helper()
	paths, err := filepath.Glob("../config/samples/*-line.yaml")
	s.Expect(err).NotTo(HaveOccurred())
	lines = map[string]*unstructured.Unstructured{}
	var all []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		s.Expect(err).NotTo(HaveOccurred())
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			object := &unstructured.Unstructured{}
			s.Expect(yaml.Unmarshal([]byte(document), &object.Object)).To(Succeed())
			if address, found, _ := unstructured.NestedString(object.Object, "spec", "apiUrl"); found {
				document = strings.ReplaceAll(document, address, s.url)
			}
			if kind := slices.Index(argocd.Kinds, object.GetKind()); kind >= 0 {
				text, err := yaml.YAMLToJSON([]byte(document))
				s.Expect(err).NotTo(HaveOccurred())
				s.Expect(object.UnmarshalJSON(text)).To(Succeed())
				lines[object.GetName()], s.kinds[object.GetName()] = object, kind
			}
			all = append(all, document)
		}
	}
	path = filepath.Join(s.t.TempDir(), "samples.yaml")
	s.Expect(os.WriteFile(path, []byte(strings.Join(all, "\n---\n")), 0o600)).To(Succeed())
	return path, lines
}

// idOf is idInstance of a manifest.
func idOf(manifest *unstructured.Unstructured) int64 {
	id, _, _ := unstructured.NestedInt64(manifest.Object, "spec", "idInstance")
	return id
}

// desired is what a GitOps tool compares: a resource without its status and what the API server counts.
func (s *story) desired(name string) string {
	s.t.Helper()
	object := s.object(name)
	unstructured.RemoveNestedField(object.Object, "status")
	var mine []metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if entry.Subresource == "" {
			entry.Time = nil
			mine = append(mine, entry)
		}
	}
	object.SetManagedFields(mine)
	object.SetResourceVersion("")
	text, err := json.Marshal(object)
	s.Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// TestKubectlDiffShowsNothingForEver: whatever the operator does with what was applied, `kubectl diff` shows nothing, and
// nothing but the status changes.
func TestKubectlDiffShowsNothingForEver(t *testing.T) {
	for name, flags := range map[string][]string{"client-side": nil, "server-side": {"--server-side"}} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.lookSeldom()
			path, lines := s.samples()
			code, output := s.kubectl(append([]string{"apply", "-f", path}, flags...)...)
			s.Expect(code).To(Equal(0), output)
			s.Expect(lines).To(HaveLen(5))
			before := map[string]string{}
			for line, manifest := range lines {
				object := s.object(line)
				s.Expect(object.Object["spec"]).To(Equal(manifest.Object["spec"]), "the API server fills nothing in")
				s.vendor.Add(emulator.Instance{ID: idOf(manifest), Token: fmt.Sprint("replace-me-", idOf(manifest)), Messenger: instance.Kinds[s.kinds[line]].Messenger})
				s.awaitVersion(line, object.GetResourceVersion())
				before[line] = s.desired(line)
			}
			nothing := func(when string) {
				s.t.Helper()
				// Compared as it was applied: otherwise kubectl shows what it notes for itself.
				code, output := s.kubectl(append([]string{"diff", "-f", path}, flags...)...)
				s.Expect(code).To(Equal(0), "%s, kubectl diff shows:\n%s", when, output)
				for line := range lines {
					s.Expect(s.desired(line)).To(Equal(before[line]), "%s, of %s", when, line)
				}
			}
			nothing("at first")
			s.forward(time.Second)
			nothing("after the first look")
			s.forward(time.Hour)
			for line := range lines {
				s.Expect(s.ready(line).Status).To(Equal(metav1.ConditionTrue), line)
			}
			nothing("when all is settled")
			for _, manifest := range lines {
				s.vendor.Edit(idOf(manifest), map[string]any{"incomingWebhook": "no", "keepOnlineStatus": "no", "webhookUrl": "https://other.example"})
			}
			s.forward(3 * time.Hour)
			s.Expect(s.vendor.Restarts(instanceID)).To(Equal(2), "drift of support-line was corrected")
			s.Expect(s.condition("new-line", v1alpha1.SyncedCondition).Reason).To(Equal(v1alpha1.ReasonDriftDetected))
			nothing("after drift")
			for _, manifest := range lines {
				s.vendor.SetState(idOf(manifest), emulator.StateNotAuthorized)
			}
			s.forward(24 * time.Hour)
			nothing("a day later")
			code, output = s.kubectl(append([]string{"apply", "-f", path}, flags...)...)
			s.Expect(code).To(Equal(0), output)
			nothing("after the same was applied again")

			// A pause that Git knows nothing of is no difference either, and applying does not undo it.
			s.act("pause", "support-line")
			s.act("reconcile", "sales-line")
			code, output = s.kubectl(append([]string{"diff", "-f", path}, flags...)...)
			s.Expect(code).To(Equal(0), output)
			code, output = s.kubectl(append([]string{"apply", "-f", path}, flags...)...)
			s.Expect(code).To(Equal(0), output)
			paused, _, _ := unstructured.NestedBool(s.object("support-line").Object, "spec", "paused")
			s.Expect(paused).To(BeTrue())
			s.Expect(s.object("sales-line").GetAnnotations()).To(HaveKey(v1alpha1.ReconcileRequestedAtAnnotation))
			s.Expect(s.failures).To(BeEmpty())
		})
	}
}
