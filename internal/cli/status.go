// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// statusVerb is kubectl greenapi status.
type statusVerb struct {
	*session
	selection

	names  []string
	follow bool
	// problems: only what somebody has to look after is shown.
	problems bool
	format   *genericclioptions.PrintFlags
}

func newStatus(s *session) *cobra.Command {
	v := &statusVerb{session: s, format: genericclioptions.NewPrintFlags("")}
	command := &cobra.Command{
		Use:   "status [NAME...]",
		Short: "Show how instances are, and what to do next",
		Long: `Show how instances are, and what to do next.

With one name it is a page: whether the instance is fine, what differs from the manifest, what happened lately, and the
next step. Otherwise it is a table, with a summary line below (on stderr). It reads the resources only, and calls nothing at the vendor.

A name is NAME, or KIND/NAME with wai, maxi or tgi as KIND where several kinds have one of that name. KIND NAME... is read
as kubectl get reads it.

claims and accounts show the InstanceClaims and the PartnerAccounts, claim/NAME and account/NAME one of them: what it waits
for, which instance it has and how that came, and the next step.`,
		Example: `  # One instance as a page
  kubectl greenapi status support-line

  # All of this namespace, and all that there are
  kubectl greenapi status
  kubectl greenapi status --all-namespaces

  # Of all that there are, those that somebody has to look after
  kubectl greenapi status --all-namespaces --problems

  # Follow one until Ctrl-C
  kubectl greenapi status support-line --watch

  # Claims that wait for a person, a claim, and a partner account
  kubectl greenapi status claims --all-namespaces --problems
  kubectl greenapi status claim/support-line
  kubectl greenapi status account/reseller`,
		ValidArgsFunction: s.completePapers,
		RunE: func(command *cobra.Command, names []string) error {
			kind, papers, err := papersNamed(names)
			if err != nil {
				return err
			}
			if kind != nil {
				return v.runPapers(command.Context(), kind, papers)
			}
			v.names = ofKind(names)
			return v.run(command.Context())
		},
	}
	v.bind(command)
	command.Flags().BoolVarP(&v.follow, "watch", "w", false, "After showing them, show every change until Ctrl-C")
	command.Flags().BoolVar(&v.problems, "problems", false, "Show only instances that fail or wait for a person")
	v.format.AddFlags(command)
	return command
}

func (v *statusVerb) run(ctx context.Context) error {
	printer, err := printerOf(v.format)
	if err != nil {
		return err
	}
	if v.problems && v.follow {
		return failf("Leave one of them out", "--problems shows how it is now, and --watch what changes")
	}
	cluster, err := v.client()
	if err != nil {
		return err
	}
	found, err := v.find(ctx, cluster, v.names, v.selection)
	if err != nil {
		return err
	}
	if printer != nil {
		found = v.wantedOf(found)
	}
	show := v.viewOf(printer, cluster, found)
	if err := v.first(ctx, show, found, printer != nil); err != nil || !v.follow {
		return err
	}
	return v.watch(ctx, cluster, found, show)
}

// viewOf is how resources are shown.
func (v *statusVerb) viewOf(printer printers.ResourcePrinter, cluster client.WithWatch, found []v1alpha1.Instance) view {
	switch {
	case printer != nil:
		return &objectView{out: v.Out, printer: printer, single: len(found) == 1 && len(v.names) == 1}
	case len(v.names) == 1 && !v.problems:
		return &pageView{session: v.session, cluster: cluster, terminal: terminalOf(v.Out)}
	default:
		return &tableView{session: v.session, namespaces: v.allNamespaces, terminal: terminalOf(v.Out)}
	}
}

// first shows what was found, and sums it up for people.
func (v *statusVerb) first(ctx context.Context, show view, found []v1alpha1.Instance, structured bool) error {
	some := v.wantedOf(found)
	switch {
	case len(found) == 0 && !structured:
		if err := v.sayNone(); err != nil {
			return err
		}
	case len(some) == 0 && !structured: // the summary says it
	default:
		if err := show.all(ctx, some); err != nil {
			return err
		}
	}
	if _, table := show.(*tableView); table && len(found) > 1 || v.problems && !structured {
		fmt.Fprintln(v.ErrOut, summary(found, v.clock.Now()))
	}
	return nil
}

// view shows resources, and what becomes of them.
type view interface {
	// all shows resources for the first time.
	all(ctx context.Context, found []v1alpha1.Instance) error
	// changed shows one that changed, came or went. It returns errGone when there is nothing left to show.
	changed(ctx context.Context, instance v1alpha1.Instance, deleted bool) error
}

// sayNone says what kubectl says of an empty list.
func (v *statusVerb) sayNone() error {
	if v.allNamespaces {
		fmt.Fprintln(v.ErrOut, "No instances found")
		return nil
	}
	namespace, err := v.namespace()
	if err != nil {
		return err
	}
	fmt.Fprintf(v.ErrOut, "No instances found in namespace %s.\n", namespace)
	return nil
}

// printerOf is the printer that -o asks for, nil without -o.
func printerOf(flags *genericclioptions.PrintFlags) (printers.ResourcePrinter, error) {
	template := flags.TemplatePrinterFlags
	if *flags.OutputFormat == "" && (template == nil || *template.TemplateArgument == "") {
		return nil, nil //nolint:nilnil // no printer is an answer
	}
	printer, err := flags.ToPrinter()
	if err != nil {
		return nil, failf("Write -o "+strings.Join(flags.AllowedFormats(), ", "), "--output: %s", err)
	}
	return printer, nil
}

// objectView prints the resources themselves.
type objectView struct {
	out     io.Writer
	printer printers.ResourcePrinter
	// single: the one that was named is printed as itself, not as a list.
	single bool
}

func (o *objectView) all(_ context.Context, found []v1alpha1.Instance) error {
	if o.single {
		return o.print(found[0])
	}
	var objects []unstructured.Unstructured
	for _, resource := range found {
		object, err := untyped(resource, instance.KindOf(resource).Name)
		if err != nil {
			return err
		}
		objects = append(objects, *object)
	}
	return o.list(objects)
}

// list prints many as kubectl does.
func (o *objectView) list(objects []unstructured.Unstructured) error {
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": ""}}, Items: objects}
	return o.printed(o.printer.PrintObj(list, o.out))
}

func (o *objectView) changed(_ context.Context, instance v1alpha1.Instance, _ bool) error {
	return o.print(instance)
}

func (o *objectView) print(resource v1alpha1.Instance) error {
	object, err := untyped(resource, instance.KindOf(resource).Name)
	if err != nil {
		return err
	}
	return o.printed(o.printer.PrintObj(object, o.out))
}

func (*objectView) printed(err error) error {
	if err == nil {
		return nil
	}
	return failf("Correct the template", "--output: %s", err)
}

// untyped is a resource as kubectl prints it: with its kind, and with whole numbers, which templates would show
// as 7.1e+09 of a typed one.
func untyped(resource client.Object, kind string) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(resource)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{Object: content}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	return object, nil
}
