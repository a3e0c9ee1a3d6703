// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// tty is a command at a terminal.
type tty struct {
	*exec.Cmd
	keyboard *os.File
	done     chan struct{}

	mu     sync.Mutex
	output bytes.Buffer
}

// at runs kubectl greenapi at a terminal of a width.
func (d *desk) at(width uint16, environment []string, arguments ...string) *tty {
	d.t.Helper()
	t := &tty{Cmd: d.command(arguments...), done: make(chan struct{})}
	t.Env = append(append(t.Env, "TERM=xterm", "NO_COLOR="), environment...)
	var err error
	t.keyboard, err = pty.StartWithSize(t.Cmd, &pty.Winsize{Rows: 50, Cols: width})
	d.Expect(err).NotTo(HaveOccurred())
	d.t.Cleanup(func() { _ = t.keyboard.Close() })
	go func() {
		defer close(t.done)
		part := make([]byte, 4096)
		for {
			n, err := t.keyboard.Read(part)
			t.mu.Lock()
			t.output.Write(part[:n])
			t.mu.Unlock()
			if err != nil {
				return // a terminal ends with an error once nobody is at its other side
			}
		}
	}()
	return t
}

// screen is all that was written so far, without the carriage returns of a terminal.
func (t *tty) screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ReplaceAll(t.output.String(), "\r", "")
}

// end waits for the command and returns its exit code.
func (t *tty) end(d *desk) int {
	d.t.Helper()
	d.Eventually(t.done, patience).Should(BeClosed())
	err := t.Wait()
	d.search(result{out: t.screen()})
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	d.Expect(err).NotTo(HaveOccurred())
	return 0
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// widest is the length of the longest line.
func widest(text string) int {
	most := 0
	for line := range strings.Lines(escapes.ReplaceAllString(text, "")) {
		most = max(most, utf8.RuneCountInString(strings.TrimRight(line, "\n")))
	}
	return most
}

func TestOutputFitsTheTerminal(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.craft("good", 1, written)
	bad := d.craft("bad", 2, flapping)
	d.event(bad, 0, "DriftDetected", "The vendor shows other values without a change of the spec: incomingWebhook")
	for _, width := range []uint16{40, 120} {
		for _, arguments := range []string{"status", "status bad", "events bad", "doctor"} {
			shown := d.at(width, nil, strings.Fields(arguments)...)
			d.Expect(shown.end(d)).To(BeElementOf(exitDone, exitNo), shown.screen())
			text := escapes.ReplaceAllString(shown.screen(), "")
			for word := range strings.FieldsSeq(text) {
				// Names and addresses are not broken.
				if utf8.RuneCountInString(word) > 28 {
					text = strings.ReplaceAll(text, word, "")
				}
			}
			d.Expect(widest(text)).To(BeNumerically("<=", width), "%s at %d:\n%s", arguments, width, shown.screen())
			d.Expect(widest(text)).To(BeNumerically(">", width-20), "%s at %d uses the width:\n%s", arguments, width, shown.screen())
		}
	}
	narrow := d.at(40, nil, "status")
	d.Expect(narrow.end(d)).To(Equal(exitDone))
	golden(t, "status-table-40", escapes.ReplaceAllString(narrow.screen(), ""))
	wide := d.at(120, nil, "status")
	d.Expect(wide.end(d)).To(Equal(exitDone))
	d.Expect(wide.screen()).To(MatchRegexp(`(?m)Find out who.*…$`), "the last column is cut")
}

func TestColorIsForTerminalsOnly(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.craft("good", 1, written)
	d.craft("bad", 2, flapping)
	colored := d.at(120, nil, "status", "good")
	d.Expect(colored.end(d)).To(Equal(exitDone))
	d.Expect(colored.screen()).To(ContainSubstring("\n" + string(shadeGood) + "Fine:\x1b[0m the settings are"))
	table := d.at(120, nil, "status")
	d.Expect(table.end(d)).To(Equal(exitDone))
	d.Expect(table.screen()).To(ContainSubstring(string(shadeBad) + "False\x1b[0m    "))
	doctor := d.at(120, nil, "doctor")
	d.Expect(doctor.end(d)).To(Equal(exitNo))
	d.Expect(doctor.screen()).To(ContainSubstring(string(shadeBad) + "PROBLEM\x1b[0m  Stalled: "))
	for _, arguments := range []string{"status", "status bad", "events bad", "doctor"} {
		plain := d.at(120, []string{"NO_COLOR=1"}, strings.Fields(arguments)...)
		plain.end(d)
		d.Expect(plain.screen()).NotTo(ContainSubstring("\x1b"), "NO_COLOR")
		d.Expect(d.kubectl(strings.Fields(arguments)...).out).NotTo(ContainSubstring("\x1b"), "no terminal")
	}
}

func TestWatchingAPageAtATerminalEndsWithCtrlC(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, written)
	shown := d.at(120, nil, "status", "good", "--watch")
	d.Eventually(shown.screen, patience).Should(ContainSubstring("State:      authorized for"))
	good.Status.StateInstance = "sleepMode"
	d.Expect(admin.Status().Update(d.ctx, good)).To(Succeed())
	d.Eventually(shown.screen, patience).Should(MatchRegexp(regexp.QuoteMeta(clearScreen) + `.*WhatsAppInstance (.*\n)+State: +sleepMode`))
	_, err := shown.keyboard.WriteString("\x03")
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(shown.end(d)).To(Equal(exitInterrupted))
	d.Expect(shown.screen()).NotTo(ContainSubstring("error"))
}

