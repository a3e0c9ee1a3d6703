// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	testingclock "k8s.io/utils/clock/testing"
	"rsc.io/qr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/vt"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// local are the flags for the emulator.
var local = []string{"--insecure-api", "--allowed-api-hosts=127.0.0.1"}

// seat is a desk whose time only moves when the test says so, and a command that runs at its terminal.
type seat struct {
	*desk
	clock  *testingclock.FakeClock
	screen *vt.Terminal
	errOut *bytes.Buffer
	code   chan int
}

// newSeat has a vendor with the same clock.
func newSeat(t *testing.T) *seat {
	t.Helper()
	s := &seat{desk: newDesk(t), clock: testingclock.NewFakeClock(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)), screen: &vt.Terminal{}}
	s.vendor = emulator.New(emulator.Options{Now: s.clock.Now})
	server := httptest.NewServer(s.vendor)
	t.Cleanup(func() { s.vendor.Close(); server.Close() })
	s.url = server.URL
	return s
}

// waiting makes an instance that nobody is logged in to.
func (s *seat) waiting(name string, number int) int64 {
	s.t.Helper()
	s.lookedAt(s.line(name, number, nil), "")
	id := firstID + int64(number)
	s.vendor.SetState(id, emulator.StateNotAuthorized)
	return id
}

// lookedAt gives a resource a status as the operator writes it first, with how much of the account it may show.
func (d *desk) lookedAt(resource v1alpha1.Instance, details v1alpha1.AccountDetails) {
	d.t.Helper()
	status := resource.InstanceStatus()
	status.AccountDetails = details
	set(status, metav1.Now(), v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "The first look is under way")
	d.Expect(admin.Status().Update(d.ctx, resource)).To(Succeed())
}

// startCommand runs the command on a terminal of that size, and returns the terminal.
func (s *seat) startCommand(columns, rows uint16, arguments ...string) *os.File {
	s.t.Helper()
	master, tty, err := pty.Open()
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(pty.Setsize(tty, &pty.Winsize{Cols: columns, Rows: rows})).To(Succeed())
	drained := make(chan struct{})
	go func() { defer close(drained); _, _ = io.Copy(s.screen, master) }()
	s.startCommandOn(tty, func() { _ = tty.Close(); <-drained; _ = master.Close() }, arguments...)
	return tty
}

// startCommandOn runs the command with an output, which over is called for afterwards.
func (s *seat) startCommandOn(out io.Writer, over func(), arguments ...string) {
	s.errOut, s.code = &bytes.Buffer{}, make(chan int, 1)
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig, flags.Namespace = new(s.kubeconfig), new(s.ns)
	session := &session{IOStreams: genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: out, ErrOut: s.errOut}, flags: flags, clock: s.clock}
	go func() {
		code := run(s.ctx, append(arguments, local...), session)
		over()
		s.code <- code
	}()
}

// pass lets time pass, a second at a time, each as soon as the command waits for it.
func (s *seat) pass(seconds int) {
	s.t.Helper()
	for range seconds {
		s.waits()
		s.clock.Step(time.Second)
	}
	s.waits()
}

// waits returns once the command has done all it does at this time.
func (s *seat) waits() {
	s.t.Helper()
	s.Eventually(s.clock.HasWaiters, patience, time.Millisecond).Should(BeTrue(), s.errOut.String)
}

// ends lets time pass until the command is over, and returns its exit code.
func (s *seat) ends() int {
	s.t.Helper()
	var code int
	s.Eventually(func() bool {
		select {
		case code = <-s.code:
			return true
		default:
			if s.clock.HasWaiters() {
				s.clock.Step(time.Second)
			}
			return false
		}
	}, patience, time.Millisecond).Should(BeTrue())
	s.search(result{out: s.screen.All(), err: s.errOut.String()})
	s.Expect(s.screen.NotUnderstood()).To(BeEmpty())
	s.Expect(s.screen.CursorHidden()).To(BeFalse(), "the cursor is hidden at the end")
	return code
}

