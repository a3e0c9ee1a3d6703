// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/greenapi-operator/greenapi-operator/internal/version"
)

// Main runs kubectl greenapi with its arguments until it is done or the context ends, and returns its exit code.
func Main(ctx context.Context, arguments []string, streams genericiooptions.IOStreams) int {
	return run(ctx, arguments, &session{IOStreams: streams, flags: genericclioptions.NewConfigFlags(true), clock: clock.RealClock{}})
}

// Interruptible returns a context that ends with Ctrl-C or SIGTERM.
func Interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

func run(ctx context.Context, arguments []string, s *session) int {
	root := newCommand(s)
	root.SetArgs(arguments)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.ErrOut)
	return report(s.ErrOut, root.ExecuteContext(ctx))
}

// usage is the lower part of every help. kubectl's own flags would fill a page; kubectl options lists them.
const usage = `Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} VERB{{else}}{{.UseLine}}{{end}}
{{- if .HasExample}}

Examples:
{{.Example}}{{end}}
{{- if .HasAvailableSubCommands}}

Verbs:
{{- range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}
{{- if .HasAvailableLocalFlags}}{{if .HasParent}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{end}}

All flags of kubectl that name a cluster, a namespace or a user work as well: kubectl options
{{- if .HasAvailableSubCommands}}
More of a verb: {{.CommandPath}} VERB --help{{end}}
`

// newCommand makes the command with all its verbs.
func newCommand(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl greenapi",
		Short: "Look after GREEN-API instances: see how they are, log in, compare, import",
		Long: `Look after GREEN-API instances: see how they are, log in, compare, import.

It works with your own rights in the cluster, and never shows a token. Exit codes: 0 done, 1 the answer is no (diff
found a difference, doctor something to mend, a wait was over too soon, rollout one that is under way), 2 it could not be done, or
rollout one that is halted or failed.`,
		SilenceUsage: true, SilenceErrors: true,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl greenapi"},
	}
	s.flags.AddFlags(root.PersistentFlags())
	root.Version = version.Full()
	root.SetVersionTemplate("{{.Version}}\n")
	// Without this one cobra's own would take -v, by which kubectl says how much is logged.
	root.Flags().Bool("version", false, "Print the version and end")
	root.SetUsageTemplate(usage)
	// kubectl has a completion mechanism of its own, which kubectl_complete-greenapi serves.
	root.CompletionOptions.HiddenDefaultCmd = true
	s.completeFlags(root)
	root.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return failf("See "+command.CommandPath()+" --help", "%s", err)
	})
	root.AddCommand(verbs(s)...)
	return root
}

// verbs are all verbs, in the order of the help.
func verbs(s *session) []*cobra.Command {
	list := []*cobra.Command{newStatus(s), newDiff(s), newAuth(s), newStatuses(s), newImport(s), newEvents(s), newRollout(s), newDoctor(s)}
	for _, a := range asks {
		list = append(list, a.command(s))
	}
	return append(list, newRotate(s), newVersion(s))
}

// newVersion is a verb because kubectl and its plugins have one of that name.
func newVersion(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this plugin", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) { fmt.Fprintln(s.Out, version.Full()) },
	}
}

// userAgent is what the API server and the vendor see in every call.
func userAgent() string { return "kubectl-greenapi/" + version.Get() }
