// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestASeedMakesOneHistory: whoever is told the seed of a run can play it.
func TestASeedMakesOneHistory(t *testing.T) {
	h := generate(7, time.Hour, 200, true)
	if !reflect.DeepEqual(h, generate(7, time.Hour, 200, true)) {
		t.Error("the same seed made another history")
	}
	if reflect.DeepEqual(h, generate(8, time.Hour, 200, true)) {
		t.Error("another seed made the same history")
	}
	for _, k := range kinds {
		if h.count(k.name) == 0 {
			t.Errorf("%q does not happen within an hour", k.name)
		}
	}
	if h.end() > time.Hour {
		t.Errorf("something goes on until %s, so that the end is not calm", h.end())
	}
	for _, e := range generate(7, time.Hour, 3, false) {
		if kindOf(e.What).clocks {
			t.Fatalf("%q happens to managers that have no such clock", e.What)
		}
		if slices.ContainsFunc(e.Lines, func(line int) bool { return line < 0 || line > 2 }) {
			t.Fatalf("%v happens to lines that are not there", e)
		}
	}
}

// TestASmallerHistoryIsFound: of many events the two that break something together are left.
func TestASmallerHistoryIsFound(t *testing.T) {
	h := generate(3, 5*time.Minute, 20, true)
	one, other := h[10], h[len(h)-7]
	played := 0
	together := func(h history) bool {
		played++
		has := func(wanted event) bool {
			return slices.ContainsFunc(h, func(e event) bool { return reflect.DeepEqual(e, wanted) })
		}
		return has(one) && has(other)
	}
	if got := shrink(h, 1000, together); !reflect.DeepEqual(got, history{one, other}) {
		t.Errorf("%d events are left: %v", len(got), got)
	}
	played = 0
	if got := shrink(h, 5, together); !together(got) || played > 6 {
		t.Errorf("with five tries: %d were made", played)
	}
	if got := shrink(h, 0, together); !reflect.DeepEqual(got, h) {
		t.Error("without a try something was left out")
	}
}

// TestWhatIsAllowed: one restart for a change, two where an answer was lost, and none for what goes wrong at the operator.
func TestWhatIsAllowed(t *testing.T) {
	h := history{
		{What: "a commit changes settings", Lines: []int{0, 1}},
		{What: "the answer of a write is lost", Lines: []int{1}},
		{What: "a manager is killed"}, {What: "a host hangs", Lines: []int{0}}, {What: "etcd is frozen"},
	}
	for line, want := range map[int]int{0: 2, 1: 4, 2: 1} {
		if got := h.allowed(line, false); got != want {
			t.Errorf("line %d may restart %d times, want %d", line, got, want)
		}
		if got := h.allowed(line, true); got != want+1 {
			t.Errorf("line %d, which a commit mended, may restart %d times, want %d", line, got, want+1)
		}
	}
	if got := append(h, event{What: restore}).allowed(2, false); got != 3 {
		t.Errorf("where etcd was restored a line may restart %d times, want 3", got)
	}
	asked := history{{What: "somebody asks for a reboot", Lines: []int{2}}, {What: "somebody asks for a look", Lines: []int{2}}}
	if got := asked.allowed(2, false); got != 2 {
		t.Errorf("who asks for a reboot gets one: %d restarts, want 2", got)
	}
	if got := append(asked, event{What: restore}).allowed(2, false); got != 5 {
		t.Errorf("a request that a restored etcd does not know is made again: %d restarts, want 5", got)
	}
	if broken := judgeRestarts("line", 3, 2); len(broken) != 1 || len(judgeRestarts("line", 2, 2)) != 0 {
		t.Errorf("%q for three of two restarts", broken)
	}
}

// TestTheLedgerIsJudged: of a name one instance lives, and of all no more than the limit.
func TestTheLedgerIsJudged(t *testing.T) {
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	entry := func(what string, id int64, name string) emulator.Entry {
		return emulator.Entry{What: what, ID: id, Name: name, Time: begun.Add(time.Duration(id) * time.Second)}
	}
	fine := []emulator.Entry{
		entry(emulator.EntryCreated, 1, "a"), entry(emulator.EntryCreated, 2, "b"), entry(emulator.EntryDeleted, 1, "a"),
		entry(emulator.EntryCreated, 3, "a"), entry(emulator.EntryRotated, 3, "a"),
	}
	if broken := judgeLedger(fine, 2, begun); len(broken) != 0 {
		t.Errorf("what is right is called broken: %q", broken)
	}
	if broken := judgeLedger(fine, 1, begun); len(broken) != 2 {
		t.Errorf("two at once, and the limit is one: %q", broken)
	}
	if broken := judgeLedger(append(fine, entry(emulator.EntryCreated, 4, "b")), 9, begun); len(broken) != 1 || !strings.Contains(broken[0], "at 4.0 s though the one that was bought at 2.0 s") {
		t.Errorf("two of one name: %q", broken)
	}
	if gone := deleted(fine); len(gone) != 1 || !gone[1] {
		t.Errorf("%v are deleted, want 1", gone)
	}
}

// TestGrowthIsSeen, and what a process takes a little more is none.
func TestGrowthIsSeen(t *testing.T) {
	early := usage{goroutines: 200, resident: 100 << 20}
	if broken := flat("manager-1", early, usage{goroutines: 390, resident: 210 << 20}); len(broken) != 0 {
		t.Errorf("a little more: %q", broken)
	}
	if broken := flat("manager-1", early, usage{goroutines: 410, resident: 220 << 20}); len(broken) != 2 {
		t.Errorf("twice as much: %q", broken)
	}
	if broken := flat("manager-1", usage{}, early); len(broken) != 0 {
		t.Errorf("where it could not be measured: %q", broken)
	}
}

// TestARequestIsAnsweredAtTheEnd: who asked is not left waiting.
func TestARequestIsAnsweredAtTheEnd(t *testing.T) {
	for _, asks := range []wish{{looks: 3}, {writes: 2}, {reboots: 1}} {
		resource := &v1alpha1.WhatsAppInstance{}
		resource.Annotations = asks.annotations()
		if viewOf(resource).answered {
			t.Errorf("%v: nobody has answered", resource.Annotations)
		}
		resource.Status.LastHandledReconcileAt = resource.Annotations[v1alpha1.ReconcileRequestedAtAnnotation]
		resource.Status.LastHandledApplyAt = resource.Annotations[v1alpha1.ApplyRequestedAtAnnotation]
		resource.Status.LastHandledRebootAt = resource.Annotations[v1alpha1.RebootRequestedAtAnnotation]
		if !viewOf(resource).answered {
			t.Errorf("%v: all is answered", resource.Annotations)
		}
	}
}
