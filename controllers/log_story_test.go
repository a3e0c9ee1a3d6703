// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"go.uber.org/zap/zapcore"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// entries are the lines of a log without what controller-runtime adds to all of them, each as JSON with sorted keys.
func entries(t *testing.T, log string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("no JSON: %s", line)
		}
		for _, key := range []string{"ts", "controller", "controllerGroup", "controllerKind", "WhatsAppInstance", "namespace", "name", "reconcileID"} {
			delete(entry, key)
		}
		text, err := json.Marshal(entry)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	return lines
}

// documentedLog is the sample of docs/observability.md.
func documentedLog(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "observability.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "<!-- the log of a story -->\n```json\n")
	sample, _, ended := strings.Cut(after, "```\n")
	if !found || !ended {
		t.Fatal("docs/observability.md has no sample of a log")
	}
	return sample
}

// loggedStory is a line that is declared, drifts, loses its token and gets a new one, is suspended and goes on.
func loggedStory(s *story) {
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
	s.settledAgain("line")
	s.forward(time.Hour)
	s.vendor.RotateToken(instanceID, "an0ther-token-of-the-story")
	s.Expect(s.until(time.Hour, func() bool { return s.condition("line", v1alpha1.StalledCondition).Reason != "" })).To(BeTrue())
	s.secret("line-token", map[string]string{"apiTokenInstance": "an0ther-token-of-the-story"})
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.vendor.Suspend(instanceID, s.clock.Now().Add(time.Hour))
	s.forward(2 * time.Hour)
}

// locked lets the calls of a pass log side by side.
func locked(log *bytes.Buffer) io.Writer { return zapcore.Lock(zapcore.AddSync(log)) }

// TestTheLogHasALineForEachFact: at level 0 a story logs what docs/observability.md shows, word for word, and steady state
// nothing, whatever is polled meanwhile.
func TestTheLogHasALineForEachFact(t *testing.T) {
	s := newStory(t)
	var log bytes.Buffer
	s.log = zap.New(zap.WriteTo(locked(&log)))
	loggedStory(s)
	s.Expect(entries(t, log.String())).To(Equal(entries(t, documentedLog(t))), "%s", log.String())

	log.Reset()
	s.vendor.ResetCalls()
	s.forward(24 * time.Hour)
	s.Expect(len(s.calls())).To(BeNumerically(">", 1000))
	s.Expect(log.String()).To(BeEmpty(), "steady state")
}

// TestTheLogLevels: at level 1 come decisions and waits, at level 2 every pass and call; each level has what the lower ones
// have. None holds a secret.
func TestTheLogLevels(t *testing.T) {
	decisions := []string{"State changed", "Settings written", "Writing settings", "The pass ended early"}
	calls := []string{"Called", "Pass finished"}
	for level, has := range map[int][]string{1: decisions, 2: slices.Concat(decisions, calls)} {
		t.Run(fmt.Sprint(level), func(t *testing.T) {
			s := newStory(t)
			var log bytes.Buffer
			s.log = zap.New(zap.WriteTo(locked(&log)), zap.Level(zapcore.Level(-level)))
			loggedStory(s)
			s.Expect(leaks.Search(log.String())).To(BeEmpty(), "R24")
			for _, message := range slices.Concat(decisions, calls) {
				s.Expect(strings.Contains(log.String(), fmt.Sprintf(`"msg":"%s"`, message))).To(Equal(slices.Contains(has, message)), message)
			}
		})
	}
}
