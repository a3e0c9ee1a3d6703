// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package emulator is a stateful stand-in of GREEN-API's HTTP interface: the restart that every setSettings causes, the
// old values shown meanwhile, rate limits, the vendor's answers to what goes wrong, and scripted faults on top.
//
// It is written from the vendor's documentation and from what its users report, not from the client of this project,
// so that the two do not share a mistake. README.md says what follows which fact and what is guessed.
//
// A Server is an http.Handler. It answers the vendor's paths, and under /emulator/ its own, by which a person or a
// script controls it while it runs. A test does the same by the methods of Server, and asserts on Calls:
//
//	vendor := emulator.New(emulator.Options{Now: clock.Now})
//	vendor.Add(emulator.Instance{ID: 7107000001, Token: "secret"})
//	vendor.Fault(emulator.Fault{Method: "setSettings", Status: 504, AfterEffect: true})
//	server := httptest.NewServer(vendor)
//
// There are no timers: what changes with time is worked out from Options.Now when somebody asks, so that a day passes
// in as long as its calls take. Only the delays of a Fault really wait.
package emulator