func TestWatchingATableShowsWhatChangesAndComesAndGoes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, written)
	shown := d.at(200, []string{"NO_COLOR=1"}, "status", "--watch")
	d.Eventually(shown.screen, patience).Should(MatchRegexp(`(?m)^good .* authorized `))
	d.craft("second", 2, nil)
	d.Eventually(shown.screen, patience).Should(MatchRegexp(`(?m)^second .* authorized `))
	good.Status.StateInstance = "blocked"
	d.Expect(admin.Status().Update(d.ctx, good)).To(Succeed())
	d.Eventually(shown.screen, patience).Should(MatchRegexp(`(?m)^good .* blocked `))
	d.Expect(admin.Delete(d.ctx, good)).To(Succeed())
	d.Eventually(shown.screen, patience).Should(MatchRegexp(`(?m)^good .* was deleted$`))
	_, err := shown.keyboard.WriteString("\x03")
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(shown.end(d)).To(Equal(exitInterrupted))
	d.Expect(regexp.MustCompile(`(?m)^NAME `).FindAllString(shown.screen(), -1)).To(HaveLen(1))
	d.Expect(regexp.MustCompile(`(?m)^good `).FindAllString(shown.screen(), -1)).To(HaveLen(3), "nothing is shown twice: %s", shown.screen())
}

func TestWatchingEndsWhenTheOneIsDeleted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, written)
	d.craft("other", 2, written)
	shown := d.at(120, nil, "status", "good", "-w")
	d.Eventually(shown.screen, patience).Should(ContainSubstring("State:      authorized for"))
	d.Expect(admin.Delete(d.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "other-token"}})).To(Succeed())
	d.Expect(admin.DeleteAllOf(d.ctx, &v1alpha1.WhatsAppInstance{}, client.InNamespace(d.ns), client.MatchingFields{"metadata.name": "other"})).To(Succeed())
	d.Expect(admin.Delete(d.ctx, good)).To(Succeed())
	d.Expect(shown.end(d)).To(Equal(exitDone))
	d.Expect(shown.screen()).To(ContainSubstring("WhatsAppInstance " + d.ns + "/good was deleted"))
	d.Expect(shown.screen()).NotTo(ContainSubstring("other"))
}

