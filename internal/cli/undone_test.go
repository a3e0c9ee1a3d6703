// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

const fluxOwner = "kustomize-controller"

// flux does to a line what Flux's kustomize-controller does at each reconcile: it takes over the fields of managers whose
// name begins with kubectl (and of its own and of before-first-apply, by Update), and applies what Git has. The rule is
// that of PatchReplaceFieldsManagers and matchFieldManager in github.com/fluxcd/pkg/ssa v0.76.0 (patch.go), with the
// managers that kustomize-controller 1.9 names in its ApplyCleanupOptions.
func (d *desk) flux(line client.Object, inGit string) {
	d.t.Helper()
	live := &unstructured.Unstructured{}
	live.SetAPIVersion(v1alpha1.GroupVersion.String())
	live.SetKind("WhatsAppInstance")
	d.Expect(admin.Get(d.ctx, client.ObjectKeyFromObject(line), live)).To(Succeed())
	taken, others := map[string]any{}, []metav1.ManagedFieldsEntry{}
	last := metav1.ManagedFieldsEntry{Manager: fluxOwner, Operation: metav1.ManagedFieldsOperationApply, APIVersion: live.GetAPIVersion(), FieldsType: "FieldsV1"}
	for _, entry := range live.GetManagedFields() {
		own := entry.Manager == fluxOwner && entry.Operation == metav1.ManagedFieldsOperationApply
		foreign := entry.Subresource == "" && (strings.HasPrefix(entry.Manager, "kubectl") ||
			entry.Operation == metav1.ManagedFieldsOperationUpdate && (strings.HasPrefix(entry.Manager, "before-first-apply") || strings.HasPrefix(entry.Manager, fluxOwner)))
		if !own && !foreign {
			others = append(others, entry)
			continue
		}
		var fields map[string]any
		d.Expect(json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields)).To(Succeed())
		unite(taken, fields)
	}
	if len(taken) > 0 {
		raw, err := json.Marshal(taken)
		d.Expect(err).NotTo(HaveOccurred())
		last.FieldsV1 = &metav1.FieldsV1{}
		last.FieldsV1.SetRawBytes(raw)
		patch, err := json.Marshal([]map[string]any{{"op": "replace", "path": "/metadata/managedFields", "value": append(others, last)}})
		d.Expect(err).NotTo(HaveOccurred())
		d.Expect(admin.Patch(d.ctx, live, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(fluxOwner))).To(Succeed())
	}
	d.Expect(admin.Patch(d.ctx, live, client.RawPatch(types.ApplyPatchType, []byte(inGit)), client.FieldOwner(fluxOwner), client.ForceOwnership)).To(Succeed())
}

// unite adds the fields of one tree to another.
func unite(into, from map[string]any) {
	for name, below := range from {
		there, ok := into[name].(map[string]any)
		if more, deep := below.(map[string]any); ok && deep {
			unite(there, more)
		} else {
			into[name] = below
		}
	}
}

// inGit is the manifest of a line, with more fields of its spec.
func (d *desk) inGit(line *v1alpha1.WhatsAppInstance, more map[string]any) string {
	d.t.Helper()
	spec := map[string]any{"idInstance": line.Spec.IDInstance, "apiTokenSecretRef": map[string]any{"name": line.Spec.APITokenSecretRef.Name}}
	unite(spec, more)
	text, err := json.Marshal(map[string]any{"apiVersion": v1alpha1.GroupVersion.String(), "kind": "WhatsAppInstance",
		"metadata": map[string]any{"namespace": d.ns, "name": line.Name}, "spec": spec})
	d.Expect(err).NotTo(HaveOccurred())
	return string(text)
}

func (d *desk) reread(line *v1alpha1.WhatsAppInstance) *v1alpha1.WhatsAppInstance {
	d.t.Helper()
	d.Expect(admin.Get(d.ctx, client.ObjectKeyFromObject(line), line)).To(Succeed())
	return line
}

