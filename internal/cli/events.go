// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
)

// eventsVerb is kubectl greenapi events.
type eventsVerb struct {
	*session

	by         selection
	since      time.Duration
	timestamps bool
	output     string
}

// eventsLast is how long the API server keeps events unless it is told otherwise.
const eventsLast = time.Hour

func newEvents(s *session) *cobra.Command {
	v := &eventsVerb{session: s}
	command := &cobra.Command{
		Use:   "events NAME",
		Short: "Show what happened to an instance or to many, in order of time",
		Long: `Show what happened to an instance, or to those chosen by -A and -l, in order of time: events, and what its status still tells of writes,
restarts, changes of state and conditions. What several tell is shown once. A warning whose cause is gone is marked (over).
What happened to the claim of an instance is told too; claim/NAME and account/NAME show an InstanceClaim or a PartnerAccount.

The API server keeps events for an hour. Of what is older only what the status tells is left.

-o json and -o yaml print a list of {time, source, reason, message}: time in RFC 3339, source one of event, write,
rotation, claim, restart, state, abandoned, condition and resource, reason one word, message a sentence; over is true for a warning whose
cause is gone, and of many each has its namespace and instance (KIND/NAME), as what happened to a claim always has.`,
		Example: `  # What happened to one instance
  kubectl greenapi events support-line

  # Everything of the last hour
  kubectl greenapi events --all-namespaces --since 1h

  # With the hour instead of how long ago
  kubectl greenapi events support-line --timestamps`,
		Args: func(command *cobra.Command, names []string) error {
			switch {
			case !v.by.allNamespaces && v.by.labels == "":
				if kind, papers, err := papersNamed(names); kind != nil || err != nil {
					return cmp.Or(err, nameOfPaper(command, kind, papers))
				}
				return nameOfOne(command, names)
			case len(names) > 0:
				return failf("Give a name, or choose by -A and -l", "Names go with neither --all-namespaces nor --selector")
			}
			return nil
		},
		ValidArgsFunction: s.completePapers,
		RunE: func(command *cobra.Command, names []string) error {
			if v.since < 0 {
				return failf("Write a time such as --since=1h", "--since=%s is no time", v.since)
			}
			if len(names) == 0 {
				return v.runAll(command.Context())
			}
			if kind, papers, _ := papersNamed(names); kind != nil {
				return v.runPaper(command.Context(), kind, papers[0])
			}
			return v.run(command.Context(), names[0])
		},
	}
	v.by.bind(command)
	command.Flags().DurationVar(&v.since, "since", 0, "Show only what happened within this time, such as 1h")
	command.Flags().BoolVar(&v.timestamps, "timestamps", false, "Show times as they are, in UTC, not how long ago they were")
	command.Flags().StringVarP(&v.output, "output", "o", "", "Output format: json or yaml")
	return command
}

func (v *eventsVerb) run(ctx context.Context, name string) error {
	if err := structured(v.output); err != nil {
		return err
	}
	cluster, err := v.client()
	if err != nil {
		return err
	}
	instance, err := v.findOne(ctx, cluster, name)
	if err != nil {
		return err
	}
	events, err := eventsOf(ctx, cluster, instance)
	if err := v.excuse(err, advice.Title(instance)+", its events"); err != nil {
		return err
	}
	all := v.recent(historyOf(instance, events))
	all = ordered(append(all, v.ofClaims(ctx, cluster, []v1alpha1.Instance{instance}, nil)...))
	return v.show(instance, all, err == nil)
}

// show prints what happened to one. complete: events could be read.
func (v *eventsVerb) show(about metav1.Object, all []happening, complete bool) error {
	if v.output != "" {
		return printStructured(v.Out, v.output, indentFour, all)
	}
	v.print(all, false)
	if complete && (v.since == 0 || v.since > eventsLast) && v.clock.Since(about.GetCreationTimestamp().Time) > eventsLast {
		fmt.Fprintln(v.ErrOut, "Events older than an hour are no longer kept by the API server; of earlier times this is what the status tells.")
	}
	return nil
}

func (v *eventsVerb) print(all []happening, many bool) {
	to := terminalOf(v.Out)
	g := &grid{terminal: to, wraps: true, columns: []column{{name: "TIME"}, {name: "WHAT"}, {name: "MESSAGE"}}}
	if many {
		g.columns = slices.Insert(g.columns, 1, column{name: "INSTANCE"})
		if v.by.allNamespaces {
			g.columns = slices.Insert(g.columns, 1, column{name: "NAMESPACE"})
		}
	}
	rows := make([][]gridCell, 0, len(all))
	for _, h := range all {
		at := ago(v.clock.Now(), h.Time.Time)
		if v.timestamps {
			at = h.Time.UTC().Format(time.RFC3339)
		}
		row := []gridCell{{at, shadeFaint}}
		if many && v.by.allNamespaces {
			row = append(row, gridCell{text: h.Namespace})
		}
		if many {
			row = append(row, gridCell{text: h.Instance})
		}
		message := h.Message
		if !many && h.Instance != "" {
			message = h.Instance + ": " + message
		}
		if h.Over {
			message += " (over)"
		}
		rows = append(rows, append(row, gridCell{text: h.Source + "/" + h.Reason}, gridCell{text: message}))
	}
	// Too narrow for a table: each message stands below its head.
	g.narrow = func(row []gridCell) string {
		last := len(row) - 1
		var head []string
		for _, cell := range row[1:last] {
			head = append(head, cell.text)
		}
		return fmt.Sprintf("%s %s\n  %s\n", to.paint(shadeFaint, row[0].text), strings.Join(head, " "), wrap(row[last].text, to.width, 2, 2))
	}
	g.print(v.Out, rows)
}
