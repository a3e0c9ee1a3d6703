// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/doctor"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

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
Where there are claims or partner accounts: whether a manager looks after them and may, which wait for a person and why, what
names one that is not there, and what is paid for and claimed by nobody.

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
	request := doctor.Request{Cluster: cluster, Current: v.namespace, All: v.allNamespaces, Now: v.clock.Now(),
		ListKind: func(ctx context.Context, kind instance.Kind, namespace string) ([]v1alpha1.Instance, error) {
			return appendAll(ctx, cluster, nil, kind, []client.ListOption{client.InNamespace(namespace)})
		}}
	if !v.allNamespaces && v.flags.Namespace != nil && *v.flags.Namespace != "" {
		if request.Namespace, err = v.namespace(); err != nil {
			return err
		}
	}
	report, err := doctor.Examine(ctx, request)
	if err != nil {
		return explain(err, "The list of instances")
	}
	if v.output != "" {
		if err := printStructured(v.Out, v.output, indentFour, report); err != nil {
			return err
		}
	} else {
		v.print(report)
	}
	return conclude(report)
}

// conclude is the error with the exit code that a report leads to.
func conclude(report doctor.Report) error {
	if report.Count(doctor.Skipped) == len(report.Checks) {
		return failf("Ask whoever runs the cluster for the role view in a namespace, and name it by -n", "You may look at nothing here")
	}
	if report.Count(doctor.Problem) > 0 {
		return errNo
	}
	return nil
}

// marks of the verdicts: words in a log, where color says nothing.
var marks = map[doctor.Verdict]struct {
	text  string
	shade shade
}{
	doctor.OK:      {"ok", shadeGood},
	doctor.Warning: {"warning", shadeBusy},
	doctor.Problem: {"PROBLEM", shadeBad},
	doctor.Skipped: {"-", shadeFaint},
}

func (v *doctorVerb) print(report doctor.Report) {
	to := terminalOf(v.Out)
	fmt.Fprintln(v.Out, wrap(report.Scope, to.width, 0, 0))
	fmt.Fprintln(v.Out)
	const markWidth, indent = 9, 11
	for _, c := range report.Checks {
		mark := marks[c.Verdict]
		text := wrap(fmt.Sprintf("%s: %s", c.Name, c.Message), to.width, markWidth, markWidth)
		fmt.Fprintf(v.Out, "%s%s%s\n", to.paint(mark.shade, mark.text), strings.Repeat(" ", markWidth-len(mark.text)), text)
		for _, detail := range c.Details {
			at := indent + len(detail) - len(strings.TrimLeft(detail, " "))
			fmt.Fprintf(v.Out, "%s%s\n", strings.Repeat(" ", at), wrap(strings.TrimSpace(detail), to.width, at, at))
		}
	}
	fmt.Fprintf(v.Out, "\n%s\n", wrap(report.Summary, to.width, 0, 0))
}