// TestFluxLeavesAloneWhatThePluginWrites: a pause and the requests outlive a reconcile of Flux, and one made by kubectl
// does not, which shows that the stand-in for Flux is one.
func TestFluxLeavesAloneWhatThePluginWrites(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.craft("support", 1, nil)
	manifest := d.inGit(line, nil)
	d.flux(line, manifest)
	d.Expect(d.kubectl("reconcile", "support").err).To(BeEmpty())
	d.Expect(d.kubectl("reboot", "support", "--yes").err).To(BeEmpty())
	paused := d.kubectl("pause", "support")
	d.Expect(paused).To(Equal(result{out: "WhatsAppInstance " + d.ns + "/support: paused\n"}), "no warning: Git does not have paused")
	for range 2 {
		d.flux(line, manifest)
	}
	d.Expect(d.reread(line).Spec.Paused).To(BeTrue())
	d.Expect(line.Annotations).To(And(HaveKey(v1alpha1.ReconcileRequestedAtAnnotation), HaveKey(v1alpha1.RebootRequestedAtAnnotation)))
	for _, entry := range line.ManagedFields {
		d.Expect(entry.Manager).NotTo(HavePrefix("kubectl"))
	}
	d.Expect(d.kubectl("resume", "support").err).To(BeEmpty())
	d.flux(line, manifest)
	d.Expect(d.reread(line).Spec.Paused).To(BeFalse())

	d.Expect(admin.Patch(d.ctx, line, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"paused":true}}`)), client.FieldOwner("kubectl-patch"))).To(Succeed())
	d.flux(line, manifest)
	d.Expect(d.reread(line).Spec.Paused).To(BeFalse(), "Flux undoes what kubectl did")
}

// TestAPauseThatGitUndoesIsTold: a warning where the tool has the field, and only there.
func TestAPauseThatGitUndoesIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	byFlux := d.craft("by-flux", 1, nil)
	d.flux(byFlux, d.inGit(byFlux, map[string]any{"paused": false}))
	told := d.kubectl("pause", "by-flux")
	d.Expect(told.code).To(Equal(exitDone))
	d.Expect(told.err).To(Equal("warning: WhatsAppInstance " + d.ns + "/by-flux: Flux (kustomize-controller) sets paused from Git, and undoes this at its next reconcile. Change it in Git\n"))

	byArgo := d.craft("by-argo", 2, nil)
	byArgo.Annotations = map[string]string{argoTracking: "lines:messaging.greenapi-operator.dev/WhatsAppInstance:" + d.ns + "/by-argo"}
	d.Expect(admin.Update(d.ctx, byArgo)).To(Succeed())
	d.Expect(d.kubectl("resume", "by-argo").err).To(BeEmpty(), "Git does not have paused")
	d.Expect(admin.Patch(d.ctx, byArgo, client.RawPatch(types.ApplyPatchType, []byte(d.inGit(byArgo, map[string]any{"paused": true}))), client.FieldOwner("argocd-controller"), client.ForceOwnership)).To(Succeed())
	d.Expect(d.kubectl("resume", "by-argo").err).To(ContainSubstring("by-argo: Argo CD (Application lines) sets paused from Git, and undoes this at once if the Application has selfHeal"))
}

// TestEveryWriteHasTheFieldManager: nothing in this package and below it makes a client of its own.
func TestEveryWriteHasTheFieldManager(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(fieldOwner).NotTo(HavePrefix("kubectl"))
	made := 0
	for _, file := range sourceFiles(g) {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		made += len(regexp.MustCompile(`client\.New\w*\(|kubernetes\.New|dynamic\.New`).FindAll(text, -1))
		g.Expect(string(text)).NotTo(ContainSubstring("client.FieldOwner("), file)
	}
	g.Expect(made).To(Equal(1), "the client of session.go signs what it writes")
}
