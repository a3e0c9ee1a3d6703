// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// writeFaults are ways in which setSettings fails once, and by how many restarts the change is carried out in the end: one,
// or two where the vendor restarted the instance and kept nothing.
var writeFaults = map[string]struct {
	fault    emulator.Fault
	restarts int
}{
	"it breaks off without effect":              {emulator.Fault{Drop: true}, 1},
	"it breaks off after its effect":            {emulator.Fault{Drop: true, AfterEffect: true}, 1},
	"it hangs without effect":                   {emulator.Fault{Hang: true}, 1},
	"it hangs after its effect":                 {emulator.Fault{Hang: true, AfterEffect: true}, 1},
	"it is slow":                                {emulator.Fault{DelayBefore: time.Second, DelayAfter: time.Second}, 1},
	"it comes too late":                         {emulator.Fault{DelayBefore: 4 * time.Second, KeepWaiting: true}, 1},
	"its answer drips":                          {emulator.Fault{Drip: 5 * time.Millisecond}, 1},
	"its answer drips too slowly":               {emulator.Fault{Drip: time.Second}, 1},
	"it answers 500 after its effect":           {emulator.Fault{Status: 500, AfterEffect: true}, 1},
	"it answers 500 without effect":             {emulator.Fault{Status: 500}, 1},
	"it answers 502 with a page":                {emulator.Fault{Status: 502, AfterEffect: true}, 1},
	"it answers 499 after its effect":           {emulator.Fault{Status: 499, AfterEffect: true}, 1},
	"it answers nothing after its effect":       {emulator.Fault{Answer: emulator.AnswerEmpty, AfterEffect: true}, 1},
	"it answers half after its effect":          {emulator.Fault{Answer: emulator.AnswerTruncated}, 1},
	"its answer is cut off":                     {emulator.Fault{Answer: emulator.AnswerCutOff}, 1},
	"its answer is of another type":             {emulator.Fault{Answer: emulator.AnswerWrongType, AfterEffect: true}, 1},
	"its answer is a page":                      {emulator.Fault{Body: "<html>{token}</html>", AfterEffect: true}, 1},
	"its answer echoes the token":               {emulator.Fault{Status: 500, Body: `{"message":"{path} {token}"}`, AfterEffect: true}, 1},
	"it is limited":                             {emulator.Fault{Status: 429, Times: 2}, 1},
	"it is refused as the instance starts":      {emulator.Fault{Message: "instance is starting"}, 1},
	"it is refused for its token":               {emulator.Fault{Status: 401}, 1},
	"it is refused for its token in a good one": {emulator.Fault{Answer: emulator.AnswerCodeInBody, Status: 401}, 1},
	"it is forbidden":                           {emulator.Fault{Status: 403}, 1},
	"it is not found":                           {emulator.Fault{Status: 404}, 1},
	"it is sent elsewhere":                      {emulator.Fault{Location: "http://127.0.0.1:1/{token}"}, 1},
	"it says no":                                {emulator.Fault{Behavior: &emulator.Behavior{RefuseSave: true}}, 1},
	"it says yes and keeps nothing":             {emulator.Fault{Behavior: &emulator.Behavior{NeverKept: []string{emulator.Everything}}}, 2},
	"it shows the new values late":              {emulator.Fault{Behavior: &emulator.Behavior{ApplyDelay: 3 * time.Second}}, 1},
	"it shows the new values early":             {emulator.Fault{Behavior: &emulator.Behavior{ShowNew: true, RestartTime: 2 * time.Second}}, 1},
	"it lies early and keeps nothing":           {emulator.Fault{Behavior: &emulator.Behavior{ShowNew: true, RestartTime: 2 * time.Second, NeverKept: []string{emulator.Everything}}}, 2},
}