// sees waits until the screen shows the QR code that the vendor has now.
func (s *seat) sees(id int64) string {
	s.t.Helper()
	want := s.vendor.QRPayload(id)
	s.Expect(want).NotTo(BeEmpty())
	s.Eventually(func() string { return s.screen.Scan(true) }, patience, 20*time.Millisecond).Should(Equal(want))
	return want
}

func TestAuthShowsEachNewQRCodeUntilTheAccountIsAuthorized(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	id := s.waiting("line", 1)
	s.startCommand(80, 50, "auth", "line")
	s.waits()
	first := s.sees(id)
	s.Expect(s.screen.Scan(false)).To(Equal(first), "on a light terminal as well")
	s.Expect(s.screen.CursorHidden()).To(BeTrue())
	drawn := len(s.screen.All())
	s.pass(18)
	s.Expect(len(s.screen.All())-drawn).To(BeNumerically("<", 18*200), "the same code is not drawn again")
	s.Eventually(s.screen.Lines, patience).Should(ContainSubstring("4m42s left. Waiting for the scan (state notAuthorized)"))
	s.pass(4)
	s.Expect(s.sees(id)).NotTo(Equal(first))
	s.vendor.SetState(id, emulator.StateAuthorized)
	s.Expect(s.ends()).To(Equal(exitDone), s.errOut.String())
	s.Expect(s.screen.Scan(true)).To(BeEmpty(), "the code is still on the screen")
	s.Expect(s.screen.Lines()).To(Equal(fmt.Sprintf("WhatsAppInstance %s/line is authorized, phone 79007000001.\n"+
		"The operator will show it within a minute: kubectl get greenapi -n %s\n", s.ns, s.ns)))
}

// TestR36AuthShowsOfTheAccountWhatTheStatusMay: whoever may log in sees no more of the number than the resource shows, and nothing
// before the operator has said how much that is.
func TestR36AuthShowsOfTheAccountWhatTheStatusMay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status, spec v1alpha1.AccountDetails
		unseen       bool
		want         string
	}{
		"Full":                 {want: "is authorized already, phone 79007000001.\n"},
		"Masked":               {status: v1alpha1.AccountMasked, want: "is authorized already, phone 7***01.\n"},
		"None":                 {status: v1alpha1.AccountNone, want: "is authorized already.\n"},
		"None by an edit":      {status: v1alpha1.AccountMasked, spec: v1alpha1.AccountNone, want: "is authorized already.\n"},
		"Full is not stricter": {status: v1alpha1.AccountMasked, spec: v1alpha1.AccountFull, want: "is authorized already, phone 7***01.\n"},
		"nobody looked at it":  {unseen: true, want: "is authorized already.\n"},
	} {
		s := newSeat(t)
		resource := s.line("line", 1, func(i *v1alpha1.WhatsAppInstance) { i.Spec.AccountDetails = test.spec })
		if !test.unseen {
			s.lookedAt(resource, test.status)
		}
		s.startCommand(80, 50, "auth", "line")
		s.Expect(s.ends()).To(Equal(exitDone), s.errOut.String())
		s.Expect(s.screen.Lines()).To(ContainSubstring(test.want), name)
		if name != "Full" {
			s.Expect(s.screen.All()+s.errOut.String()).NotTo(ContainSubstring("79007000001"), name)
		}
	}
}

func TestAuthKeepsToTheVendorsPace(t *testing.T) {
	t.Parallel()
	for messenger, pace := range map[string]int{emulator.WhatsApp: 2, emulator.MAX: 5, emulator.Telegram: 5} {
		s := newSeat(t)
		id := s.other("line", 1, messenger)
		s.startCommand(80, 50, "auth", "line")
		s.pass(40)
		s.Expect(s.ends()).To(Equal(exitNo), s.errOut.String())
		for _, call := range s.vendor.Calls(id, "") {
			s.Expect(call.Status).To(Equal(200), call.Method)
		}
		for method, least := range map[string]int{"qr": pace, "getStateInstance": 2} {
			calls := s.vendor.Calls(id, method)
			s.Expect(len(calls)).To(BeNumerically("~", 300/least, 2), method)
			for i, call := range calls[1:] {
				s.Expect(call.Time.Sub(calls[i].Time)).To(BeNumerically(">=", time.Duration(least)*time.Second), method)
			}
		}
	}
}