func TestWatchingNamesShowsThoseOnly(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	one := d.craft("one", 1, nil)
	d.craft("two", 2, nil)
	three := d.craft("three", 3, nil)
	shown := d.at(200, []string{"NO_COLOR=1"}, "status", "one", "two", "--watch")
	d.Eventually(shown.screen, patience).Should(MatchRegexp(`(?m)^two `))
	for _, instance := range []*v1alpha1.WhatsAppInstance{three, one} {
		instance.Status.StateInstance = "blocked"
		d.Expect(admin.Status().Update(d.ctx, instance)).To(Succeed())
	}
	d.Eventually(shown.screen, patience).Should(MatchRegexp(`(?m)^one .* blocked `))
	d.Expect(shown.screen()).NotTo(ContainSubstring("three"))
	_, err := shown.keyboard.WriteString("\x03")
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(shown.end(d)).To(Equal(exitInterrupted))
}

// record is a file that is written and read at once.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(part []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(part)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func TestWatchingIntoAFileAppends(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		"good --watch": `(?s)^WhatsAppInstance .*\n\n---\n\nWhatsAppInstance .*State:      blocked`,
		"good --watch -o jsonpath={.metadata.name};": `^good;good;$`,
	} {
		d := newDesk(t)
		good := d.craft("good", 1, written)
		out := &record{}
		command := d.command(append([]string{"status"}, strings.Fields(arguments)...)...)
		command.Stdout, command.Stderr = out, out
		d.Expect(command.Start()).To(Succeed())
		d.Eventually(out.String, patience).Should(ContainSubstring("good"))
		good.Status.StateInstance = "blocked"
		d.Expect(admin.Status().Update(d.ctx, good)).To(Succeed())
		d.Eventually(out.String, patience).Should(MatchRegexp(want))
		d.Expect(command.Process.Signal(os.Interrupt)).To(Succeed())
		d.Expect(command.Wait()).To(HaveOccurred())
		d.Expect(command.ProcessState.ExitCode()).To(Equal(exitInterrupted))
		d.Expect(out.String()).NotTo(ContainSubstring("\x1b"))
		d.search(result{out: out.String()})
	}
}

func TestWatchingTellsOfWhatWasDeletedBeforeTheWatchBegan(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ghost := d.craft("ghost", 1, nil)
	d.Expect(admin.Delete(d.ctx, ghost)).To(Succeed())
	var out bytes.Buffer
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig, flags.Namespace = new(d.kubeconfig), new(d.ns)
	v := &statusVerb{session: &session{flags: flags, clock: clock.RealClock{}, IOStreams: genericiooptions.IOStreams{Out: &out, ErrOut: &out}}, names: []string{"ghost"}}
	d.Expect(v.watch(d.ctx, admin, []v1alpha1.Instance{ghost}, &pageView{session: v.session, cluster: admin})).To(Succeed())
	d.Expect(out.String()).To(Equal("WhatsAppInstance " + d.ns + "/ghost was deleted\n"))
}

func TestAPageOnATerminalIsDrawnAnewAsTimePasses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, written)
	out := &record{}
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig, flags.Namespace = new(d.kubeconfig), new(d.ns)
	for width, want := range map[int]types.GomegaMatcher{80: ContainSubstring("Age:        3h"), 0: Not(ContainSubstring("Age:        3h"))} {
		now := later(good, 2*time.Hour)
		v := &statusVerb{session: &session{flags: flags, clock: now, IOStreams: genericiooptions.IOStreams{Out: out, ErrOut: out}}, names: []string{"good"}}
		page := &pageView{session: v.session, cluster: admin, terminal: terminal{width: width}}
		d.Expect(page.all(d.ctx, []v1alpha1.Instance{good})).To(Succeed())
		ctx, stop := context.WithCancel(d.ctx)
		ended := make(chan error)
		go func() { ended <- v.watch(ctx, admin, []v1alpha1.Instance{good}, page) }()
		d.Eventually(now.HasWaiters, patience).Should(BeTrue())
		now.Step(time.Hour)
		d.Eventually(now.HasWaiters, patience).Should(BeTrue(), "it waits for the next time")
		d.Eventually(out.String, patience).Should(want)
		stop()
		d.Expect(<-ended).To(MatchError(context.Canceled))
		out = &record{}
	}
}
