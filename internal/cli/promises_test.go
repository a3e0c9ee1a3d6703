// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv/flux"
)

// TestDiffOfAFileKnowsTheOwnerOfANumber: of two resources whose token was accepted the older one owns the instance, whether its
// manifest is read from a file or from the cluster.
func TestDiffOfAFileKnowsTheOwnerOfANumber(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.line("owner", 1, nil)
	other := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "younger"}}
	other.Spec = *owner.Spec.DeepCopy()
	// Times of creation have seconds.
	d.Eventually(func() int64 { return time.Now().Unix() }, patience).Should(BeNumerically(">", owner.CreationTimestamp.Unix()))
	d.Expect(admin.Create(d.ctx, other)).To(Succeed())
	for _, line := range []*v1alpha1.WhatsAppInstance{owner, other} {
		line.Status.StateInstance, line.Status.APIURL = "authorized", d.url
		d.Expect(admin.Status().Update(d.ctx, line)).To(Succeed())
	}
	file := d.file("x.yaml", d.manifestText("WhatsAppInstance", "owner", owner.Spec.IDInstance, "incomingWebhook: true"))
	found, r := d.items("-f", file)
	d.Expect(r.code).To(Equal(exitNo), r.err)
	d.Expect(found["owner"].Write).To(Equal(writeNow), found["owner"].Why)
}

// TestDiffSaysWhatTheOperatorRefusesAsWebhookToken: also where only the files, or the values, tell that it is an API token.
func TestDiffSaysWhatTheOperatorRefusesAsWebhookToken(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{
		"the key that is one's own API token":    "incomingWebhook: true, webhookUrlTokenSecretRef: {name: thief-token, key: other}",
		"that of another line in the same files": "incomingWebhook: true, webhookUrlTokenSecretRef: {name: new-token, key: other}",
		"a copy of one's own API token":          "incomingWebhook: true, webhookUrlTokenSecretRef: {name: copy, key: token}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			const mine, theirs = "canary-token-of-the-thief-0123456789", "canary-token-of-the-other-0123456789"
			d.vendor.Add(emulator.Instance{ID: firstID, Token: mine})
			d.vendor.Add(emulator.Instance{ID: firstID + 1, Token: theirs})
			d.secret("thief-token", map[string]string{"other": mine})
			d.secret("new-token", map[string]string{"other": theirs})
			d.secret("copy", map[string]string{"token": mine})
			manifest := func(name string, id int64, settings string) string {
				return fmt.Sprintf("apiVersion: messaging.greenapi-operator.dev/v1alpha1\nkind: WhatsAppInstance\nmetadata: {name: %s}\nspec:\n  idInstance: %d\n  apiUrl: %s\n  apiTokenSecretRef: {name: %s-token, key: other}\n  settings: {%s}\n",
					name, id, d.url, name, settings)
			}
			file := d.file("x.yaml", manifest("thief", firstID, settings)+"---\n"+manifest("new", firstID+1, ""))
			found, r := d.items("-f", file)
			d.Expect(r.code).To(Equal(exitNo), r.err)
			d.Expect(found["thief"].Write).To(Equal(writeNot), found["thief"].Why)
		})
	}
}

// TestAPauseOfKubectlsIsTakenOver: whoever reads that Flux undoes what kubectl did, and pauses by the plugin, has a pause that holds,
// or is told that it does not.
func TestAPauseOfKubectlsIsTakenOver(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.craft("support", 1, nil)
	manifest := d.inGit(line, nil)
	flux.Apply(t, admin, manifest)
	d.Expect(admin.Patch(d.ctx, line, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"paused":true}}`)), client.FieldOwner("kubectl-patch"))).To(Succeed())
	told := d.kubectl("pause", "support")
	d.Expect(told.code).To(Equal(exitDone))
	flux.Apply(t, admin, manifest)
	if told.err == "" {
		d.Expect(d.reread(line).Spec.Paused).To(BeTrue(), "nothing was said, and Flux undid it")
	}
}

// TestARequestIsLaterThanTheHandledOne: of two times only a later one is a request, and the clock of another machine may have
// been ahead.
func TestARequestIsLaterThanTheHandledOne(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ahead := time.Now().Add(time.Hour).Truncate(time.Second)
	line := d.craft("support", 1, func(s *v1alpha1.InstanceStatus, _ func(time.Duration) metav1.Time) {
		s.LastHandledRebootAt, s.LastHandledReconcileAt = ahead.UTC().Format(time.RFC3339), ahead.Format(time.RFC3339Nano)
	})
	d.Expect(d.kubectl("reboot", "support", "--yes").code).To(Equal(exitDone))
	d.Expect(d.kubectl("reconcile", "support").code).To(Equal(exitDone))
	d.reread(line)
	for _, name := range []string{v1alpha1.RebootRequestedAtAnnotation, v1alpha1.ReconcileRequestedAtAnnotation} {
		at, err := time.Parse(time.RFC3339, line.Annotations[name])
		d.Expect(err).NotTo(HaveOccurred())
		d.Expect(at.After(ahead)).To(BeTrue(), "%s: %s is not later than %s", name, at, ahead)
	}
}

// TestAPauseThatArgoUndoesIsToldWithoutTheAnnotation: Argo CD may know what is its own by a label too.
func TestAPauseThatArgoUndoesIsToldWithoutTheAnnotation(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.craft("by-argo", 1, nil)
	line.Labels = map[string]string{argoLabel: "lines"}
	d.Expect(admin.Update(d.ctx, line)).To(Succeed())
	d.Expect(d.kubectl("pause", "by-argo").err).To(BeEmpty(), "Git does not have paused")
	d.argoApplies(d.inGit(line, map[string]any{"paused": true}))
	d.Expect(d.kubectl("resume", "by-argo").err).To(ContainSubstring("by-argo: Argo CD (Application lines) sets paused from Git"))
}

// TestWhatIsPausedIsNoProblem, also while no operator runs that would say so in the status.
func TestWhatIsPausedIsNoProblem(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.craft("support", 1, func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		set(s, at(time.Minute), v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ReasonUnauthorized, "The vendor refused the API token")
	})
	d.Expect(d.kubectl("status", "--problems").out).To(ContainSubstring("support"))
	d.Expect(d.kubectl("pause", "support").code).To(Equal(exitDone))
	shown := d.kubectl("status", "--problems")
	d.Expect(shown.out).NotTo(ContainSubstring("support"))
	d.Expect(shown.err).To(ContainSubstring("1 paused"))
}
