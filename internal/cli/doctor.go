// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// grade of one check.
type grade string

const (
	gradeOK      grade = "ok"
	gradeWarning grade = "warning"
	gradeProblem grade = "problem"
	// gradeSkipped: it was not looked at, for want of a right or because an earlier check failed.
	gradeSkipped grade = "not looked at"
)

// checkup is one thing that doctor looked at. It is what doctor -o json prints.
type checkup struct {
	// Name of the check, one word.
	Name string `json:"name"`
	// Verdict is ok, warning, problem or not looked at.
	Verdict grade `json:"verdict"`
	// Message says in a sentence what was found.
	Message string `json:"message"`
	// Details are what in particular, and what to do about it.
	Details []string `json:"details,omitempty"`
}

// worsen makes a check at least as bad as a verdict.
func (c *checkup) worsen(to grade) {
	if c.Verdict != gradeProblem {
		c.Verdict = to
	}
}

// diagnosis is what doctor found.
type diagnosis struct {
	// Checks in the order in which they were made.
	Checks []checkup `json:"checks"`
	// Summary in one sentence.
	Summary string `json:"summary"`
}

type doctorVerb struct {
	*session

	allNamespaces bool
	output        string
}

func newDoctor(s *session) *cobra.Command {
	v := &doctorVerb{session: s}
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Check the operator and all instances, and say what to mend",
		Long: `Check the operator and all instances, and say what to mend: the CRDs, the manager and its leader, Secrets, allowed
hosts, several resources for one instance, what is stalled and why, and what nobody looks after.

It changes nothing, calls nothing at the vendor, and works with few rights: what you may not look at is said and is no
problem. It looks at all namespaces if you may, else at the current one; -n names one.

Exit codes: 0 nothing to mend, 1 something to mend, 2 it could not look at all.

-o json and -o yaml print {checks: [{name, verdict, message, details}], summary}; verdict is one of ok, warning, problem
and "not looked at".`,
		Example: `  # The whole cluster, as far as you may look
  kubectl greenapi doctor

  # One namespace
  kubectl greenapi doctor --namespace default

  # For a program
  kubectl greenapi doctor -o json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return v.run(command.Context())
		},
	}
	command.Flags().BoolVarP(&v.allNamespaces, "all-namespaces", "A", false, "Look at all namespaces, and fail if you may not")
	command.Flags().StringVarP(&v.output, "output", "o", "", "Output format: json or yaml")
	return command
}

func (v *doctorVerb) run(ctx context.Context) error {
	if err := structured(v.output); err != nil {
		return err
	}
	cluster, err := v.client()
	if err != nil {
		return err
	}
	e := &examination{session: v.session, cluster: cluster}
	if err := e.chooseNamespace(v.allNamespaces); err != nil {
		return err
	}
	if err := e.look(ctx); err != nil {
		return err
	}
	d := diagnosis{Checks: e.checks()}
	d.Summary = summarize(d.Checks)
	if v.output != "" {
		if err := printStructured(v.Out, v.output, d); err != nil {
			return err
		}
	} else {
		v.print(e, d)
	}
	return conclude(d.Checks)
}

// conclude is the error with the exit code that checks lead to.
func conclude(checks []checkup) error {
	if countOf(checks, gradeSkipped) == len(checks) {
		return failf("Ask whoever runs the cluster for the role view in a namespace, and name it by -n", "You may look at nothing here")
	}
	if countOf(checks, gradeProblem) > 0 {
		return errNo
	}
	return nil
}

func countOf(checks []checkup, of grade) int {
	n := 0
	for _, c := range checks {
		if c.Verdict == of {
			n++
		}
	}
	return n
}

// summarize says in a sentence how it is.
func summarize(checks []checkup) string {
	var parts []string
	for _, v := range []grade{gradeProblem, gradeWarning, gradeSkipped} {
		n := countOf(checks, v)
		switch {
		case n == 0:
		case v == gradeSkipped:
			parts = append(parts, fmt.Sprintf("%d not looked at", n))
		case n == 1:
			parts = append(parts, "1 "+string(v))
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, v))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("All %d checks are fine.", len(checks))
	}
	return fmt.Sprintf("Of %d checks: %s.", len(checks), strings.Join(parts, ", "))
}

// marks of the verdicts: words in a log, where color says nothing.
var marks = map[grade]struct {
	text  string
	shade shade
}{
	gradeOK:      {"ok", shadeGood},
	gradeWarning: {"warning", shadeBusy},
	gradeProblem: {"PROBLEM", shadeBad},
	gradeSkipped: {"-", shadeFaint},
}

func (v *doctorVerb) print(e *examination, d diagnosis) {
	to := terminalOf(v.Out)
	fmt.Fprintln(v.Out, wrap(e.scope(), to.width, 0, 0))
	fmt.Fprintln(v.Out)
	const markWidth, indent = 9, 11
	for _, c := range d.Checks {
		mark := marks[c.Verdict]
		text := wrap(fmt.Sprintf("%s: %s", c.Name, c.Message), to.width, markWidth, markWidth)
		fmt.Fprintf(v.Out, "%s%s%s\n", to.paint(mark.shade, mark.text), strings.Repeat(" ", markWidth-len(mark.text)), text)
		for _, detail := range c.Details {
			at := indent + len(detail) - len(strings.TrimLeft(detail, " "))
			fmt.Fprintf(v.Out, "%s%s\n", strings.Repeat(" ", at), wrap(strings.TrimSpace(detail), to.width, at, at))
		}
	}
	fmt.Fprintf(v.Out, "\n%s\n", wrap(d.Summary, to.width, 0, 0))
}
