// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// TestTheDemo plays the demo as a newcomer does, who is told that all of its lines held.
func TestTheDemo(t *testing.T) {
	t.Parallel()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run the tests by `make test`, or set it to what `make envtest` prints")
	}
	root, err := testenv.DependOnSources()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", root, "demo", "ONCE=1")
	// The make that runs the tests has flags of its own.
	command.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	if output, err := command.CombinedOutput(); err != nil || !strings.Contains(string(output), "lines held, in ") {
		t.Errorf("%v\n%s", err, output)
	}
}

// newTestStory returns a story that is written to a buffer.
func newTestStory(t *testing.T) (*story, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	say := &narrator{out: &audience{Writer: &out, onClosed: func() { t.Error("the audience is gone") }}, started: time.Now()}
	return &story{stage: &stage{say: say}}, &out
}

// after returns a look that reaches a state the given time it is asked.
func after(times int, reached state) func(context.Context) (look, error) {
	return func(context.Context) (look, error) {
		if times--; times > 0 {
			return look{seen: "this"}, nil
		}
		return look{state: reached, seen: "this"}, nil
	}
}

func TestLines(t *testing.T) {
	failing := func(context.Context) (look, error) { return look{}, errors.New("connection refused") }
	tests := map[string]struct {
		line         line
		want         []string
		held, failed int
	}{
		"holds at last":     {line{text: "it holds", within: time.Minute, look: after(3, holds)}, []string{"✔ it holds"}, 1, 0},
		"cannot hold":       {line{text: "it holds", expected: "that", within: time.Hour, look: after(2, never)}, []string{"✘ it holds", "expected: that\n", "seen:     this"}, 0, 1},
		"takes too long":    {line{text: "it holds", expected: "that", within: time.Millisecond, look: after(1e6, holds)}, []string{"✘ it holds", "expected: that, within 1ms", "seen:     this"}, 0, 1},
		"cannot be asked":   {line{text: "it holds", expected: "that", within: time.Millisecond, look: failing}, []string{"seen:     connection refused"}, 0, 1},
		"shows its details": {line{text: "it holds", detail: "{a, b}", timed: true, within: time.Minute, look: after(1, holds)}, []string{"✔ it holds (after 0.0 s)\n", "  {a, b}"}, 1, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, out := newTestStory(t)
			s.check(t.Context(), test.line)
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("got %q, want %q in it", out, want)
				}
			}
			if s.say.held != test.held || s.say.failed != test.failed || s.skip != (test.failed > 0) {
				t.Errorf("got %d held, %d failed, skip %v", s.say.held, s.say.failed, s.skip)
			}
		})
	}
}

func TestNothingFollowsAFailedLine(t *testing.T) {
	s, out := newTestStory(t)
	s.do(t.Context(), "the first", func(context.Context) error { return errors.New("refused") })
	shown := out.String()
	s.check(t.Context(), line{text: "the second", within: time.Minute, look: after(1, holds)})
	s.note("the third")
	s.do(t.Context(), "the fourth", func(context.Context) error { t.Error("done all the same"); return nil })
	if !strings.Contains(shown, "✘ the first") || out.String() != shown {
		t.Errorf("got %q", out)
	}
}

func TestNothingIsShownOnceTheDemoIsStopped(t *testing.T) {
	s, out := newTestStory(t)
	ctx, stop := context.WithCancelCause(t.Context())
	s.check(ctx, line{text: "it holds", within: time.Minute, look: func(context.Context) (look, error) {
		stop(errInterrupted)
		return look{}, errors.New("connection refused")
	}})
	if out.Len() > 0 || s.say.failed > 0 {
		t.Errorf("got %q", out)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	s, out := newTestStory(t)
	token := newToken()
	s.hide(token)
	s.say.fail("it holds", "that", "a call to /getSettings/"+token)
	calls := []emulator.Call{{Body: map[string]any{webhookURLToken: "hidden", delay: 1}}, {Body: "text"}}
	s.say.note(describe(calls))
	for _, secret := range []string{token, "hidden"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q shows %q", out, secret)
		}
	}
	if want := "2 setSettings with {delaySendMessagesMilliseconds, webhookUrlToken}, then something that is no JSON object"; !strings.Contains(out.String(), want) {
		t.Errorf("got %q, want %q in it", out, want)
	}
}