// other makes an instance of any messenger that nobody is logged in to.
func (s *seat) other(name string, number int, messenger string) int64 {
	s.t.Helper()
	id, token := firstID+int64(number), fmt.Sprintf("canary-%s-%d-0123456789abcdef", s.ns, number)
	s.secrets.Add(token)
	s.vendor.Add(emulator.Instance{ID: id, Token: token, Messenger: messenger, State: emulator.StateNotAuthorized})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: name + "-token"}, StringData: map[string]string{"apiTokenInstance": token}}
	s.Expect(admin.Create(s.ctx, secret)).To(Succeed())
	meta := metav1.ObjectMeta{Namespace: s.ns, Name: name}
	spec := v1alpha1.InstanceSpec{IDInstance: id, APIURL: s.url}
	spec.APITokenSecretRef.Name = secret.Name
	resource := map[string]v1alpha1.Instance{
		emulator.WhatsApp: &v1alpha1.WhatsAppInstance{ObjectMeta: meta, Spec: v1alpha1.WhatsAppInstanceSpec{InstanceSpec: spec}},
		emulator.MAX:      &v1alpha1.MaxInstance{ObjectMeta: meta, Spec: v1alpha1.MaxInstanceSpec{InstanceSpec: spec}},
		emulator.Telegram: &v1alpha1.TelegramInstance{ObjectMeta: meta, Spec: v1alpha1.TelegramInstanceSpec{InstanceSpec: spec}},
	}[messenger]
	s.Expect(admin.Create(s.ctx, resource)).To(Succeed())
	s.lookedAt(resource, "")
	return id
}

func TestAuthGivesUpWhenTheTimeIsOver(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	s.waiting("line", 1)
	s.startCommand(80, 50, "auth", "line", "--timeout=7s")
	start := s.clock.Now()
	s.Expect(s.ends()).To(Equal(exitNo))
	s.Expect(s.clock.Since(start)).To(Equal(7 * time.Second))
	s.Expect(s.errOut.String()).To(Equal(fmt.Sprintf("error: WhatsAppInstance %s/line was not authorized within 7s; its state is notAuthorized\n"+
		"  Run it again, with a longer --timeout perhaps\n", s.ns)))
	s.Expect(s.screen.Lines()).To(BeElementOf("", "\n"))
}

func TestAuthSaysWhatAStateMeans(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	id := s.waiting("line", 1)
	until := s.clock.Now().Add(3 * time.Hour)
	for _, c := range []struct {
		do   func()
		code int
		want string
	}{
		{func() { s.vendor.SetState(id, emulator.StateAuthorized) }, exitDone, "is authorized already, phone 79007000001.\nTo log another account in, log this one out"},
		{func() { s.vendor.SetState(id, emulator.StateBlocked) }, exitFailed, "the messenger blocked the account\n  Appeal in the messenger"},
		{func() { s.vendor.SetState(id, emulator.StateYellowCard) }, exitFailed, "(yellowCard)\n  Reboot it: kubectl greenapi reboot wai/line -n " + s.ns},
		{func() { s.vendor.Suspend(id, until) }, exitFailed, "suspended the account until 2026-11-23T15:00:00Z\n  It ends by itself"},
		{func() { s.vendor.SetState(id, emulator.StatePendingPassword) }, exitNo, "Finish in the vendor's console or on the phone"},
		{func() { s.vendor.SetState(id, emulator.StateStarting) }, exitNo, "its state is starting\n  If it has been starting for more than five minutes, reboot it"},
		{func() { s.vendor.SetState(id, emulator.StateNull) }, exitNo, "its state is being created"},
		{func() { s.vendor.Update(id, func(in *emulator.Instance) { in.Expired = true }) }, exitFailed, "the instance is not paid for\n  Pay for it in the vendor's console"},
		{func() { s.vendor.Update(id, func(in *emulator.Instance) { in.Expired, in.Deleted = false, true }) }, exitFailed, "the instance was deleted at the vendor\n  Delete its resource"},
		{func() { s.vendor.RotateToken(id, "another-token") }, exitFailed, "the vendor refuses the API token (401)\n  Copy apiTokenInstance from the vendor's console into key \"apiTokenInstance\" of Secret \"line-token\""},
		{func() { s.vendor.Remove(id) }, exitFailed, "the vendor knows no such instance at this address (404)\n  Compare spec.idInstance"},
	} {
		c.do()
		s.clock.Step(2 * time.Second)
		s.startCommand(100, 50, "auth", "line", "--timeout=4s")
		s.Expect(s.ends()).To(Equal(c.code), c.want)
		s.Expect(s.screen.Lines() + s.errOut.String()).To(ContainSubstring(c.want))
		s.screen = &vt.Terminal{}
	}
}

