// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

func incoming(r *v1alpha1.WhatsAppInstance) {
	r.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{IncomingWebhook: new(true)}}
}

func TestReconcileReadsNowAndTriesAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("support", 1, incoming)
	d.vendor.Update(firstID+1, func(in *emulator.Instance) { in.Behavior.NeverKept = []string{emulator.Everything} })
	d.operate()
	d.Eventually(func() string { return d.kubectl("reconcile", "support", "--wait", "--timeout=20s").err }, patience).
		Should(ContainSubstring("Somebody has to act"), "the vendor keeps nothing")
	d.vendor.Update(firstID+1, func(in *emulator.Instance) { in.Behavior.NeverKept = nil })
	done := d.kubectl("reconcile", "support", "--wait")
	d.Expect(done.code).To(Equal(exitDone), done.err)
	d.Expect(done.out).To(HavePrefix("WhatsAppInstance " + d.ns + "/support: asked to be read now\n"))
	d.Expect(done.out).To(ContainSubstring("Succeeded: "))
	d.ready("support")
}

func TestRebootAsksFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	early := d.line("support", 1, incoming)
	tooEarly := d.kubectl("reboot", "support", "--yes")
	d.Expect(tooEarly.code).To(Equal(exitFailed))
	d.Expect(tooEarly.err).To(ContainSubstring("was not looked at yet"))
	d.operate()
	d.ready("support")
	sets := d.vendor.Restarts(early.Spec.IDInstance)

	silent := d.kubectl("reboot", "support")
	d.Expect(silent.code).To(Equal(exitFailed))
	d.Expect(silent.err).To(ContainSubstring("Reboot WhatsAppInstance "+d.ns+"/support? Its messenger is down meanwhile"), "it asks")
	d.Expect(silent.err).To(ContainSubstring("Add --yes"))
	for answer, want := range map[string]int{"n\n": exitNo, "\n": exitNo, "perhaps\n": exitNo} {
		command := d.command("reboot", "support")
		command.Stdin = strings.NewReader(answer)
		_ = command.Run()
		d.Expect(command.ProcessState.ExitCode()).To(Equal(want), "%q", answer)
	}
	d.Expect(d.vendor.Calls(early.Spec.IDInstance, "reboot")).To(BeEmpty(), "no is no")

	command := d.command("reboot", "support", "--wait", "--timeout=50s")
	command.Stdin = strings.NewReader("y\n")
	output, err := command.CombinedOutput()
	d.Expect(err).NotTo(HaveOccurred(), "%s", output)
	d.Expect(d.vendor.Calls(early.Spec.IDInstance, "reboot")).To(HaveLen(1))
	d.Expect(d.vendor.Restarts(early.Spec.IDInstance)).To(Equal(sets + 1))
}

