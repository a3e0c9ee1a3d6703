// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestTheSharderChangesItsMind: a drain needs no poll to be noticed, even of a line that is paused. Labels that were set anew
// while the shard was about to remove them stay.
func TestTheSharderChangesItsMind(t *testing.T) {
	t.Parallel()
	s := newSharder(t, 2)
	g := newGate(t, environment.Config)
	patches, pass := make(chan string), make(chan struct{})
	t.Cleanup(func() { close(pass) })
	g.kubeconfig = stand(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			held := httptest.NewRecorder()
			select {
			case patches <- r.URL.Path:
				<-pass
			case <-s.ctx.Done():
			}
			g.ServeHTTP(held, r)
			w.WriteHeader(held.Code)
			_, _ = w.Write(held.Body.Bytes())
			return
		}
		g.ServeHTTP(w, r)
	}))
	for _, line := range s.names {
		s.assign(line, "a")
	}
	s.joinBy(g, "a", "--state-interval=1h", "--settings-interval=1h")
	s.converge("at the beginning")

	s.drain("line-0")
	s.Eventually(patches, patience).Should(Receive(HaveSuffix("/whatsappinstances/line-0")), "the shard acknowledges\n%s", s.alarm)
	s.assign("line-0", "b")
	pass <- struct{}{}
	s.join("b")
	s.delay("line-0", 1000)
	s.converge("b has line-0")
	s.Expect(s.get("line-0").Labels).To(HaveKeyWithValue(s.ring.ShardLabel(), "b"), "nobody took it from b")

	// Asked for once more at once: the second time counts as well.
	s.edit("line-1", 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	s.drain("line-1")
	s.Eventually(patches, patience).Should(Receive(HaveSuffix("/whatsappinstances/line-1")), "%s", s.alarm)
	s.patch("line-1", fmt.Sprintf(`{%q:"anew"}`, s.ring.DrainLabel()))
	pass <- struct{}{}
	s.Eventually(patches, patience).Should(Receive(HaveSuffix("/whatsappinstances/line-1")), "%s", s.alarm)
	s.Expect(s.get("line-1").Labels).To(HaveKeyWithValue(s.ring.DrainLabel(), "anew"))
	pass <- struct{}{}
	s.awaitRelease("line-1")
}

// TestAShardThatHearsNothingMakesNoCall: the shard has let go of a line, and its watch of the lines does not tell it so, while
// that of the Secrets gives it reason to look.
func TestAShardThatHearsNothingMakesNoCall(t *testing.T) {
	t.Parallel()
	s := newSharder(t, 2)
	g := newGate(t, environment.Config)
	var deaf atomic.Bool
	patched := make(chan struct{}, 1)
	g.kubeconfig = stand(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := strings.HasSuffix(r.URL.Path, "/whatsappinstances")
		switch {
		case r.Method == http.MethodPatch:
			deaf.Store(true)
			g.cut()
			g.ServeHTTP(w, r)
			patched <- struct{}{}
		case deaf.Load() && lines:
			<-r.Context().Done()
		default:
			g.ServeHTTP(w, r)
		}
	}))
	for _, line := range s.names {
		s.assign(line, "a")
	}
	a := s.joinBy(g, "a", "--state-interval=1h", "--settings-interval=1h")
	s.converge("at the beginning")
	s.drain("line-0")
	s.Eventually(patched, patience).Should(Receive(), "%s", s.alarm)
	calls := a.callsOf(s.id("line-0"))
	for range 3 {
		other := a.callsOf(s.id("line-1"))
		for _, line := range s.names {
			s.token(line)
		}
		s.Eventually(func() int64 { return a.callsOf(s.id("line-1")) }, patience).Should(BeNumerically(">", other), "it looks after line-1\n%s", s.alarm)
	}
	s.Expect(a.callsOf(s.id("line-0"))).To(Equal(calls))
}

// token gives a line another API token.
func (s *sharder) token(line string) {
	s.t.Helper()
	token := fmt.Sprintf("canary-%s-%d-%s", line, time.Now().UnixNano(), s.ns)
	s.vendor.RotateToken(s.id(line), token)
	s.secret(line+"-token", "apiTokenInstance", token)
}

// TestFlagsOfAShardAreExplained: what makes no sense in a ring is refused with what to write.
func TestFlagsOfAShardAreExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for flags, want := range map[string]string{
		"--shard-name=a": "--shard-name needs --shard-ring",
		"--shard-ring=" + strings.Repeat("x", 64):                    "--shard-ring must be the name of a ControllerRing, such as greenapi: small letters, digits, - and ., at most 63",
		"--shard-ring=Green":                                         "--shard-ring must be the name of a ControllerRing",
		"--shard-ring=a/b":                                           "--shard-ring must be the name of a ControllerRing",
		"--shard-ring=r --shard-name=under_score":                    `--shard-name must be small letters, digits, - and ., at most 63 of them, such as shard-1; it is "under_score"`,
		"--shard-ring=r --shard-name=" + strings.Repeat("x", 64):     "--shard-name must be small letters",
		"--shard-ring=r --shard-name=a --leader-elect=false":         "leave --leader-elect=false out",
		"--shard-ring=r --shard-name=a --leader-election-id=x":       "leave --leader-election-id out, or set --shard-name",
		"--shard-ring=r --shard-name=a --leader-election-namespace=": "--leader-election-namespace is needed outside a cluster",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		command := w.command(strings.Fields(flags)...)
		var output bytes.Buffer
		command.Stdout, command.Stderr = &output, &output
		w.Expect(command.Start()).To(Succeed())
		context.AfterFunc(ctx, func() { _ = command.Process.Kill() })
		if err := command.Wait(); err == nil {
			t.Errorf("%s is accepted", flags)
		}
		cancel()
		if !strings.Contains(output.String(), want) {
			t.Errorf("%s: %s\nwant a message with %q", flags, output.String(), want)
		}
	}
}
