// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// vendorDay is a way in which a day with the vendor can go, as docs/migration.md describes it: the text of the first
// column, and what is done to the instance at the start and every minute.
type vendorDay struct {
	name     string
	behavior emulator.Behavior
	minute   func(s *story, n int)
}

var vendorDays = []vendorDay{
	{name: "Values show a minute after the call, when the restart is over"},
	{name: "Values show five minutes after the latest call", behavior: emulator.Behavior{ApplyDelay: 4 * time.Minute}},
	{name: "Values show five minutes after the first call", minute: func(s *story, _ int) {
		// What comes later does not put it off, but restarts the instance all the same.
		calls := s.vendor.Calls(instanceID, "setSettings")
		if len(calls) == 0 {
			return
		}
		left := calls[0].Time.Add(5*time.Minute - time.Minute).Sub(s.clock.Now())
		s.vendor.Update(instanceID, func(in *emulator.Instance) { in.Behavior.ApplyDelay = max(left, 0) })
	}, behavior: emulator.Behavior{ApplyDelay: 4 * time.Minute}},
	{name: "The vendor says yes and never keeps the values", behavior: emulator.Behavior{NeverKept: []string{emulator.Everything}}},
	{name: "Something else sets the value back every 20 minutes", minute: func(s *story, n int) {
		if n%20 == 19 {
			s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no"})
		}
	}},
}

// TestAComparingLoopAgainstTheOperator: how often an instance is restarted in a day for one wish, by a loop that sets what
// differs and by this operator with its defaults. docs/migration.md shows the figures, and cannot show others.
func TestAComparingLoopAgainstTheOperator(t *testing.T) {
	table := docsTable(t, "../docs/migration.md", "What the vendor does")
	if len(table) != len(vendorDays) {
		t.Errorf("docs/migration.md has %d ways for a day to go, and the test %d", len(table), len(vendorDays))
	}
	for _, day := range vendorDays {
		t.Run(day.name, func(t *testing.T) {
			row, ok := table[day.name]
			if !ok || len(row) != 3 {
				t.Fatalf("docs/migration.md has the row %q for %q; want three figures", row, day.name)
			}
			for i, every := range []time.Duration{time.Minute, 10 * time.Minute, 0} {
				t.Run(fmt.Sprintf("every %s", every), func(t *testing.T) {
					s := newStory(t)
					s.spend(day, every)
					if got := strconv.Itoa(s.vendor.Restarts(instanceID)); got != row[i] {
						t.Errorf("%s restarts in a day; docs/migration.md says %q", got, row[i])
					}
				})
			}
		})
	}
}

// spend lets a day pass in which incomingWebhook is wished to be on: for a loop that looks so often, or for the operator if
// that is 0.
func (s *story) spend(day vendorDay, every time.Duration) {
	s.t.Helper()
	token := fmt.Sprintf("t0ken-%s-line-abcdefgh", s.ns)
	s.vendor.Add(emulator.Instance{ID: instanceID, Token: token, Behavior: day.behavior})
	if every == 0 {
		// Reading the state every minute decides nothing here, and would take most of the time.
		s.options.StateInterval = s.options.SettingsInterval
		s.restart()
		s.instance("line", incoming(true))
	}
	for n := range 24 * 60 {
		if day.minute != nil {
			day.minute(s, n)
		}
		if every > 0 && n%int(every.Minutes()) == 0 {
			s.compareAndSet(token, "incomingWebhook", "yes")
		}
		s.forward(time.Minute)
	}
}

// compareAndSet is what a script does: it reads the settings, and sends the one that differs. What the vendor answers does
// not matter to it, since it looks again soon.
func (s *story) compareAndSet(token, setting, wish string) {
	s.t.Helper()
	call := func(verb, method, body string) []byte {
		path := fmt.Sprintf("/waInstance%d/%s/%s", instanceID, method, token)
		answer := httptest.NewRecorder()
		s.vendor.ServeHTTP(answer, httptest.NewRequestWithContext(s.ctx, verb, path, strings.NewReader(body)))
		return answer.Body.Bytes()
	}
	var shown map[string]any
	s.Expect(json.Unmarshal(call(http.MethodGet, "getSettings", ""), &shown)).To(Succeed())
	if shown[setting] != wish {
		call(http.MethodPost, "setSettings", fmt.Sprintf(`{%q: %q}`, setting, wish))
	}
}

// docsTable reads a table of a page of the docs: by the text of the first column, the texts of the others. The heading of
// the first column says which table.
func docsTable(t *testing.T, page, heading string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n| "+heading+" |")
	if !found {
		t.Fatalf("%s has no table whose first column is %q", page, heading)
	}
	table := map[string][]string{}
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if line == "" {
			break
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		table[cells[0]] = cells[1:]
	}
	// What is left of the heading, and the line below it.
	for name := range table {
		if !strings.ContainsAny(name, "abcdefghijklmnopqrstuvwxyz") || len(table[name]) < 3 {
			delete(table, name)
		}
	}
	return table
}
