// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"
	operators "k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
)

// rolloutVerb is kubectl greenapi rollout.
type rolloutVerb struct {
	*session
	selection

	fleet, fleetLabel string
	follow            bool
	output            string
}

func newRollout(s *session) *cobra.Command {
	v := &rolloutVerb{session: s}
	command := &cobra.Command{
		Use:   "rollout [status]",
		Short: "Show how far a change of many instances is, and what holds it",
		Long: `Show how far a change of many instances is, and what holds it.

It counts by the statuses of the resources, of all kinds, and calls nothing at the vendor: how many are in effect, restart,
wait for a maintenance window or for their turn, are halted or failed, and why.

--fleet chooses those whose fleet label has this value, in all namespaces unless -n is given. The label is what the manager
has as --fleet-label. Without one the fleets are the namespaces.

Exit codes: 0 complete, 1 under way, 2 halted or failed.`,
		Example: `  # Of this namespace, and of all
  kubectl greenapi rollout
  kubectl greenapi rollout status -A

  # One fleet, until it is complete
  kubectl greenapi rollout --fleet shops --watch`,
		ValidArgs: []string{"status"},
		Args: func(command *cobra.Command, words []string) error {
			if len(words) == 0 || len(words) == 1 && words[0] == "status" {
				return nil
			}
			return failf("Choose by -n, -A, -l or --fleet; for one instance: kubectl greenapi status NAME", "%s takes no names, and no word but status", command.Name())
		},
		RunE: func(command *cobra.Command, _ []string) error {
			everywhere := v.fleet != "" && !command.Flags().Changed("namespace")
			v.allNamespaces = v.allNamespaces || everywhere
			return v.run(command.Context())
		},
	}
	v.bind(command)
	command.Flags().StringVar(&v.fleet, "fleet", "", "Take only instances whose fleet label has this value")
	command.Flags().StringVar(&v.fleetLabel, "fleet-label", "", "Name of the fleet label; that of the manager if not given")
	command.Flags().BoolVarP(&v.follow, "watch", "w", false, "Go on until it is complete, and show when the numbers change")
	command.Flags().StringVarP(&v.output, "output", "o", "", "json or yaml")
	return command
}

func (v *rolloutVerb) run(ctx context.Context) error {
	if err := structured(v.output); err != nil {
		return err
	}
	cluster, err := v.client()
	if err != nil {
		return err
	}
	if err := v.addFleet(ctx, cluster); err != nil {
		return err
	}
	found, err := v.find(ctx, cluster, nil, v.selection)
	if err != nil {
		return err
	}
	p := progressOver(found, v.clock.Now())
	if len(found) == 0 && v.output == "" {
		return (&statusVerb{session: v.session, selection: v.selection}).sayNone()
	}
	if err := v.show(p); err != nil {
		return err
	}
	if v.follow && p.Outcome != rolloutComplete {
		return v.watch(ctx, cluster, found, p)
	}
	return exitOf(p)
}

// exitOf says by an error how far it is; the output has said it already.
func exitOf(p progressOfAll) error {
	switch p.Outcome {
	case rolloutComplete:
		return nil
	case rolloutUnderWay:
		return errNo
	default:
		return errSaid
	}
}

// addFleet narrows the selection to a fleet.
func (v *rolloutVerb) addFleet(ctx context.Context, cluster client.Reader) error {
	if v.fleet == "" {
		if v.fleetLabel != "" {
			return failf("Add --fleet VALUE", "--fleet-label names the label, and it is not said which fleet is meant")
		}
		return nil
	}
	name := v.fleetLabel
	if name == "" {
		var err error
		if name, err = fleetLabelOf(ctx, cluster); err != nil {
			return err
		}
	}
	if wrong := validation.IsQualifiedName(name); len(wrong) > 0 {
		return failf("Write the name of a label, such as --fleet-label example.com/fleet", "--fleet-label %q names no label", name)
	}
	wanted, err := labels.NewRequirement(name, operators.Equals, []string{v.fleet})
	if err != nil {
		return failf("Write the value of the label "+name, "--fleet %q is no value of a label", v.fleet)
	}
	if v.labels != "" {
		v.labels += ","
	}
	v.labels += wanted.String()
	return nil
}

// fleetLabelOf is the label that the managers of this cluster have.
func fleetLabelOf(ctx context.Context, cluster client.Reader) (string, error) {
	ctx, stop := context.WithTimeout(ctx, longestLookup)
	defer stop()
	unknown := func(format string, args ...any) error {
		return failf("Give it by --fleet-label NAME, or choose by -l NAME=VALUE", "It is not known which label names the fleet: "+format, args...)
	}
	managers := &appsv1.DeploymentList{}
	if err := cluster.List(ctx, managers, client.MatchingLabels{managerflags.Label: managerflags.Name}); err != nil {
		return "", unknown("the manager's Deployment could not be read")
	}
	name := ""
	for _, manager := range managers.Items {
		label := managerflags.Of(manager).FleetLabel
		if name != "" && label != "" && label != name {
			return "", unknown("managers have different ones, %s and %s", name, label)
		}
		name = cmp.Or(name, label)
	}
	if name == "" {
		return "", unknown("no Deployment of the manager was found that has --fleet-label")
	}
	return name, nil
}

// line sums up in one line, for a watch.
func (p progressOfAll) line() string {
	var counts []string
	for _, part := range p.parts() {
		if part.count > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", part.count, part.text))
		}
	}
	if len(counts) == 0 {
		return "no instances"
	}
	return strings.Join(counts, ", ")
}