func TestAuthWaitsWhileTheInstanceStartsAndSaysSo(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	id := s.waiting("line", 1)
	s.vendor.SetStateFor(id, emulator.StateStarting, 20*time.Second, emulator.StateNotAuthorized)
	s.startCommand(100, 50, "auth", "line")
	s.waits()
	s.Eventually(s.screen.Lines, patience).Should(ContainSubstring("The instance is starting, which takes up to five minutes"))
	s.Expect(s.vendor.Calls(id, "qr")).To(BeEmpty())
	s.pass(22)
	s.sees(id)
	// The person scanned, and has a password to give. The code is no longer good.
	s.vendor.SetState(id, emulator.StatePendingPassword)
	s.pass(2)
	s.Eventually(s.screen.Lines, patience).Should(And(ContainSubstring("The account has a password: type it in the vendor's console, or finish on the phone"), Not(ContainSubstring("█"))))
	s.vendor.SetState(id, emulator.StateAuthorized)
	s.Expect(s.ends()).To(Equal(exitDone))
}

func TestAuthSaysWhatTheVendorShowsInPlaceOfACode(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	id := s.waiting("line", 1)
	s.startCommand(120, 50, "auth", "line")
	s.waits()
	s.sees(id)
	s.vendor.Update(id, func(in *emulator.Instance) { in.Behavior.PasskeyRequired = true })
	s.pass(2)
	s.Eventually(s.screen.Lines, patience).Should(And(ContainSubstring("The account wants a passkey: confirm it on the phone"), Not(ContainSubstring("█"))))
	s.vendor.Update(id, func(in *emulator.Instance) { in.Behavior.PasskeyRequired = false })
	for body, want := range map[string]string{
		`{"type":"error","message":"\u001b]0;x\u0007 {token} no"}`: "The vendor shows no code now: (a text with a secret in it, not shown)",
		`{"type":"error","message":"\u001b[2Jtry later"}`:          "The vendor shows no code now: [2Jtry later",
		`{"type":"alreadyLogged","message":""}`:                    "Logged in, waiting for the instance",
		`{"type":"pendingPassword"}`:                               "The account has a password",
		`{"type":"pending_password"}`:                              "The account has a password",
	} {
		s.vendor.Fault(emulator.Fault{ID: id, Method: "qr", Status: 200, Body: body})
		s.pass(2)
		s.Eventually(s.screen.Lines, patience).Should(ContainSubstring(want))
	}
	// What passes is waited for, and the code comes back.
	s.vendor.Fault(emulator.Fault{ID: id, Method: "qr", Status: 502})
	s.vendor.Fault(emulator.Fault{ID: id, Method: "getStateInstance", Drop: true})
	s.pass(2)
	// net/http asks once more at once on another connection, which may come too soon for the vendor.
	s.Eventually(s.screen.Lines, patience).Should(Or(ContainSubstring("The vendor gave no answer to use, trying again"), ContainSubstring("The operator asked at the same moment, trying again")))
	s.pass(4)
	s.sees(id)
	// A code that the vendor would no longer take must not stay on the screen.
	s.vendor.Fault(emulator.Fault{ID: id, Method: "qr", Status: 502, Times: -1})
	s.pass(15)
	s.Eventually(s.screen.Lines, patience).Should(ContainSubstring("█"))
	s.pass(8)
	s.Eventually(s.screen.Lines, patience).Should(And(ContainSubstring("trying again"), Not(ContainSubstring("█"))))
	s.vendor.ClearFaults()
	s.vendor.Fault(emulator.Fault{ID: id, Method: "qr", Status: 200, Body: `{"type":"qrCode","message":"bm8gcGljdHVyZQ=="}`})
	s.Expect(s.ends()).To(Equal(exitFailed))
	s.Expect(s.errOut.String()).To(ContainSubstring("the vendor's QR code cannot be shown: the picture is no PNG\n  Use the vendor's console to log in, or use --phone NUMBER"))
}

