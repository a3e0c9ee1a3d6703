// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// imports runs the verb with the real kubectl.
func (d *desk) imports(arguments ...string) result {
	d.t.Helper()
	return d.kubectl(append(append([]string{"import"}, toTheEmulator...), arguments...)...)
}

// running makes an instance at the vendor that no resource knows, and a Secret with its token.
func (d *desk) running(number int, messenger string, settings map[string]any) (id int64, secret string) {
	d.t.Helper()
	id = firstID + int64(number)
	token := fmt.Sprintf("canary-%s-%d-0123456789abcdef", d.ns, number)
	d.secrets.Add(token)
	d.vendor.Add(emulator.Instance{ID: id, Token: token, Messenger: messenger, Settings: settings})
	secret = fmt.Sprintf("token-%d", number)
	d.secret(secret, map[string]string{"apiTokenInstance": token})
	return id, secret
}

// searchFile fails the test if a file holds a secret.
func (d *desk) searchFile(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(name)
	d.Expect(err).NotTo(HaveOccurred())
	d.search(result{out: string(text)})
	return string(text)
}

func TestImportWritesAManifestThatSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.secrets.Add("canary-webhook-token-at-the-vendor", "canary-of-the-proxy")
	id, secret := d.running(1, emulator.WhatsApp, map[string]any{
		"webhookUrl": "https://shop.example/hooks?key=of-the-shop", "webhookUrlToken": "canary-webhook-token-at-the-vendor",
		"delaySendMessagesMilliseconds": 0, "incomingWebhook": true, "outgoingWebhook": "maybe", "stateWebhook": 1, "keepOnlineStatus": nil,
		"deviceWebhook": "yes", "linkPreview": true, "autoTyping": 3, "newToken": "some text", "proxyInstance": "http://user:canary-of-the-proxy@egress.example",
		"odd": map[string]any{"a": 1}, "name\nwith: a line": "yes",
	})
	arguments := []string{"--id", fmt.Sprint(id), "--api-url", d.url, "--secret", secret}
	made := d.imports(arguments...)
	d.Expect(made.err).To(BeEmpty())
	d.Expect(made.code).To(Equal(exitDone))
	golden(t, "import", d.same(made.out))
	all := d.imports(append(arguments, "--all-settings", "--name", "support-line", "--policy", "OnSpecChange", "--kind", "wai")...)
	d.Expect(all.err).To(BeEmpty())
	golden(t, "import-all-settings", d.same(all.out))
	d.Expect(d.vendor.Calls(id, "setSettings")).To(BeEmpty())
}

func TestTheFirstApplyOfAnImportChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	folder := t.TempDir()
	list := "id, apiUrl, secret, name\n"
	ids := map[int64]string{}
	add := func(number int, messenger string, settings map[string]any) {
		id, secret := d.running(number, messenger, settings)
		ids[id] = fmt.Sprintf("line-%d", number)
		list += fmt.Sprintf("%d, %s, %s, line-%d\n", id, d.url, secret, number)
	}
	for number, messenger := range []string{emulator.WhatsApp, emulator.MAX, emulator.Telegram} {
		add(10*number+1, messenger, nil)
		add(10*number+2, messenger, map[string]any{"delaySendMessagesMilliseconds": 0, "incomingWebhook": "yes", "futureSetting": "x"})
		add(10*number+3, messenger, map[string]any{"delaySendMessagesMilliseconds": "5000", "webhookUrl": "https://Shop.example:443?a=b&c=%20d#f", "webhookUrlToken": "short"})
		add(10*number+4, messenger, map[string]any{"delaySendMessagesMilliseconds": 86400000, "incomingWebhook": true, "outgoingWebhook": false, "stateWebhook": nil,
			"pollMessageWebhook": "YES", "editedMessageWebhook": "perhaps", "autoTyping": "7", "linkPreview": true, "ratio": 0.5, "text": " with: \"quotes\"\n# and lines "})
	}
	made := d.imports("-f", d.file("instances.csv", list), "-o", folder, "--all-settings")
	d.Expect(made.err).To(Equal("12 of 12 instances imported\n"))
	d.Expect(made.code).To(Equal(exitDone))
	for _, name := range ids {
		d.searchFile(filepath.Join(folder, name+".yaml"))
	}
	d.Expect(d.diff("-f", folder)).To(Equal(result{}))

	d.operate()
	d.apply(folder)
	for id, name := range ids {
		d.Eventually(func(g Gomega) {
			status := d.statusOf(g, name)
			g.Expect(status.Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ReadyCondition), HaveField("Status", metav1.ConditionTrue))), name)
			g.Expect(status.ManagedSettings).NotTo(BeEmpty())
			// Two more looks: drift is corrected after the second one that shows it.
			g.Expect(len(d.vendor.Calls(id, "getSettings"))).To(BeNumerically(">=", 5), name)
		}, patience).Should(Succeed())
		d.Expect(d.vendor.Calls(id, "setSettings")).To(BeEmpty(), name)
		d.Expect(d.vendor.Restarts(id)).To(BeZero(), name)
	}
}

// file writes a file of a test.
func (d *desk) file(name, text string) string {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), name)
	d.Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	return file
}

// apply applies a file or a folder with the real kubectl.
func (d *desk) apply(name string) {
	d.t.Helper()
	command := d.command()
	command.Args = []string{kubectl, "--namespace", d.ns, "apply", "-f", name}
	out, err := command.CombinedOutput()
	d.Expect(err).NotTo(HaveOccurred(), string(out))
}

// statusOf returns the status of the resource of a name, whatever its kind.
func (d *desk) statusOf(g Gomega, name string) *v1alpha1.InstanceStatus {
	for _, kind := range instance.Kinds {
		instance := kind.New()
		if err := admin.Get(d.ctx, client.ObjectKey{Namespace: d.ns, Name: name}, instance); err == nil {
			return instance.InstanceStatus()
		}
	}
	g.Expect(name).To(BeEmpty(), "no resource has this name")
	return nil
}
