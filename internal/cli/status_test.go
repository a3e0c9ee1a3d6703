// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// written is a status after a write that the vendor kept.
func written(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
	s.ManagedSettings = []string{"incomingWebhook", "webhookUrl"}
	s.Apply = &v1alpha1.ApplyRecord{Attempt: 1, Reason: v1alpha1.ApplySpecChange, Outcome: v1alpha1.OutcomeConfirmed,
		Settings:    []v1alpha1.AppliedSetting{{Setting: "incomingWebhook", Wish: "8a798890"}, {Setting: "webhookUrl", Wish: "8a798891"}},
		StartedTime: metav1.NewMicroTime(at(15 * time.Second).Time), FinishedTime: new(metav1.NewMicroTime(at(20 * time.Second).Time))}
	s.Restarts = &v1alpha1.Restarts{Total: 1, LastTime: new(at(15 * time.Second)), LastReason: "SpecChange"}
}

// flapping is a status of a setting that somebody else keeps changing back, in an instance that nobody is logged in to.
func flapping(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
	written(s, at)
	s.StateInstance, s.Phone = "notAuthorized", ""
	message := "Something else keeps changing these settings back. Find out what it is, or remove them from the spec: incomingWebhook"
	set(s, at(time.Hour), v1alpha1.AvailableCondition, metav1.ConditionFalse, v1alpha1.ReasonNotAuthorized, "No account is authorized: a person has to log in, for example by the QR code in the vendor's console")
	for _, condition := range []string{v1alpha1.SyncedCondition, v1alpha1.ReadyCondition} {
		set(s, at(time.Hour), condition, metav1.ConditionFalse, v1alpha1.ReasonDriftFlapping, message)
	}
	set(s, at(time.Hour), v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ReasonDriftFlapping, message)
	s.PendingChanges = []v1alpha1.PendingChange{{Setting: "incomingWebhook", Desired: "yes", Observed: "no"}, {Setting: "webhookUrl", Desired: "https://shop.example/…", Observed: ""}}
	s.Abandoned = []v1alpha1.AbandonedSetting{{Setting: "incomingWebhook", Reason: v1alpha1.AbandonFlapping, Time: at(time.Hour), Count: 1}}
	s.Corrections = []v1alpha1.Correction{{Time: at(30 * time.Minute), Settings: []string{"incomingWebhook"}}}
}

func TestStatusOfOneIsAPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, written)
	d.event(good, 10*time.Second, "StateChanged", "The state is now authorized")
	d.event(good, 15*time.Second, "SettingsApplied", "Wrote settings (SpecChange), which restarts the instance: incomingWebhook, webhookUrl")
	d.event(good, 20*time.Second, "SettingsConfirmed", "The settings are in effect: incomingWebhook, webhookUrl")
	bad := d.craft("bad", 2, flapping)
	paused := d.craft("paused", 3, func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		set(s, at(time.Minute), v1alpha1.PausedCondition, metav1.ConditionTrue, v1alpha1.ReasonSpecPaused, "spec.paused is true: no call is made, and the last status is kept")
	})
	for _, instance := range []*v1alpha1.WhatsAppInstance{good, bad, paused} {
		page := d.run(later(instance, 2*time.Hour), "status", instance.Name)
		d.Expect(page.code).To(Equal(exitDone), page.err)
		golden(t, "status-page-"+instance.Name, d.named(page.out))
	}
	unseen := d.line("unseen", 4, nil)
	d.Expect(d.run(later(unseen, 2*time.Minute), "status", "unseen").out).To(ContainSubstring("\nNeeds you: nobody looks after it.\n"))
	d.Expect(d.run(later(unseen, 20*time.Second), "status", "wai/unseen").out).To(ContainSubstring("\nWaiting: the operator has not looked at it yet.\n"))
}

func TestStatusOfManyIsATable(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, written)
	d.craft("bad", 2, flapping)
	d.line("unseen", 3, nil)
	d.craft("lost", 4, func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		for _, condition := range []string{v1alpha1.ReadyCondition, v1alpha1.CredentialsValidCondition, v1alpha1.StalledCondition} {
			set(s, at(time.Hour), condition, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound, `Secret "nowhere" is not there`)
		}
		set(s, at(time.Hour), v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ReasonSecretNotFound, `Secret "nowhere" is not there`)
	})
	now := later(good, 2*time.Hour+30*time.Second) // The others are born up to seconds after it; an age in minutes must not tell.
	d.Expect(d.run(now, "doctor").out).To(ContainSubstring("\n           SecretNotFound (1): wai " + d.ns + "/lost\n             Secret \"nowhere\" is not there.\n             Create the Secret"))
	table := d.run(now, "status")
	d.Expect(table.code).To(Equal(exitDone), table.err)
	golden(t, "status-table", d.named(table.out))
	d.Expect(d.run(now, "status", "unseen", "good").out).To(MatchRegexp(`(?m)^NAME .*\nunseen .*\ngood .*\n$`))

	all := d.run(now, "status", "--all-namespaces")
	d.Expect(all.out).To(MatchRegexp(`^NAMESPACE +NAME `))
	d.Expect(all.out).To(MatchRegexp(`(?m)^` + d.ns + ` +bad +wai +False +False +False +notAuthorized +7107000002 +`))
}