func TestRebootIsRefusedWhereItWouldBeIgnored(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("watched", 1, func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve })
	d.line("asleep", 2, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	d.Expect(d.kubectl("reboot", "watched", "--yes").err).To(ContainSubstring("has the policy Observe, under which it is never rebooted\n  Remove spec.reconcilePolicy"))
	for _, verb := range []string{"reboot", "reconcile"} {
		d.Expect(d.kubectl(verb, "asleep").err).To(ContainSubstring("is paused, so nobody reads it\n  Resume it first: kubectl greenapi resume wai/asleep -n " + d.ns))
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	line := d.line("support", 1, incoming)
	d.operate()
	d.ready("support")
	paused := d.kubectl("pause", "support", "--wait")
	d.Expect(paused.code).To(Equal(exitDone), paused.err)
	d.Expect(paused.out).To(ContainSubstring("paused, authorized"))
	d.vendor.Edit(line.Spec.IDInstance, map[string]any{"incomingWebhook": "no"})
	d.vendor.ResetCalls()
	d.Consistently(func() int { return len(d.vendor.Calls(line.Spec.IDInstance, "")) }, "2s").Should(BeZero(), "no call at all")
	resumed := d.kubectl("resume", "support", "--wait")
	d.Expect(resumed.code).To(Equal(exitDone), resumed.err)
	d.Expect(d.ready("support").Spec.Paused).To(BeFalse())
	d.Eventually(func() int { return d.vendor.Restarts(line.Spec.IDInstance) }, patience).Should(Equal(2))
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i, name := range []string{"one", "two", "three"} {
		d.line(name, i+1, func(r *v1alpha1.WhatsAppInstance) { r.Labels = map[string]string{"team": "shop"} })
	}
	d.operate()
	d.ready("three")
	d.Expect(d.kubectl("reconcile").err).To(Equal("error: It is not said which instances are meant\n  Give names, or choose by -A and -l\n"))
	d.Expect(d.kubectl("reconcile", "-l", "team=nobody").err).To(ContainSubstring("No instance has these labels"))
	all := d.kubectl("reconcile", "-l", "team=shop", "--wait")
	d.Expect(all.code).To(Equal(exitDone), all.err)
	d.Expect(strings.Count(all.out, "asked to be read now")).To(Equal(3))
}

func TestAWaitThatIsOverTooSoon(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("support", 1, incoming)
	over := d.kubectl("reconcile", "support", "--wait", "--timeout=1s")
	d.Expect(over.code).To(Equal(exitNo))
	d.Expect(over.err).To(Equal("error: 1 of 1 are not done after 1s\n  See kubectl greenapi status wai/support -n " + d.ns + ", or wait longer with --timeout\n"))
	d.Expect(over.out).To(ContainSubstring("not looked at yet"))
}

func TestNamesThatAreNotThere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	missing := d.kubectl("pause", "nobody")
	d.Expect(missing.code).To(Equal(exitFailed))
	d.Expect(missing.err).To(Equal("error: There is no instance nobody in namespace " + d.ns + "\n  List what there is: kubectl get greenapi -A\n"))
	d.Expect(d.kubectl("pause", "pod/nobody").err).To(ContainSubstring("Write NAME, or KIND/NAME with wai, maxi or tgi as KIND"))
	d.Expect(d.kubectl("pause", "nobody", "-A").err).To(ContainSubstring("Names go with neither --all-namespaces nor --selector"))
}

func TestWithoutACluster(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.kubeconfig = filepath.Join(t.TempDir(), "none")
	d.Expect(d.kubectl("pause", "support").code).To(Equal(exitFailed))
	text := regexp.MustCompile(`"?server"?: *"?[^\s",]+"?`).ReplaceAllString(string(environment.KubeConfig), `"server": "https://127.0.0.1:1"`)
	d.kubeconfig = filepath.Join(t.TempDir(), "dead")
	d.Expect(os.WriteFile(d.kubeconfig, []byte(text), 0o600)).To(Succeed())
	dead := d.kubectl("pause", "support")
	d.Expect(dead.code).To(Equal(exitFailed))
	d.Expect(dead.err).To(ContainSubstring("the cluster does not answer\n  See whether the cluster is up"))
}

func TestWithoutRights(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("support", 1, nil)
	d.asUser("nobody")
	refused := d.kubectl("pause", "support")
	d.Expect(refused.code).To(Equal(exitFailed))
	d.Expect(refused.err).To(ContainSubstring("WhatsAppInstance " + d.ns + "/support: you may not do this\n  Ask whoever runs the cluster for this right: "))
	d.Expect(refused.err).To(ContainSubstring(`cannot get resource "whatsappinstances"`))
}

// TestCompletion: what kubectl offers when Tab is pressed.
func TestCompletion(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("support", 1, nil)
	d.line("sales", 2, nil)
	offered := func(words ...string) string {
		command := d.command()
		command.Args = append([]string{command.Args[0], "__complete", "greenapi"}, words...)
		output, err := command.Output()
		d.Expect(err).NotTo(HaveOccurred())
		return string(output)
	}
	d.Expect(offered("re")).To(ContainSubstring("reboot\t"))
	d.Expect(offered("pause", "--namespace", d.ns, "s")).To(HavePrefix("sales\nsupport\n"))
	d.Expect(offered("pause", "--namespace", d.ns, "sales", "s")).To(HavePrefix("support\n"))
	for _, verb := range []string{"status", "diff", "auth", "statuses", "events", "reconcile", "reboot", "apply-now", "resume", "rotate"} {
		d.Expect(offered(verb, "--namespace", d.ns, "s")).To(HavePrefix("sales\nsupport\n"), verb)
	}
	d.Expect(offered("rollout", "")).To(HavePrefix("status\n"))
	d.Expect(offered("pause", "--wa")).To(HavePrefix("--wait\t"))
	d.Expect(offered("pause", "--namespace", d.ns[:8])).To(ContainSubstring(d.ns + "\n"))
}
