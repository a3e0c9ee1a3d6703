// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package doctor examines the operator and all instances: the CRDs, the manager and its leader, Secrets, allowed hosts,
// duplicates, what is stalled and what nobody looks after, and claims and partner accounts where there are any. It changes nothing, calls nothing at the vendor, and prints
// nothing: it returns a report.
package doctor

import (
	"fmt"
	"strings"
)

// Verdict of one check.
type Verdict string

const (
	// OK means that there is nothing to mend.
	OK Verdict = "ok"
	// Warning means that it may be as it should, or the operator can do nothing about it.
	Warning Verdict = "warning"
	// Problem means that somebody has to mend it.
	Problem Verdict = "problem"
	// Skipped means that it was not looked at, for want of a right or because an earlier check failed.
	Skipped Verdict = "not looked at"
)

// Check is one thing that was looked at.
type Check struct {
	// Name of the check, one word.
	Name string `json:"name"`
	// Verdict is ok, warning, problem or not looked at.
	Verdict Verdict `json:"verdict"`
	// Message says in a sentence what was found.
	Message string `json:"message"`
	// Details are what in particular, and what to do about it.
	Details []string `json:"details,omitempty"`
}

// worsen makes a check at least as bad as a verdict.
func (c *Check) worsen(to Verdict) {
	if c.Verdict != Problem {
		c.Verdict = to
	}
}

// Report is what was found. It is what doctor -o json prints.
type Report struct {
	// Scope says in a sentence which instances were looked at.
	Scope string `json:"-"`
	// Checks in the order in which they were made.
	Checks []Check `json:"checks"`
	// Summary in one sentence.
	Summary string `json:"summary"`
}

// Count returns how many checks have a verdict.
func (r Report) Count(of Verdict) int {
	n := 0
	for _, c := range r.Checks {
		if c.Verdict == of {
			n++
		}
	}
	return n
}

// summarize says in a sentence how it is.
func (r Report) summarize() string {
	var parts []string
	for _, v := range []Verdict{Problem, Warning, Skipped} {
		n := r.Count(v)
		switch {
		case n == 0:
		case v == Skipped:
			parts = append(parts, fmt.Sprintf("%d not looked at", n))
		case n == 1:
			parts = append(parts, "1 "+string(v))
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, v))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("All %d checks are fine.", len(r.Checks))
	}
	return fmt.Sprintf("Of %d checks: %s.", len(r.Checks), strings.Join(parts, ", "))
}