func TestAuthSaysHowLargeTheTerminalMustBe(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	id := s.waiting("line", 1)
	s.startCommand(50, 50, "auth", "line")
	s.Expect(s.ends()).To(Equal(exitFailed))
	s.Expect(s.errOut.String()).To(ContainSubstring("the terminal of 50 columns and 50 lines is too small for the QR code: it needs 61 columns and 34 lines (57 and 32 at least)\n  Enlarge the window"))
	s.clock.Step(time.Second)
	s.startCommand(57, 32, "auth", "line")
	s.waits()
	s.sees(id)
	s.vendor.SetState(id, emulator.StateAuthorized)
	s.Expect(s.ends()).To(Equal(exitDone))
}

// TestAuthWaitsUntilTheWindowIsEnlarged: whoever reads that it is too small need not begin again.
func TestAuthWaitsUntilTheWindowIsEnlarged(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	id := s.waiting("line", 1)
	tty := s.startCommand(50, 50, "auth", "line")
	s.pass(4)
	s.Eventually(s.screen.Lines, patience).Should(ContainSubstring("The window is too small"))
	s.Expect(pty.Setsize(tty, &pty.Winsize{Cols: 80, Rows: 50})).To(Succeed())
	s.pass(4)
	s.sees(id)
	s.vendor.SetState(id, emulator.StateAuthorized)
	s.Expect(s.ends()).To(Equal(exitDone))
}

func TestAuthWithoutATerminalNeedsForce(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	id := s.waiting("line", 1)
	s.startCommandOn(s.screen, func() {}, "auth", "line")
	s.Expect(s.ends()).To(Equal(exitFailed))
	s.Expect(s.errOut.String()).To(ContainSubstring("the output is no terminal to show the QR code on: it needs 61 columns and 34 lines (57 and 32 at least)\n  Run it in a terminal, or print the code anyway by --force, or use --phone NUMBER\n"))
	for invert, dark := range map[string]bool{"--invert=false": true, "--invert": false} {
		s.screen = &vt.Terminal{}
		s.vendor.SetState(id, emulator.StateNotAuthorized)
		s.clock.Step(2 * time.Second)
		// A file has lines that end as Unix ends them.
		s.startCommandOn(returning{s.screen}, func() {}, "auth", "line", "--force", invert)
		s.waits()
		s.Expect(s.screen.Scan(dark)).To(Equal(s.vendor.QRPayload(id)))
		s.pass(20)
		s.vendor.SetState(id, emulator.StateAuthorized)
		s.Expect(s.ends()).To(Equal(exitDone))
		s.Expect(s.screen.All()).NotTo(ContainSubstring("\x1b"))
		s.Expect(s.screen.Lines()).To(And(ContainSubstring("is authorized, phone"), ContainSubstring("If it does not scan, ")))
	}
}

// returning writes carriage returns where a terminal's driver would.
type returning struct{ w io.Writer }

func (r returning) Write(b []byte) (int, error) {
	_, err := r.w.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
	return len(b), err
}

