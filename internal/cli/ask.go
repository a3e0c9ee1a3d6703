// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// ask is a verb that asks the operator for something by a field or an annotation of the resource.
type ask struct {
	use, short, long, example string
	// patch is what is merged into the resource; at is the time of the request, which the operator echoes.
	patch func(at string) string
	// field is the path of what patch sets.
	field []string
	// handled is the latest request that the operator acted on, of verbs that leave one.
	handled func(v1alpha1.Instance) string
	// refuse says why it would be no use, nil if it is.
	refuse func(v1alpha1.Instance) error
	// confirm is the question that is put first, with the resource's title for %s; "" for none.
	confirm string
	// confirmAll is one question about all of them, in place of confirm; nil for none.
	confirmAll func([]v1alpha1.Instance) string
	// said is what is printed when it is asked for, with the resource's title for %s.
	said string
	// heard tells whether the operator knows of what was asked for at that time, and reached whether it is done.
	heard   func(instance v1alpha1.Instance, at string) bool
	reached func(instance v1alpha1.Instance, waited time.Duration) bool
}

// asks are the verbs of this kind.
var asks = []ask{
	{
		use: "reconcile", short: "Have an instance read now, and what was given up tried once more",
		long: `Have an instance read now, and what was given up tried once more.

It sets the annotation reconcile-requested-at. Settings are written only if they differ. Of those that are chosen by -A or
-l the paused ones are left out.`,
		example: `  kubectl greenapi reconcile support-line --wait
  kubectl greenapi reconcile -A -l team=shop`,
		patch:   annotation(v1alpha1.ReconcileRequestedAtAnnotation),
		field:   []string{"metadata", "annotations", v1alpha1.ReconcileRequestedAtAnnotation},
		handled: func(i v1alpha1.Instance) string { return i.InstanceStatus().LastHandledReconcileAt },
		refuse:  whilePaused,
		said:    "%s: asked to be read now",
		heard:   func(i v1alpha1.Instance, at string) bool { return i.InstanceStatus().LastHandledReconcileAt == at },
		reached: func(i v1alpha1.Instance, _ time.Duration) bool { return fulfilled(i) },
	},
	{
		use: "reboot", short: "Have an instance rebooted once",
		long: `Have an instance rebooted once. Its messenger is down meanwhile, for up to five minutes.

It sets the annotation reboot-requested-at, after a question unless --yes is given.`,
		example: `  kubectl greenapi reboot support-line
  kubectl greenapi reboot support-line --yes --wait`,
		patch:   annotation(v1alpha1.RebootRequestedAtAnnotation),
		field:   []string{"metadata", "annotations", v1alpha1.RebootRequestedAtAnnotation},
		handled: func(i v1alpha1.Instance) string { return i.InstanceStatus().LastHandledRebootAt },
		refuse:  whereRebootsAreIgnored,
		confirm: "Reboot %s? Its messenger is down meanwhile, for up to five minutes.",
		said:    "%s: asked to be rebooted",
		heard:   func(i v1alpha1.Instance, at string) bool { return i.InstanceStatus().LastHandledRebootAt == at },
		reached: rebooted,
	},
	applyNow,
	{
		use: "pause", short: "Stop every call for an instance",
		long: `Stop every call for an instance. The last status is kept, and nothing is written until it is resumed.

It sets spec.paused. Where the manifest in Git has paused too, Flux or Argo CD undoes it: a warning says so, and it has to
be changed there. Several are paused eight at a time.`,
		example: `  kubectl greenapi pause support-line --wait

  # All that there are, and all of one team
  kubectl greenapi pause --all-namespaces
  kubectl greenapi pause -l team=shop`,
		patch: func(string) string { return `{"spec":{"paused":true}}` },
		field: []string{"spec", "paused"},
		said:  "%s: paused",
		heard: func(i v1alpha1.Instance, _ string) bool { return observed(i) },
		reached: func(i v1alpha1.Instance, _ time.Duration) bool {
			return conditionOf(i, v1alpha1.PausedCondition) != nil
		},
	},
	{
		use: "resume", short: "Look after an instance again",
		long: `Look after an instance again that was paused: what differs by now is written.

It removes spec.paused. Where the manifest in Git has paused too, Flux or Argo CD undoes it: a warning says so, and it has
to be changed there. Several are resumed eight at a time.`,
		example: `  kubectl greenapi resume support-line --wait`,
		patch:   func(string) string { return `{"spec":{"paused":null}}` },
		field:   []string{"spec", "paused"},
		said:    "%s: resumed",
		heard:   func(i v1alpha1.Instance, _ string) bool { return observed(i) },
		reached: func(i v1alpha1.Instance, _ time.Duration) bool {
			return conditionOf(i, v1alpha1.PausedCondition) == nil && fulfilled(i)
		},
	},
}

