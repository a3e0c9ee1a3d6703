// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/creack/pty"
	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/vt"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// anonymous puts NAMESPACE in place of the namespace, which differs each time.
func (s *seat) anonymous(output string) string {
	return strings.ReplaceAll(output, s.ns, "NAMESPACE")
}

// contacts have published some statuses, one of them an attack.
func (s *seat) contacts(id int64) {
	at := func(ago time.Duration) int64 { return s.clock.Now().Add(-ago).Unix() }
	s.vendor.Update(id, func(in *emulator.Instance) {
		in.BetaEnabled = true
		in.IncomingStatuses = []map[string]any{
			{"idMessage": "D", "timestamp": at(time.Minute), "typeMessage": "videoMessage", "senderId": "70000000003@c.us", "caption": "A long caption " + strings.Repeat("and more ", 20)},
			{"type": "incoming", "idMessage": "A", "timestamp": at(23 * time.Hour), "typeMessage": "extendedTextMessage", "chatId": "70000000001@c.us", "senderId": "70000000001@c.us",
				"textMessage": "Прекрасное\nутро!", "senderName": "Николай", "senderContactName": "Коля", "extendedTextMessage": map[string]any{"text": "Прекрасное\nутро!", "font": "SERIF"}},
			{"idMessage": "B", "timestamp": at(2 * time.Hour), "typeMessage": "imageMessage", "chatId": "70000000002@c.us", "downloadUrl": "https://media.example/b.jpg", "fileName": "b.jpg",
				"mimeType": "image/jpeg", "jpegThumbnail": strings.Repeat("x", 5000), "senderContactName": "日本の友達とても長い名前の人です"},
			{"idMessage": "C\x1b[31m", "timestamp": at(time.Hour), "typeMessage": "extendedTextMessage\x1b]0;owned\x07", "senderId": "70000000003@c.us\x1b[2J", "senderName": "\x1b[8m",
				"senderContactName": "Eve\x1b[2J\x1b[H\u202e\u009b31m", "textMessage": "\x1b]52;c;cm0gLXJm\x07\x1b[1A\rok\x00\u2028\u200f done"},
		}
	})
}

func TestStatusesAreShownOldestFirst(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	s.line("line", 1, nil)
	s.contacts(firstID + 1)
	for file, arguments := range map[string][]string{"statuses-txt": nil, "statuses-json": {"-o", "json"}, "statuses-yaml": {"-o", "yaml"}} {
		s.clock.Step(time.Second)
		r := s.run(s.clock, append(append([]string{"statuses", "line"}, arguments...), local...)...)
		s.Expect(r.code).To(Equal(exitDone), r.err)
		s.Expect(r.err).To(BeEmpty())
		golden(s.t, file, s.anonymous(r.out))
		var report statusReport
		if len(arguments) > 0 {
			s.Expect(yaml.UnmarshalStrict([]byte(r.out), &report)).To(Succeed(), "what is not in the help must not be in the output")
		}
	}
	s.Expect(s.vendor.Calls(firstID+1, "getIncomingStatuses")).To(HaveEach(HaveField("Query", "minutes=1440")))
}

// TestAContactCannotWriteToTheTerminal: statuses come from strangers.
func TestAContactCannotWriteToTheTerminal(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	s.line("line", 1, nil)
	s.contacts(firstID + 1)
	for _, output := range []string{"", "json", "yaml"} {
		s.clock.Step(time.Second)
		r := s.run(s.clock, append([]string{"statuses", "line", "-o", output}, local...)...)
		s.Expect(r.code).To(Equal(exitDone), r.err)
		s.Expect(r.out).To(ContainSubstring("Eve"))
		bad := strings.IndexFunc(r.out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
		s.Expect(bad).To(Equal(-1), "%q", r.out)
		s.Expect(r.out).NotTo(ContainSubstring(`\u001b`))
	}
}

func TestStatusesAreCutToTheTerminal(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	s.line("line", 1, nil)
	s.contacts(firstID + 1)
	master, tty, err := pty.Open()
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(pty.Setsize(tty, &pty.Winsize{Cols: 72, Rows: 24})).To(Succeed())
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig, flags.Namespace = new(s.kubeconfig), new(s.ns)
	session := &session{IOStreams: genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: tty, ErrOut: &bytes.Buffer{}}, flags: flags, clock: s.clock}
	s.Expect(run(s.ctx, append([]string{"statuses", "line"}, local...), session)).To(Equal(exitDone))
	s.Expect(tty.Close()).To(Succeed())
	screen := &vt.Terminal{}
	buffer := make([]byte, 1<<16)
	for n, err := master.Read(buffer); err == nil; n, err = master.Read(buffer) {
		_, _ = screen.Write(buffer[:n])
	}
	s.Expect(master.Close()).To(Succeed())
	golden(s.t, "statuses-72", s.anonymous(screen.Lines()))
	for line := range strings.Lines(screen.Lines()) {
		s.Expect(displayed(strings.TrimSuffix(line, "\n"))).To(BeNumerically("<=", 72), line)
	}
}