func TestAuthByPhoneShowsACodeAndANewOneWhenItExpired(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	id := s.waiting("line", 1)
	s.startCommand(80, 24, "auth", "line", "--timeout=10m", "--phone", "+7 900 123 45 67")
	s.waits()
	first := s.vendor.AuthorizationCode(id)
	s.Expect(first).To(HaveLen(8))
	s.Eventually(s.screen.Lines, patience).Should(And(ContainSubstring("    "+first+"\n"), ContainSubstring("Enter it on the phone with the number 79001234567:\nWhatsApp > Settings > Linked devices > Link a device >\n")))
	s.Expect(s.vendor.Calls(id, "getAuthorizationCode")).To(ConsistOf(HaveField("Body", map[string]any{"phoneNumber": 79001234567})))
	s.pass(149)
	s.Expect(s.vendor.Calls(id, "getAuthorizationCode")).To(HaveLen(1))
	s.pass(2)
	second := s.vendor.AuthorizationCode(id)
	s.Expect(second).NotTo(BeElementOf("", first))
	s.Eventually(s.screen.Lines, patience).Should(And(ContainSubstring(second), Not(ContainSubstring(first))))
	s.vendor.Fault(emulator.Fault{ID: id, Method: "getAuthorizationCode", Status: 502})
	s.pass(151)
	s.Eventually(s.screen.Lines, patience).Should(And(ContainSubstring("Waiting for a code of the vendor"), Not(ContainSubstring(second))))
	s.vendor.SetState(id, emulator.StateAuthorized)
	s.Expect(s.ends()).To(Equal(exitDone))
	s.Expect(s.screen.Lines()).NotTo(ContainSubstring(second))
	s.Expect(s.vendor.Calls(id, "qr")).To(BeEmpty())
}

func TestAuthByPhoneWhenTheVendorGivesNoCode(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	id := s.waiting("line", 1)
	s.vendor.Fault(emulator.Fault{ID: id, Method: "getAuthorizationCode", Times: 2, Status: 200, Body: `{"status":false}`})
	s.startCommand(80, 24, "auth", "line", "--phone", "79001234567")
	s.Expect(s.ends()).To(Equal(exitFailed))
	s.Expect(s.errOut.String()).To(ContainSubstring("the vendor gives no code for --phone 79001234567\n  See whether the number"))
	calls := s.vendor.Calls(id, "getAuthorizationCode")
	s.Expect(calls).To(HaveLen(2))
	s.Expect(calls[1].Time.Sub(calls[0].Time)).To(BeNumerically(">=", pairingPause))
	s.vendor.Fault(emulator.Fault{ID: id, Method: "getAuthorizationCode", Message: "Validation failed. Details: phoneNumber"})
	s.clock.Step(2 * time.Second)
	s.startCommand(80, 24, "auth", "line", "--phone", "79001234567")
	s.Expect(s.ends()).To(Equal(exitFailed))
	s.Expect(s.errOut.String()).To(ContainSubstring("Validation failed. Details: phoneNumber\n  Correct what it names"))
}

func TestAuthExplainsWrongArguments(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	s.waiting("line", 1)
	s.other("max", 2, emulator.MAX)
	for _, c := range []struct {
		want      string
		arguments []string
	}{
		{"auth is about one instance, and 0 names were given\n  Write kubectl greenapi auth NAME", []string{"auth"}},
		{"auth is about one instance, and 2 names were given", []string{"auth", "a", "b"}},
		{"--timeout=0s is no time to wait\n  Write a time such as --timeout=5m", []string{"auth", "line", "--timeout=0"}},
		{"--phone \"12345\" is no phone number\n  Write it with the code of its country, 7 to 15 digits", []string{"auth", "line", "--phone=12345"}},
		{"--phone \"7900123456a\" is no phone number", []string{"auth", "line", "--phone=7900123456a"}},
		{"--phone \"+1234567890123456\" is no phone number", []string{"auth", "line", "--phone=+1234567890123456"}},
		{"--phone \"0079001234567\" is no phone number", []string{"auth", "line", "--phone=0079001234567"}},
		{"only WhatsApp logs in by a code for a phone number\n  Leave --phone out, and scan the QR code", []string{"auth", "max", "--phone=79001234567"}},
		{"There is no instance other in namespace", []string{"auth", "other"}},
	} {
		r := s.run(s.clock, append(c.arguments, local...)...)
		s.Expect(r.code).To(Equal(exitFailed), c.want)
		s.Expect(r.err).To(ContainSubstring(c.want))
	}
	s.Expect(s.vendor.Calls(0, "")).To(BeEmpty())
}

func TestAuthSendsNoTokenToAHostThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	s.waiting("line", 1)
	r := s.run(s.clock, "auth", "line")
	s.Expect(r.code).To(Equal(exitFailed))
	s.Expect(r.err).To(ContainSubstring("--allowed-api-hosts"))
	s.Expect(s.vendor.Calls(0, "")).To(BeEmpty())
}

func TestEveryCauseOfTheVendorHasANextStep(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	instance := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "line"}}
	for _, cause := range []greenapi.Cause{greenapi.CauseUnauthorized, greenapi.CauseNotFound, greenapi.CauseForbidden, greenapi.CauseRateLimited, greenapi.CauseQuota,
		greenapi.CauseStarting, greenapi.CauseNotAuthorized, greenapi.CauseExpired, greenapi.CauseDeleted, greenapi.CauseRefused, greenapi.CauseUnavailable} {
		var out bytes.Buffer
		g.Expect(report(&out, explainVendor(&greenapi.StatusError{Method: "qr", Code: 400, Cause: cause, Message: "why"}, placeOf(instance)))).To(Equal(exitFailed))
		g.Expect(out.String()).To(MatchRegexp(`^error: WhatsAppInstance shop/line: .+\n  .+\n$`), string(cause))
	}
	for _, err := range []error{&greenapi.TransportError{Method: "qr", What: "no answer in time"}, &greenapi.UnreadableError{Method: "qr", What: "it is HTML"}} {
		g.Expect(passes(err)).To(BeTrue())
		g.Expect(explainVendor(err, placeOf(instance))).To(MatchError(ContainSubstring("Try again; if it stays so, see whether ")))
	}
	g.Expect(passes(&greenapi.EndpointError{What: "x"})).To(BeFalse())
	g.Expect(explainVendor(&greenapi.EndpointError{What: "x"}, placeOf(instance))).To(MatchError(ContainSubstring("Correct spec.apiUrl")))
}

func TestAuthDrawsAnewWhenTheWindowChangesItsSize(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	master, tty, err := pty.Open()
	g.Expect(err).NotTo(HaveOccurred())
	screen := &vt.Terminal{}
	drained := make(chan struct{})
	go func() { defer close(drained); _, _ = io.Copy(screen, master) }()
	g.Expect(pty.Setsize(tty, &pty.Winsize{Cols: 80, Rows: 40})).To(Succeed())
	l := &login{session: &session{IOStreams: genericiooptions.IOStreams{Out: tty}}, screen: newScreen(tty), instance: &v1alpha1.WhatsAppInstance{}}
	code, err := qr.Encode("what a phone scans", qr.L)
	g.Expect(err).NotTo(HaveOccurred())
	picture := code.PNG()
	g.Expect(l.showQR(picture)).To(Succeed())
	g.Expect(pty.Setsize(tty, &pty.Winsize{Cols: 30, Rows: 40})).To(Succeed())
	g.Expect(l.showQR(picture)).To(Succeed())
	g.Expect(pty.Setsize(tty, &pty.Winsize{Cols: 20, Rows: 40})).To(Succeed())
	g.Expect(l.showQR(picture)).To(MatchError(ContainSubstring("too small")))
	g.Expect(tty.Close()).To(Succeed())
	<-drained
	g.Expect(master.Close()).To(Succeed())
	g.Expect(screen.Scan(true)).To(Equal("what a phone scans"))
	g.Expect(screen.All()).To(ContainSubstring("\x1b[2J"))
}

// newScreen draws on a terminal.
func newScreen(tty *os.File) screen { return screen{out: tty} }