func TestStatusOfNothingIsSaidAsKubectlSaysIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	none := d.kubectl("status")
	d.Expect(none).To(Equal(result{err: "No instances found in namespace " + d.ns + ".\n"}))
	d.Expect(d.kubectl("status", "-l", "team=none", "-A")).To(Equal(result{err: "No instances found\n"}))
	missing := d.kubectl("status", "nobody")
	d.Expect(missing.code).To(Equal(exitFailed))
	d.Expect(missing.err).To(ContainSubstring("error: There is no instance nobody in namespace " + d.ns + "\n"))
}

func TestStatusChoosesByLabels(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("one", 1, func(i *v1alpha1.WhatsAppInstance) { i.Labels = map[string]string{"team": d.ns} })
	d.line("two", 2, nil)
	d.Expect(d.run(clock.RealClock{}, "status", "-l", "team="+d.ns, "-o", "name").out).To(Equal("whatsappinstance.messaging.greenapi-operator.dev/one\n"))
	wrong := d.run(clock.RealClock{}, "status", "-l", "=")
	d.Expect(wrong.code).To(Equal(exitFailed))
	d.Expect(wrong.err).To(ContainSubstring("Write it as for kubectl get"))
}

func TestStatusPrintsTheResourcesInEveryFormatOfKubectl(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.craft("one", 1, nil)
	d.craft("two", 2, nil)
	for arguments, want := range map[string]string{
		"one -o name":                                 "whatsappinstance.messaging.greenapi-operator.dev/one\n",
		"one -o jsonpath={.metadata.name}":            "one",
		"one -o go-template={{.kind}}":                "WhatsAppInstance",
		"-o jsonpath={.items[*].spec.idInstance}":     "7107000001 7107000002",
		"one two -o jsonpath={.items[*].kind}{.kind}": "WhatsAppInstance WhatsAppInstanceList",
		"-l team=none -o jsonpath={.kind}{.items}":    "List[]",
	} {
		printed := d.kubectl(append([]string{"status"}, strings.Fields(arguments)...)...)
		d.Expect(printed).To(Equal(result{out: want}), arguments)
	}
	var list struct {
		Kind  string
		Items []v1alpha1.WhatsAppInstance
	}
	d.Expect(json.Unmarshal([]byte(d.kubectl("status", "-o", "json").out), &list)).To(Succeed())
	d.Expect(list.Kind).To(Equal("List"))
	d.Expect(list.Items).To(HaveLen(2))
	d.Expect(list.Items[0].ManagedFields).To(BeEmpty())
	d.Expect(d.kubectl("status", "one", "-o", "json", "--show-managed-fields").out).To(ContainSubstring(`"managedFields"`))
	d.Expect(d.kubectl("status", "one", "-o", "yaml").out).To(HavePrefix("apiVersion: messaging.greenapi-operator.dev/v1alpha1\nkind: WhatsAppInstance\n"))
	wrong := d.kubectl("status", "-o", "xml")
	d.Expect(wrong.code).To(Equal(exitFailed))
	d.Expect(wrong.err).To(ContainSubstring("Write -o json, yaml, kyaml, name"))
}

func TestStatusShowsWhatARunningOperatorDid(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.operate()
	d.line("live", 1, func(i *v1alpha1.WhatsAppInstance) {
		i.Spec.Settings = &v1alpha1.WhatsAppSettings{}
		i.Spec.Settings.IncomingWebhook, i.Spec.Settings.WebhookURL = new(true), new("https://shop.example/hooks")
	})
	d.ready("live")
	d.Eventually(func() string { return d.kubectl("status", "live").out }, patience).Should(And(
		ContainSubstring("\nFine: the settings are as the manifest wants them and the messenger works.\n"),
		MatchRegexp(`(?m)^State: +authorized for \d+s$`),
		MatchRegexp(`(?m)^  \d+s ago: wrote incomingWebhook, webhookUrl \(SpecChange, attempt 1\)$`),
		MatchRegexp(`(?m)^  \d+s ago: the settings were seen in effect \(Confirmed\)$`),
		MatchRegexp(`(?m)^  Restarts that this operator caused: 1, the last \d+s ago \(SpecChange\)$`),
		MatchRegexp(`(?m)^  \d+s ago: The settings are in effect: incomingWebhook, webhookUrl$`)))
	// What it prints comes from the operator: trouble at the vendor shows with what to do about it.
	d.vendor.SetState(firstID+1, "notAuthorized")
	d.Eventually(func() string { return d.kubectl("status", "live").out }, patience).Should(And(
		ContainSubstring("\nNeeds you: no account is authorized"),
		ContainSubstring("\nWhat to do\n  Log in with the phone: kubectl greenapi auth wai/live -n "+d.ns+"\n")))
}