func TestStatusesThatAreNotThereOrNotReadable(t *testing.T) {
	t.Parallel()
	s := newSeat(t)
	s.line("line", 1, nil)
	s.other("max", 2, emulator.MAX)
	s.other("tg", 3, emulator.Telegram)
	id := firstID + 1
	r := s.run(s.clock, append([]string{"statuses", "line"}, local...)...)
	s.Expect(r.code).To(Equal(exitFailed))
	s.Expect(r.err).To(Equal("error: WhatsAppInstance " + s.ns + "/line: the beta of statuses is not enabled for this account\n  Ask GREEN-API's support to enable it\n"))
	s.vendor.Update(id, func(in *emulator.Instance) { in.BetaEnabled = true })
	s.clock.Step(time.Second)
	r = s.run(s.clock, append([]string{"statuses", "line", "--since=90m"}, local...)...)
	s.Expect(r).To(Equal(result{err: "No statuses of contacts of " + s.ns + "/line in the last 1h30m.\n"}))
	s.clock.Step(time.Second)
	r = s.run(s.clock, append([]string{"statuses", "line", "-o", "json"}, local...)...)
	var report map[string]any
	s.Expect(json.Unmarshal([]byte(r.out), &report)).To(Succeed())
	s.Expect(report).To(HaveKeyWithValue("statuses", BeEmpty()))
	for _, c := range []struct {
		fault emulator.Fault
		want  string
	}{
		{emulator.Fault{Status: 200, Body: "[" + strings.Repeat(`{"caption":"`+strings.Repeat("x", 1<<16)+`"},`, 512) + "{}]"}, "it is longer than 32 MiB"},
		{emulator.Fault{Status: 200, Body: `[{"caption":"` + strings.Repeat("x", 2<<20) + `"}]`}, "an entry of it is longer than 1 MiB"},
		{emulator.Fault{Status: 502}, "the vendor fails at present (502)\n  Try again in a minute"},
		{emulator.Fault{Status: 401}, "the vendor refuses the API token"},
	} {
		s.clock.Step(time.Second)
		s.vendor.Fault(c.fault)
		// 32 MiB take their time on a machine that has other things to do.
		r = s.run(s.clock, append([]string{"statuses", "line", "--api-timeout=5m"}, local...)...)
		s.Expect(r.code).To(Equal(exitFailed))
		s.Expect(r.err).To(ContainSubstring(c.want))
		s.Expect(r.out).To(BeEmpty())
	}
	before := len(s.vendor.Calls(0, ""))
	for want, arguments := range map[string][]string{
		"MaxInstance " + s.ns + "/max: only WhatsApp has statuses\n  Name a WhatsAppInstance": {"max"},
		"TelegramInstance " + s.ns + "/tg: only WhatsApp has statuses":                        {"tg"},
		"--since=30s is out of range":                     {"line", "--since=30s"},
		"--since=721h0m0s is out of range":                {"line", "--since=721h"},
		"-o xml is not known\n  Write -o json or -o yaml": {"line", "-o", "xml"},
		"statuses is about one instance, and 0 names were given\n  Write kubectl greenapi statuses NAME": {},
	} {
		r := s.run(s.clock, append(append([]string{"statuses"}, arguments...), local...)...)
		s.Expect(r.code).To(Equal(exitFailed))
		s.Expect(r.err).To(ContainSubstring(want))
	}
	s.Expect(s.vendor.Calls(0, "")).To(HaveLen(before))
}

func TestKubectlShowsStatuses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("line", 1, nil)
	d.vendor.Update(firstID+1, func(in *emulator.Instance) {
		in.BetaEnabled = true
		in.IncomingStatuses = []map[string]any{{"timestamp": time.Now().Add(-time.Minute).Unix(), "typeMessage": "extendedTextMessage", "textMessage": "Hello", "senderId": "70000000001@c.us"}}
	})
	r := d.kubectl(append([]string{"statuses", "line", "--since", "1h"}, local...)...)
	d.Expect(r.code).To(Equal(exitDone), r.err)
	d.Expect(r.out).To(MatchRegexp(`^TIME +FROM +TYPE +TEXT/CAPTION\n\S+Z   70000000001   text   Hello\n$`))
}
