// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"maps"
	"os"
	"regexp"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv/flux"
)

// inGit is the manifest of a line, with more fields of its spec.
func (d *desk) inGit(line *v1alpha1.WhatsAppInstance, more map[string]any) *unstructured.Unstructured {
	spec := map[string]any{"idInstance": line.Spec.IDInstance, "apiTokenSecretRef": map[string]any{"name": line.Spec.APITokenSecretRef.Name}}
	maps.Copy(spec, more)
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": v1alpha1.GroupVersion.String(), "kind": "WhatsAppInstance",
		"metadata": map[string]any{"namespace": d.ns, "name": line.Name}, "spec": spec}}
}

// argoApplies does what Argo CD does with ServerSideApply=true.
func (d *desk) argoApplies(manifest *unstructured.Unstructured) {
	d.t.Helper()
	d.Expect(admin.Apply(d.ctx, client.ApplyConfigurationFromUnstructured(manifest), client.FieldOwner("argocd-controller"), client.ForceOwnership)).To(Succeed())
}

func (d *desk) reread(line *v1alpha1.WhatsAppInstance) *v1alpha1.WhatsAppInstance {
	d.t.Helper()
	d.Expect(admin.Get(d.ctx, client.ObjectKeyFromObject(line), line)).To(Succeed())
	return line
}

// TestFluxLeavesAloneWhatThePluginWrites: a pause and the requests outlive a reconcile of Flux, and one made by kubectl
// does not.
func TestFluxLeavesAloneWhatThePluginWrites(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.craft("support", 1, nil)
	manifest := d.inGit(line, nil)
	flux.Apply(t, admin, manifest)
	d.Expect(d.kubectl("reconcile", "support").err).To(BeEmpty())
	d.Expect(d.kubectl("reboot", "support", "--yes").err).To(BeEmpty())
	paused := d.kubectl("pause", "support")
	d.Expect(paused).To(Equal(result{out: "WhatsAppInstance " + d.ns + "/support: paused\n"}), "no warning: Git does not have paused")
	for range 2 {
		flux.Apply(t, admin, manifest)
	}
	d.Expect(d.reread(line).Spec.Paused).To(BeTrue())
	d.Expect(line.Annotations).To(And(HaveKey(v1alpha1.ReconcileRequestedAtAnnotation), HaveKey(v1alpha1.RebootRequestedAtAnnotation)))
	for _, entry := range line.ManagedFields {
		d.Expect(entry.Manager).NotTo(HavePrefix("kubectl"))
	}
	d.Expect(d.kubectl("resume", "support").err).To(BeEmpty())
	flux.Apply(t, admin, manifest)
	d.Expect(d.reread(line).Spec.Paused).To(BeFalse())

	d.Expect(admin.Patch(d.ctx, line, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"paused":true}}`)), client.FieldOwner("kubectl-patch"))).To(Succeed())
	flux.Apply(t, admin, manifest)
	d.Expect(d.reread(line).Spec.Paused).To(BeFalse(), "Flux undoes what kubectl did")
}

// TestAPauseThatGitUndoesIsTold: a warning where the tool has the field, and only there.
func TestAPauseThatGitUndoesIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	byFlux := d.craft("by-flux", 1, nil)
	flux.Apply(t, admin, d.inGit(byFlux, map[string]any{"paused": false}))
	told := d.kubectl("pause", "by-flux")
	d.Expect(told.code).To(Equal(exitDone))
	d.Expect(told.err).To(Equal("warning: WhatsAppInstance " + d.ns + "/by-flux: Flux (kustomize-controller) sets paused from Git, and undoes this at its next reconcile. Change it in Git\n"))

	byArgo := d.craft("by-argo", 2, nil)
	byArgo.Annotations = map[string]string{argoTracking: "lines:messaging.greenapi-operator.dev/WhatsAppInstance:" + d.ns + "/by-argo"}
	d.Expect(admin.Update(d.ctx, byArgo)).To(Succeed())
	d.Expect(d.kubectl("resume", "by-argo").err).To(BeEmpty(), "Git does not have paused")
	d.argoApplies(d.inGit(byArgo, map[string]any{"paused": true}))
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