func TestStatusWithoutRightsSaysWhichOneIsMissing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("one", 1, nil)
	d.asUser("nobody")
	for _, arguments := range [][]string{{"status"}, {"status", "one"}, {"status", "-w"}} {
		refused := d.kubectl(arguments...)
		d.Expect(refused.code).To(Equal(exitFailed))
		d.Expect(refused.out).To(BeEmpty())
		d.Expect(refused.err).To(MatchRegexp(`^error: .*WhatsAppInstance.*: you may not do this\n  Ask whoever runs the cluster for this right: .* cannot (get|list) resource "whatsappinstances"`))
	}
	d.asUser("viewer", viewer)
	// Whoever may get and not watch sees the page, and then why it ends.
	getter := viewer
	getter.Verbs = []string{"get"}
	seen := d.kubeconfig
	d.asUser("getter", getter)
	watched := d.kubectl("status", "one", "--watch")
	d.Expect(watched.code).To(Equal(exitFailed))
	d.Expect(watched.out).To(ContainSubstring("\nWaiting: the operator has not looked at it yet.\n"))
	d.Expect(watched.err).To(HavePrefix("error: Watching WhatsAppInstance: you may not do this\n"))
	d.kubeconfig = seen
	page := d.kubectl("status", "one")
	d.Expect(page.code).To(Equal(exitDone), page.err)
	d.Expect(page.out).To(MatchRegexp(`\nEvents\n  not shown: Events: you may not do this. Ask whoever`))
}

func TestStatusReadsLongListsInChunks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i := range 7 {
		d.line(fmt.Sprintf("line-%d", i), i, nil)
	}
	counted := &counting{Reader: admin}
	found, err := appendAll(d.ctx, counted, nil, instance.KindOf(&v1alpha1.WhatsAppInstance{}), []client.ListOption{client.InNamespace(d.ns)})
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(found).To(HaveLen(7))
	d.Expect(counted.lists).To(Equal(4))
}

// TestR38StatusTellsANewInstanceFromOneThatIsRefused: for ten minutes it waits, and says what to see to meanwhile.
func TestR38StatusTellsANewInstanceFromOneThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault emulator.Fault
		step  string
	}{
		"401":     {emulator.Fault{Status: 401}, "copy apiTokenInstance of this instance from the vendor's console into Secret line-token"},
		"403":     {emulator.Fault{Status: 403}, "compare spec.idInstance and spec.apiUrl with the vendor's console"},
		"404":     {emulator.Fault{Status: 404}, "compare spec.idInstance and spec.apiUrl with the vendor's console"},
		"expired": {emulator.Fault{Status: 400, Message: "Instance account is expired. Renew your instance from personal area"}, "renew the instance in the vendor's console"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			test.fault.ID, test.fault.Times = firstID+1, -1
			d.operate()
			d.vendor.Fault(test.fault)
			d.line("line", 1, nil)
			d.Eventually(func() string { return d.kubectl("status", "line").out }, patience).Should(And(
				ContainSubstring("\nWaiting: the instance may be new. The vendor refuses one for some minutes after it was made"),
				ContainSubstring("\nWhat to do\n  Wait, if the instance was made just now: the operator asks again by itself\n  If it was made earlier: "+test.step)))
			d.Expect(d.kubectl("status").out).To(ContainSubstring("Wait, if the instance was made just now"))
			d.Expect(d.kubectl("status", "--problems").out).To(BeEmpty())
			d.vendor.ClearFaults()
			d.vendor.SetState(firstID+1, emulator.StateNull)
			d.Eventually(func() string { return d.kubectl("status", "line").out }, patience).Should(And(
				ContainSubstring("\nWaiting: "), ContainSubstring("\n  Wait some minutes: the vendor is still creating the instance\n")))
		})
	}
	// A token that was accepted before is another matter.
	d := newDesk(t)
	d.craft("old", 1, func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		set(s, at(time.Minute), v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized, "The vendor refused the API token")
		set(s, at(time.Minute), v1alpha1.ReconcilingCondition, metav1.ConditionTrue, v1alpha1.ReasonProgressingWithRetry, "The vendor refused the API token")
	})
	d.Expect(d.kubectl("status", "--problems").out).To(ContainSubstring("Copy apiTokenInstance"))
}