// readFaults are ways in which a reading fails.
var readFaults = map[string]emulator.Fault{
	"breaks off":            {Drop: true},
	"hangs":                 {Hang: true},
	"drips":                 {Drip: 5 * time.Millisecond},
	"is empty":              {Answer: emulator.AnswerEmpty},
	"is null":               {Answer: emulator.AnswerNull},
	"is of another type":    {Answer: emulator.AnswerWrongType},
	"is truncated":          {Answer: emulator.AnswerTruncated},
	"is cut off":            {Answer: emulator.AnswerCutOff},
	"is huge":               {Answer: emulator.AnswerHuge},
	"is 401 in a good one":  {Answer: emulator.AnswerCodeInBody, Status: 401},
	"is a page":             {Body: "<html>{token}</html>"},
	"is an echo":            {Status: 503, Body: `{"message":"{path} {token}"}`},
	"is limited":            {Status: 429, Header: map[string]string{"Retry-After": "1"}},
	"fails":                 {Status: 500},
	"is another place":      {Status: 307, Location: "http://127.0.0.1:1/{path}"},
	"is expired for once":   {Message: "instance is expired"},
	"is not there for once": {Status: 404},
}

// TestTheVendorFails: whatever a call meets once, the change is carried out, by one restart, and nothing is stuck.
func TestTheVendorFails(t *testing.T) {
	t.Parallel()
	faults := slices.Sorted(maps.Keys(writeFaults))
	f := newFleet(t, admin, len(faults))
	p := f.launch(newGate(t, environment.Config))
	f.converge("at the beginning")
	for i, name := range faults {
		fault := writeFaults[name].fault
		fault.ID, fault.Method = f.id(f.names[i]), "setSettings"
		f.vendor.Fault(fault)
		f.delay(f.names[i], 1000)
		f.restarts[f.names[i]] += writeFaults[name].restarts - 1
	}
	f.converge(strings.Join(numbered(f, faults), "\n"))

	// With readings that fail around a write, and a process that is new in the middle of it.
	readings := slices.Sorted(maps.Keys(readFaults))
	for i, name := range readings {
		for _, method := range []string{"getStateInstance", "getSettings", "getWaSettings"} {
			fault := readFaults[name]
			fault.ID, fault.Method, fault.Times = f.id(f.names[i]), method, 2
			f.vendor.Fault(fault)
		}
		f.delay(f.names[i], 2000)
	}
	p.kill()
	f.launch(newGate(t, environment.Config))
	f.converge(strings.Join(numbered(f, readings), "\n"))
}

// numbered says which line meets what.
func numbered(f *fleet, what []string) []string {
	lines := make([]string, len(what))
	for i := range what {
		lines[i] = f.names[i] + ": " + what[i]
	}
	return lines
}

// TestTheWayToTheVendorFails: below HTTP, for all calls, for setSettings alone, and for its answer alone.
func TestTheWayToTheVendorFails(t *testing.T) {
	t.Parallel()
	ways := map[string]func(net.Conn){
		"connections are reset":            reset,
		"connections are reset in between": resetMidRequest,
		"connections are half-open":        halfOpen,
		"answers drip":                     dripping,
		"somebody else answers":            saying("SSH-2.0-OpenSSH_9.9\r\n"),
		"an answer has no end":             saying("HTTP/1.1 200 OK\r\n\r\n{"),
		"an answer is no HTTP":             saying("HTTP/1.1 abc canary\r\n\r\n"),
		"a header has no end":              saying("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<17)),
	}
	names := slices.Sorted(maps.Keys(ways))
	f := newFleet(t, admin, len(names))
	wires := make([]*wire, len(names))
	for i, line := range f.names {
		wires[i] = newWire(t, f.url)
		f.edit(line, 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = wires[i].url })
	}
	f.launch(newGate(t, environment.Config))
	f.converge("at the beginning")
	for round, fault := range []wireFault{{}, {writes: true}, {writes: true, late: true}} {
		for i, name := range names {
			fault.do = ways[name]
			wires[i].fail(new(fault))
			f.delay(f.names[i], int32(1000+round))
		}
		for i, name := range names {
			f.Eventually(wires[i].met.Load, patience).ShouldNot(BeZero(), name)
			wires[i].fail(nil)
		}
		f.converge(fmt.Sprintf("%+v\n%s", fault, strings.Join(numbered(f, names), "\n")))
	}
}