func TestNobodyReadsAnyMore(t *testing.T) {
	reader, writer := io.Pipe()
	_ = reader.Close()
	closed := false
	say := &narrator{out: &audience{Writer: writer, onClosed: func() { closed = true }}}
	say.note("hello")
	if !closed {
		t.Error("it was not noticed")
	}
}

func TestSameSettings(t *testing.T) {
	var body any
	if err := json.Unmarshal([]byte(`{"autoTyping": 3, "keepOnlineStatus": "yes"}`), &body); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		wanted map[string]any
		same   bool
	}{
		{map[string]any{autoTyping: 3, keepOnlineStatus: yes}, true},
		{map[string]any{autoTyping: 3}, false},
		{map[string]any{autoTyping: 4, keepOnlineStatus: yes}, false},
		{map[string]any{autoTyping: 3, linkPreview: yes}, false},
		{map[string]any{autoTyping: 3, keepOnlineStatus: yes, linkPreview: yes}, false},
	} {
		if got := sameSettings(body, test.wanted); got != test.same {
			t.Errorf("%v: got %v", test.wanted, got)
		}
	}
}

func TestTableLooksLikeKubectls(t *testing.T) {
	var table metav1.Table
	if err := json.Unmarshal([]byte(`{"columnDefinitions": [{"name": "Name"}, {"name": "Instance"}, {"name": "Phone", "priority": 1}, {"name": "Restarts"}],
		"rows": [{"cells": ["support-line", 710700000001, "79002711056", 2]}, {"cells": ["new-line", 710700000003, null, 1]}]}`), &table); err != nil {
		t.Fatal(err)
	}
	want := "NAME           INSTANCE       PHONE         RESTARTS\n" +
		"support-line   710700000001   79002711056   2\n" +
		"new-line       710700000003                 1\n"
	if got := layOut(table); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestSamplesGetTheEmulatorsAddressAndFreshTokens(t *testing.T) {
	files, err := sandbox.FindCheckout()
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := sandbox.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	paths, err := sampleFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		s, err := readSample(scheme, path, "http://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		if s.instance.Core().APIURL != "http://127.0.0.1:1" || s.instance.GetNamespace() != namespace {
			t.Errorf("%s: got %+v", path, s.instance)
		}
		if seen[s.apiToken()] || strings.Contains(s.apiToken(), "replace-me") {
			t.Errorf("%s: got the token %q", path, s.apiToken())
		}
		seen[s.apiToken()], seen[s.instance.GetName()] = true, true
	}
	for _, name := range []string{supportLine, salesLine, newLine, newsLine, fanLine} {
		if !seen[name] {
			t.Errorf("the story is about %s, which is not among the samples", name)
		}
	}
}

func TestVerdict(t *testing.T) {
	dead := &sandbox.DiedError{Name: sandbox.NameServer, How: "killed"}
	for _, test := range []struct {
		err    error
		failed int
		code   int
		once   bool
		want   ending
	}{
		{nil, 0, 0, true, ending{}},
		{nil, 1, exitFailed, true, ending{keepLogs: true}},
		{nil, 1, exitFailed, false, ending{}},
		{errInterrupted, 1, exitInterrupted, true, ending{}},
		{errors.New("refused"), 0, exitFailed, false, ending{keepLogs: true}},
		{dead, 0, exitFailed, false, ending{keepLogs: true, quick: true}},
	} {
		t.Run(fmt.Sprint(test.err, test.failed, test.once), func(t *testing.T) {
			s, out := newTestStory(t)
			s.say.failed = test.failed
			code := exitCode(s.stage, test.err)
			if code != test.code || endingOf(test.err, code, test.once) != test.want {
				t.Errorf("got %d, %+v", code, endingOf(test.err, code, test.once))
			}
			if test.err != nil && test.code == exitFailed && !strings.Contains(out.String(), test.err.Error()) {
				t.Errorf("got %q", out)
			}
		})
	}
}
