// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

func TestImportWithASecretOfItsOwnHoldsTheTokensThereAndNowhereElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	api, webhook := "canary-api-token-0123456789", "canary-webhook-token-at-the-vendor"
	d.secrets.Add(api, webhook)
	d.vendor.Add(emulator.Instance{ID: firstID, Token: api, Messenger: emulator.MAX, Settings: map[string]any{
		"webhookUrlToken": webhook, "webhookUrl": "https://shop.example/?token=" + api, "linkPreview": webhook}})
	folder := filepath.Join(t.TempDir(), "manifests")
	arguments := append([]string{"import", "--id", fmt.Sprint(firstID), "--api-url", d.url, "--create-secret", "--name", "line", "--all-settings"}, toTheEmulator...)
	made := d.withInput(api+"\n", append(arguments, "--token-file", "-", "-o", folder)...)
	d.Expect(made.err).To(Equal("warning: " + filepath.Join(folder, "line-secret.yaml") + " holds tokens: keep it out of Git, or encrypt it\n"))
	d.Expect(made.code).To(Equal(exitDone))
	text := d.searchFile(filepath.Join(folder, "line.yaml"))
	d.Expect(text).To(And(ContainSubstring("kind: MaxInstance"), ContainSubstring("webhookUrlTokenSecretRef:\n      name: line-token"),
		ContainSubstring("# webhookUrl is left out: it holds a token"), ContainSubstring("# linkPreview is left out")))
	info, err := os.Stat(filepath.Join(folder, "line-secret.yaml"))
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))

	// Nothing is lost.
	again := d.withInput(api, append(arguments, "--token-file", "-", "-o", folder)...)
	d.Expect(again.code).To(Equal(exitFailed))
	d.Expect(again.err).To(And(ContainSubstring("line.yaml is there already"), ContainSubstring("--overwrite")))
	d.Expect(d.withInput(api, append(arguments, "--token-file", "-", "-o", folder, "--overwrite", "--policy", "Enforce")...).code).To(Equal(exitDone))
	d.Expect(d.searchFile(filepath.Join(folder, "line.yaml"))).To(ContainSubstring("reconcilePolicy: Enforce"))
	entries, err := os.ReadDir(folder)
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(entries).To(HaveLen(2))

	// From the environment, to standard output: one stream for kubectl, with a warning.
	command := d.command(arguments...)
	var out, errOut bytes.Buffer
	command.Env, command.Stdout, command.Stderr = append(command.Env, tokenVariable+"="+api), &out, &errOut
	d.Expect(command.Run()).To(Succeed())
	d.Expect(errOut.String()).To(Equal("warning: the output holds tokens: keep it out of Git, or encrypt it\n"))
	d.Expect(out.String()).To(And(ContainSubstring(api), ContainSubstring("\n---\n")))

	d.operate()
	d.apply(folder)
	d.Eventually(func(g Gomega) {
		g.Expect(d.statusOf(g, "line").Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ReadyCondition), HaveField("Status", metav1.ConditionTrue))))
		g.Expect(d.statusOf(g, "line").ManagedSettings).To(ContainElement("webhookUrlToken"))
	}, patience).Should(Succeed())
	d.Expect(d.vendor.Restarts(firstID)).To(BeZero())
}

func TestImportOfManyGoesOnWhereSomeFail(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id, secret := d.running(1, emulator.Telegram, map[string]any{"typeInstance": nil})
	_, other := d.running(2, emulator.WhatsApp, nil)
	third, last := d.running(3, emulator.WhatsApp, nil)
	list := "\ufeffID;apiUrl\n"
	wrong := d.withInput(list, "import", "-f", "-")
	d.Expect(wrong.err).To(Equal("error: Line 1, column 1: there is no column \"ID;apiUrl\"\n  Write the columns id,apiUrl,secret,name,kind (the last two may be missing), separated by commas\n"))
	list = "id,apiUrl,secret,name,kind\n# a comment\n" +
		"abc," + d.url + "," + secret + ",,\n" +
		fmt.Sprintf("%d,https://x.example/v3,%s,,\n", id, secret) +
		fmt.Sprintf("%d,%s,%s,Line_1,\n", id, d.url, secret) +
		fmt.Sprintf("%d,%s,Not A Secret,,\n", id, d.url) +
		fmt.Sprintf("%d,%s,%s,,signal\n", id, d.url, secret) +
		fmt.Sprintf("%d,%s,%s,fine,tgi\n", id, d.url, secret) +
		fmt.Sprintf("%d,%s,%s,twin,tgi\n", id, d.url, secret) +
		fmt.Sprintf("%d,%s,%s,gone,\n", id+100, d.url, secret) +
		fmt.Sprintf("%d,%s,no-such-secret,no-secret,\n", id+101, d.url) +
		fmt.Sprintf("%d,%s,%s/no-key,no-key,\n", id+102, d.url, secret) +
		fmt.Sprintf("%d,https://evil.example,%s,evil,\n", id+103, secret) +
		fmt.Sprintf("%d,%s,%s,messenger,maxi\n", id+1, d.url, other) +
		"7,short\n" +
		fmt.Sprintf("%d,%s,%s,also-fine,\n", third, d.url, last)
	made := d.withInput(list, append([]string{"import", "-f", "-"}, toTheEmulator...)...)
	d.Expect(made.code).To(Equal(exitFailed))
	golden(t, "import-failures", d.same(made.err))
	d.Expect(made.out).To(And(ContainSubstring("kind: TelegramInstance\nmetadata:\n  name: fine"), ContainSubstring("---\n# Imported"), ContainSubstring("name: also-fine")))
	// What was imported from a list is fit for kubectl.
	d.Expect(d.withInput(made.out, append([]string{"diff", "-f", "-"}, toTheEmulator...)...)).To(Equal(result{}))
}

func TestImportSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id, secret := d.running(1, emulator.WhatsApp, map[string]any{"typeInstance": nil})
	one := []string{"--id", fmt.Sprint(id), "--api-url", d.url}
	for _, c := range []struct {
		arguments []string
		says      string
	}{
		{nil, "--id and --api-url are needed"},
		{one, "The API token is needed"},
		{append(one, "--secret", secret, "-f", "x.csv"), "-f goes with none of"},
		{append(one, "--secret", secret, "--overwrite"), "--overwrite goes with --output-dir only"},
		{append(one, "--secret", secret, "--token-file", "x"), "--token-file is for --create-secret only"},
		{append(one, "--secret", secret, "--policy", "Never"), `There is no policy "Never"`},
		{append(one, "--secret", secret, "--kind", "signal"), `--kind: there is no kind "signal"`},
		{append(one, "--secret", secret), "Say which messenger it is: --kind"},
		{append(one, "--create-secret"), "There is no API token for --create-secret"},
		{append(one, "--create-secret", "--token-file", "/no/such/file"), "--token-file: "},
		{[]string{"-f", "/no/such/file.csv"}, "The list of instances cannot be read"},
		{[]string{"-f", d.file("empty.csv", "")}, "The list of instances is empty"},
		{[]string{"-f", d.file("header.csv", "id,apiUrl,secret\n")}, "has no lines"},
		{[]string{"-f", d.file("missing.csv", "id,secret\n1,x\n")}, "column apiUrl is missing"},
		{[]string{"-f", d.file("twice.csv", "id,id\n1,x\n")}, "id is there twice"},
		{[]string{"-f", d.file("quotes.csv", "id,apiUrl,secret\n\"1,x\n")}, "The list of instances cannot be read"},
	} {
		refused := d.imports(c.arguments...)
		d.Expect(refused.code).To(Equal(exitFailed), c.says)
		d.Expect(refused.err).To(And(HavePrefix("error: "), ContainSubstring(c.says)))
		d.Expect(refused.out).To(BeEmpty())
	}
	d.asUser("viewer", mayRead)
	forbidden := d.imports(append(one, "--secret", secret)...)
	d.Expect(forbidden.code).To(Equal(exitFailed))
	d.Expect(forbidden.err).To(ContainSubstring("Secret " + d.ns + "/" + secret + ": you may not do this"))
}

func TestImportReadsWithTheMessengersPrefixWhereNoneIsNotServed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id, secret := d.running(1, emulator.MAX, nil)
	d.vendor.Fault(emulator.Fault{ID: id, Method: "getSettings", Status: 404})
	made := d.imports("--id", fmt.Sprint(id), "--api-url", d.url, "--secret", secret)
	d.Expect(made.err).To(BeEmpty())
	d.Expect(made.out).To(ContainSubstring("kind: MaxInstance"))
}

func TestImportProvesThatNothingWouldChange(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	manifest := []byte("kind: WhatsAppInstance\nmetadata: {name: x}\nspec: {idInstance: 1, apiTokenSecretRef: {name: x}, settings: {incomingWebhook: true}}\n")
	shows := func(kind jsonvalue.Type, text string) greenapi.Settings {
		return greenapi.Settings{"incomingWebhook": {Type: kind, Text: text}}
	}
	g.Expect(prove(manifest, instance.Kinds[0], shows(jsonvalue.String, "yes"), "")).To(Succeed())
	g.Expect(prove(manifest, instance.Kinds[0], shows(jsonvalue.String, "no"), "")).To(MatchError(ContainSubstring("would change incomingWebhook")))
	g.Expect(prove(manifest, instance.Kinds[0], shows(jsonvalue.Number, "1"), "")).To(MatchError(ContainSubstring("would change incomingWebhook")))
}

func TestTheBarIsForTerminalsOnly(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var out bytes.Buffer
	piped := newProgress(&session{}, true, 9)
	piped.step()
	piped.end()
	bar := progressOn(&out, true, 2, "Importing")
	bar.step()
	g.Expect(out.String()).To(ContainSubstring("(1/2)"))
	bar.step()
	bar.end()
	silent := progressOn(&out, false, 2, "Importing")
	before := out.Len()
	silent.step()
	g.Expect(out.Len()).To(Equal(before))
}