func annotation(name string) func(at string) string {
	return func(at string) string { return fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, name, at) }
}

func whilePaused(i v1alpha1.Instance) error {
	if !i.Core().Paused {
		return nil
	}
	return failf("Resume it first: kubectl greenapi resume "+advice.Argument(i), "%s is paused, so nobody reads it", advice.Title(i))
}

// at is the time of a request. Of two times only a later one is a request, and the clock of another machine may be ahead.
func (a ask) at(i v1alpha1.Instance, now time.Time) string {
	if a.handled != nil {
		if handled, err := time.Parse(time.RFC3339, a.handled(i)); err == nil && !now.After(handled) {
			now = handled.Add(time.Nanosecond)
		}
	}
	return now.UTC().Format(time.RFC3339Nano)
}

// whereRebootsAreIgnored follows the operator's own rules: it echoes such a request and does nothing (R20).
func whereRebootsAreIgnored(i v1alpha1.Instance) error {
	switch {
	case i.Core().Paused:
		return whilePaused(i)
	case i.Core().Policy() == v1alpha1.PolicyObserve:
		return failf("Remove spec.reconcilePolicy first, or reboot it in the vendor's console", "%s has the policy Observe, under which it is never rebooted", advice.Title(i))
	case len(i.InstanceStatus().Conditions) == 0:
		return notLookedAt(i)
	}
	return nil
}

// quickReboot is how long an instance that is not seen to start may have been down unseen: the operator looks again
// within that time.
const quickReboot = 45 * time.Second

// rebooted reports whether an instance is back after a reboot that it was asked for.
func rebooted(i v1alpha1.Instance, waited time.Duration) bool {
	status := i.InstanceStatus()
	ready := conditionOf(i, v1alpha1.ReadyCondition)
	if status.StateInstance == states.Starting || ready != nil && ready.Reason == v1alpha1.ReasonObservationStale {
		return false
	}
	asked, err := time.Parse(time.RFC3339Nano, status.LastHandledRebootAt)
	seen := err == nil && status.StateChangedTime != nil && !status.StateChangedTime.Time.Before(asked.Truncate(time.Second))
	return seen || waited > quickReboot
}

// command makes the verb.
func (a ask) command(s *session) *cobra.Command {
	var (
		by   selection
		hold waiting
		sure bool
	)
	command := &cobra.Command{
		Use: a.use + " NAME...", Short: a.short, Long: a.long, Example: a.example,
		ValidArgsFunction: s.completeNames,
		RunE: func(command *cobra.Command, arguments []string) error {
			cluster, err := s.client()
			if err != nil {
				return err
			}
			if len(arguments) == 0 && !by.allNamespaces && by.labels == "" {
				return failf("Give names, or choose by -A and -l", "It is not said which instances are meant")
			}
			found, err := s.find(command.Context(), cluster, arguments, by)
			if err != nil {
				return err
			}
			if len(found) == 0 {
				return failf("List what there is: kubectl get greenapi -A --show-labels", "No instance has these labels")
			}
			if found, err = a.check(s, found, len(arguments) == 0, sure); err != nil {
				return err
			}
			return a.run(command.Context(), s, cluster, found, hold)
		},
	}
	by.bind(command)
	hold.bind(command)
	if a.confirm != "" || a.confirmAll != nil {
		command.Flags().BoolVarP(&sure, "yes", "y", false, "Do not ask")
	}
	return command
}

// confirm puts a question, to which only y or yes is a yes. Where nobody can answer, it says how to do without.
func (s *session) confirm(question string) error {
	fmt.Fprintf(s.ErrOut, "%s [y/N] ", question)
	answer, err := bufio.NewReader(s.In).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	fmt.Fprintln(s.ErrOut)
	if err != nil && strings.TrimSpace(answer) == "" {
		return failf("Add --yes to do it without a question", "Nobody answered, so nothing was done")
	}
	return &problem{what: "Nothing was done", code: exitNo}
}
