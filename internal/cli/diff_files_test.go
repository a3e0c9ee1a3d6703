// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// manifestText is a manifest of an instance that wants one setting.
func (d *desk) manifestText(kind, name string, id int64, settings string) string {
	return fmt.Sprintf(`apiVersion: messaging.greenapi-operator.dev/v1alpha1
kind: %s
metadata: {name: %s}
spec:
  idInstance: %d
  apiUrl: %s
  apiTokenSecretRef: {name: %s-token}
  settings: {%s}
`, kind, name, id, d.url, name, settings)
}

// withInput runs the verb with the real kubectl and an input.
func (d *desk) withInput(input string, arguments ...string) result {
	d.t.Helper()
	var out, errOut bytes.Buffer
	command := d.command(arguments...)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewBufferString(input), &out, &errOut
	_ = command.Run()
	r := result{out: out.String(), err: errOut.String(), code: command.ProcessState.ExitCode()}
	d.search(r)
	return r
}

const secretOfFile = `apiVersion: v1
kind: Secret
metadata: {name: support-line-token}
stringData: {apiTokenInstance: %s}
---
`

func TestDiffComparesAManifestThatIsNotAppliedYet(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	token := "canary-token-in-the-file-0123456789"
	d.secrets.Add(token)
	d.vendor.Add(emulator.Instance{ID: firstID, Token: token, Messenger: emulator.Telegram})
	manifest := d.manifestText("TelegramInstance", "support-line", firstID, "incomingWebhook: yes")
	shown := d.withInput(fmt.Sprintf(secretOfFile, token)+manifest, append([]string{"diff", "-f", "-"}, toTheEmulator...)...)
	d.Expect(shown.err).To(BeEmpty())
	d.Expect(shown.code).To(Equal(exitNo))
	golden(t, "diff-file", d.same(shown.out))

	// The same in a folder, with data instead of stringData and with what is none of our business.
	folder := t.TempDir()
	for name, text := range map[string]string{
		"a.yaml":    manifest,
		"b.json":    `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "support-line-token"}, "data": {"apiTokenInstance": "Y2FuYXJ5LXRva2VuLWluLXRoZS1maWxlLTAxMjM0NTY3ODk="}}`,
		"c.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n",
		"notes.txt": "not a manifest",
	} {
		d.Expect(os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)).To(Succeed())
	}
	fromFolder := d.diff("-f", folder)
	d.Expect(fromFolder.out).To(Equal(shown.out))
	d.Expect(fromFolder.err).To(Equal("Not compared, since they are no instances: ConfigMap\n"))

	// No cluster answers: the Secret of the file will do.
	d.kubeconfig = d.file("kubeconfig", "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n")
	offline := d.diff("-f", folder)
	d.Expect(offline.out).To(Equal(shown.out))
	d.Expect(offline.err).To(ContainSubstring("The manifests are not checked by an API server: the cluster does not answer\n"))
	d.Expect(offline.code).To(Equal(exitNo))
	without := d.diff("-f", filepath.Join(folder, "a.yaml"))
	d.Expect(without.code).To(Equal(exitFailed))
	d.Expect(without.err).To(ContainSubstring("is not in the files, and there is no cluster to read it from\n  Give its manifest by -f too"))
}

func TestDiffOfAFileKnowsWhatBecameOfTheResource(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support-line", 1, wishIncoming)
	d.secrets.Add("canary-token-that-was-not-applied")
	line.Status.Apply = nil
	line.Status.Abandoned = []v1alpha1.AbandonedSetting{{Setting: "incomingWebhook", Reason: v1alpha1.AbandonFlapping, Time: metav1.Now(), Count: 1}}
	line.Status.SyncedSettingsHash = "0123456789abcdef"
	d.Expect(admin.Status().Update(d.ctx, line)).To(Succeed())
	// The manifest changes what is wished, which arms what was given up; and its Secret is not what counts now.
	file := d.file("x.yaml", fmt.Sprintf(secretOfFile, "canary-token-that-was-not-applied")+d.manifestText("WhatsAppInstance", "support-line", line.Spec.IDInstance, "incomingWebhook: yes, outgoingWebhook: no"))
	found, r := d.items("-f", file)
	d.Expect(r.code).To(Equal(exitNo), r.err)
	d.Expect(found["support-line"].Write).To(Equal(writeNow))
	d.Expect(found["support-line"].Notes).To(ConsistOf(ContainSubstring(`Secret "support-line-token" in the files has another value of "apiTokenInstance"`)))
}

func TestDiffRefusesManifestsThatCannotBe(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support-line", 1, nil)
	d.line("another", 2, nil)
	id := line.Spec.IDInstance
	manifest := func(name string, id int64, settings string) string {
		return d.manifestText("WhatsAppInstance", name, id, settings)
	}
	for _, c := range []struct{ text, says string }{
		{manifest("support-line", id, "incomingWebhok: yes"), `unknown field "spec.settings.incomingWebhok"`},
		{manifest("support-line", id, "incomingWebhook: maybe"), "spec.settings.incomingWebhook must be true or false, without quotes, not a string"},
		{manifest("support-line", id, "delaySendMessagesMilliseconds: 5"), "should be greater than or equal to 500"},
		{manifest("support-line", id, "webhookUrl: shop.example"), "must be an http or https URL"},
		{manifest("support-line", id+1000, ""), "is immutable"},
		{manifest("support-line", 0, ""), "spec.idInstance must be a positive number"},
		{manifest("support-line", id, "") + "---\n" + manifest("another", id, ""), "names instance 7107000001, which WhatsAppInstance " + d.ns + "/support-line"},
		{manifest("support-line", id, "") + "---\n" + manifest("support-line", id, ""), "is in the files twice"},
		{d.manifestText("SignalInstance", "support-line", id, ""), "there is no kind SignalInstance"},
		{"apiVersion: messaging.greenapi-operator.dev/v1\nkind: MaxInstance\nmetadata: {name: x}\n", "Write apiVersion: messaging.greenapi-operator.dev/v1alpha1"},
		{"metadata: {name: canary}\n", "The files cannot be read: "},
		{"a: b: c\n", "The files cannot be read: "},
	} {
		refused := d.withInput(c.text, append([]string{"diff", "-f", "-"}, toTheEmulator...)...)
		d.Expect(refused.code).To(Equal(exitFailed), c.text)
		d.Expect(refused.err).To(And(HavePrefix("error: "), ContainSubstring(c.says)), c.text)
	}
	d.Expect(d.withInput("", "diff", "-f", "-").code).NotTo(Equal(exitNo))
}

func diffWithoutCRDs(d *desk) {
	token := "canary-token-in-the-file-0123456789"
	d.secrets.Add(token)
	d.vendor.Add(emulator.Instance{ID: firstID, Token: token})
	missing := d.diff()
	d.Expect(missing.code).To(Equal(exitFailed))
	d.Expect(missing.err).To(ContainSubstring("their CRDs are not installed"))
	shown := d.withInput(fmt.Sprintf(secretOfFile, token)+d.manifestText("WhatsAppInstance", "support-line", firstID, "incomingWebhook: yes"),
		append([]string{"diff", "-f", "-"}, toTheEmulator...)...)
	d.Expect(shown.code).To(Equal(exitNo))
	d.Expect(shown.err).To(Equal("The manifests are not checked by an API server: the operator's CRDs are not installed\n"))
	d.Expect(shown.out).To(ContainSubstring(`+incomingWebhook: "yes"`))
}

func TestDiffIsColoredOnATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	printer := diffPrinter{session: &session{}, terminal: terminal{color: true, width: 80}}
	printer.Out = &out
	printer.add(difference{Kind: "MaxInstance", Namespace: "shop", Name: "line", Differs: true, Write: writeLater, Why: "soon",
		Changes: []v1alpha1.PendingChange{{Setting: "stateWebhook", Desired: "yes", Observed: "no"}}})
	NewWithT(t).Expect(out.String()).To(And(ContainSubstring("\x1b[31m-stateWebhook: \"no\"\x1b[0m\n"), ContainSubstring("\x1b[32m+stateWebhook: \"yes\"\x1b[0m\n"),
		ContainSubstring("does not write this yet: soon")))
}

func TestResultsComeInTheOrderOfTheThings(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	second := make(chan struct{})
	var order []int
	inOrder(2, func(i int) int {
		if i == 0 {
			<-second // the first one takes longer
		} else {
			close(second)
		}
		return i
	}, func(_, result int) { order = append(order, result) })
	g.Expect(order).To(Equal([]int{0, 1}))
}

// TestDiffSaysThatSomebodyElseManagesTheInstance: the operator writes nothing for a second resource of a number, nor for one whose
// webhook token is somebody's API token, and so the verb does not say that it would.
func TestDiffSaysThatSomebodyElseManagesTheInstance(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support-line", 1, nil)
	line.Status.StateInstance = "authorized"
	d.Expect(admin.Status().Update(d.ctx, line)).To(Succeed())
	token, ok := d.vendor.Get(line.Spec.IDInstance)
	d.Expect(ok).To(BeTrue())
	second := strings.ReplaceAll(fmt.Sprintf(secretOfFile, token.Token), "support-line-token", "second-line-token") +
		d.manifestText("WhatsAppInstance", "second-line", line.Spec.IDInstance, "incomingWebhook: true")
	found, r := d.items("-f", d.file("second.yaml", second))
	d.Expect(r.code).To(Equal(exitNo), r.err)
	d.Expect(found["second-line"].Write).To(Equal(writeNot))
	d.Expect(found["second-line"].Why).To(ContainSubstring(`WhatsAppInstance "support-line" already manages this instance`))

	other := d.line("other-line", 2, nil)
	thief := d.manifestText("WhatsAppInstance", "other-line", other.Spec.IDInstance, "incomingWebhook: true, webhookUrlTokenSecretRef: {name: support-line-token, key: apiTokenInstance}")
	found, r = d.items("-f", d.file("thief.yaml", thief))
	d.Expect(r.code).To(Equal(exitNo), r.err)
	d.Expect(found["other-line"].Write).To(Equal(writeNot))
	d.Expect(found["other-line"].Why).To(ContainSubstring("is the API token of WhatsAppInstance support-line"))
}
