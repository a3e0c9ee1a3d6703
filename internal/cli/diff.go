// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// differ is the verb diff.
type differ struct {
	*session
	by     selection
	files  resource.FilenameOptions
	vendor vendorFlags
	output string
	// known are all resources of the cluster, once they were needed, or why they are not known.
	once     sync.Once
	known    []v1alpha1.Instance
	knownErr error
	// inFiles are the resources of -f.
	inFiles []v1alpha1.Instance
}

func newDiff(s *session) *cobra.Command {
	d := &differ{session: s}
	command := &cobra.Command{
		Use:   "diff [NAME...] [-f FILE]",
		Short: "Show what the operator would change at the vendor",
		Long: `Show what the operator would change at the vendor, without changing anything.

It reads the settings of the instances live, with the token in their Secret, which you must be allowed to read, and
compares them as the operator does. Secrets are never shown, and of a URL scheme and host only.

With -f it compares a manifest that is not applied yet. Where the cluster has the operator's resources, the API server
checks the manifest as well. Secrets in the same files stand in for those that the cluster does not have, so that it
works without any cluster too.

Each instance says whether the operator would write what differs, since writing restarts the instance.

Exit codes: 0 nothing differs, 1 something differs, 2 something could not be compared.

-o json and -o yaml print {"items": [...]}. An item has kind, namespace, name, idInstance, state, differs, changes (setting,
desired, observed), write (Now, Later or No, where something differs), why, notes, and error (message, next) in place of
what could not be found out.`,
		Example: `  # One instance, all of a namespace, all of a team
  kubectl greenapi diff support-line
  kubectl greenapi diff
  kubectl greenapi diff -A -l team=shop

  # What would happen if these were applied
  kubectl greenapi diff -f support-line.yaml
  kubectl kustomize overlays/production | kubectl greenapi diff -f -

  # In a script
  kubectl greenapi diff -A -o json | jq '.items[] | select(.differs)'`,
		ValidArgsFunction: s.completeNames,
		RunE: func(command *cobra.Command, arguments []string) error {
			return d.run(command.Context(), arguments)
		},
	}
	d.by.bind(command)
	d.vendor.bind(command)
	f := command.Flags()
	f.StringSliceVarP(&d.files.Filenames, "filename", "f", nil, "File, folder or URL of manifests to compare, - for standard input")
	f.BoolVarP(&d.files.Recursive, "recursive", "R", false, "Take the folders below a folder of -f too")
	f.StringVarP(&d.output, "output", "o", "", "json or yaml; a diff for people if unset")
	return command
}

// candidate is a resource to be compared, or why there is none.
type candidate struct {
	instance v1alpha1.Instance
	// source is the file that it is from, "" for the cluster.
	source string
	notes  []string
	err    error
}

func (d *differ) run(ctx context.Context, arguments []string) error {
	if !isStructured(d.output) {
		return failf("Write -o json or -o yaml, or leave it out", "There is no output format %q", d.output)
	}
	candidates, reader, err := d.candidates(ctx, arguments)
	if err != nil {
		return err
	}
	if len(candidates) == 0 {
		fmt.Fprintln(d.ErrOut, d.nothing())
	}
	report := diffPrinter{session: d.session, format: d.output, terminal: terminalOf(d.Out)}
	inOrder(len(candidates), func(i int) difference { return d.compare(ctx, reader, candidates[i]) },
		func(_ int, found difference) { report.add(found) })
	if err := ctx.Err(); err != nil {
		return err
	}
	return report.end()
}

func (d *differ) nothing() string {
	if len(d.files.Filenames) > 0 {
		return "No instances found in the files"
	}
	if d.by.allNamespaces {
		return "No instances found"
	}
	namespace, _ := d.namespace()
	return fmt.Sprintf("No instances found in namespace %s", namespace)
}

// candidates are what is to be compared, and where their Secrets are read.
func (d *differ) candidates(ctx context.Context, arguments []string) ([]candidate, client.Reader, error) {
	if len(d.files.Filenames) > 0 {
		if len(arguments) > 0 || d.by.allNamespaces || d.by.labels != "" {
			return nil, nil, failf("Give either files or what is in the cluster", "-f goes with neither names nor --all-namespaces nor --selector")
		}
		return d.manifests(ctx)
	}
	if d.files.Recursive {
		return nil, nil, failf("Name a folder by -f", "-R goes with -f only")
	}
	cluster, err := d.client()
	if err != nil {
		return nil, nil, err
	}
	if err := d.vendor.settle(ctx, d.session, cluster); err != nil {
		return nil, nil, err
	}
	instances, err := d.find(ctx, cluster, arguments, d.by)
	if err != nil {
		return nil, nil, err
	}
	candidates := make([]candidate, 0, len(instances))
	for _, instance := range instances {
		candidates = append(candidates, candidate{instance: instance})
	}
	return candidates, cluster, nil
}

// compare reads an instance and holds it against its spec.
func (d *differ) compare(ctx context.Context, secrets client.Reader, c candidate) difference {
	found := newDifference(c)
	if c.err == nil {
		c.err = d.fill(ctx, secrets, c.instance, &found)
	}
	found.fail(c.err)
	return found
}

func (d *differ) fill(ctx context.Context, secrets client.Reader, resource v1alpha1.Instance, found *difference) error {
	resource, err := withClaim(ctx, secrets, resource)
	if err != nil {
		return err
	}
	found.IDInstance = instance.Number(resource)
	desired := plan.Wishes(resource.TypedSettings())
	var conceal []string
	hold, err := d.addWebhookToken(ctx, secrets, resource, &desired)
	if err != nil {
		return err
	}
	if hold != "" {
		found.Notes = append(found.Notes, "webhookUrlToken is not compared: "+hold)
	}
	for _, s := range desired.Settings {
		if s.Kind == plan.KindSecret {
			conceal = append(conceal, s.Value)
		}
	}
	vendor, err := d.connect(ctx, secrets, resource, d.vendor, conceal...)
	if err != nil {
		return err
	}
	state, settings, err := d.readAll(ctx, vendor, true)
	if err != nil {
		return explainVendor(err, placeOf(resource))
	}
	if err := checkMessenger(resource, settings); err != nil {
		return err
	}
	observed := instance.Observed(desired, settings)
	if name := plan.Unreadable(desired, observed); name != "" {
		return failf("Try again; if it stays so, take "+name+" out of the spec", "%s: the vendor shows %s in an unexpected type, from which nothing is concluded", advice.Title(resource), name)
	}
	decision := instance.Preview(resource, instance.Reading{Now: d.clock.Now(), State: state, Desired: desired, Observed: observed, TokenUnknown: hold != ""}, vendor.Conceal)
	found.State, found.Changes = state, decision.Pending
	found.Differs = len(decision.Pending) > 0
	others := slices.Concat(d.rivals(ctx, resource), d.inFiles)
	found.judge(resource, decision, d.clock.Now(), hold != "", instance.Refusal(resource, others, desired.TokenRef, d.vendor.defaultURL))
	return nil
}

// rivals are the resources of the cluster that may have a say: all of them, or those of the namespace if no more may be listed.
// Without a cluster there are none.
func (d *differ) rivals(ctx context.Context, resource v1alpha1.Instance) []v1alpha1.Instance {
	list := func(options ...client.ListOption) (found []v1alpha1.Instance, err error) {
		cluster, err := d.client()
		if err != nil {
			return nil, err
		}
		for _, kind := range instance.Kinds {
			if found, err = appendAll(ctx, cluster, found, kind, options); err != nil {
				return nil, err
			}
		}
		return found, nil
	}
	d.once.Do(func() { d.known, d.knownErr = list() })
	if d.knownErr == nil {
		return d.known
	}
	near, _ := list(client.InNamespace(resource.GetNamespace()))
	return near
}

// addWebhookToken adds the webhook token to the wished settings, or returns why it is not known. The operator writes
// nothing at all then.
func (d *differ) addWebhookToken(ctx context.Context, secrets client.Reader, resource v1alpha1.Instance, desired *plan.Desired) (hold string, err error) {
	ref := desired.TokenRef
	if ref == nil {
		return "", nil
	}
	secret, err := readSecret(ctx, secrets, resource, ref.Name)
	if apierrors.IsNotFound(err) {
		return fmt.Sprintf("Secret %q is not there", ref.Name), nil
	}
	if err != nil {
		return "", err
	}
	if why := d.vendor.unlabeled(secret, true); why != "" {
		return why, nil
	}
	value, ok := secret.Data[ref.Key]
	if !ok {
		return fmt.Sprintf("Secret %q has no key %q", ref.Name, ref.Key), nil
	}
	token := strings.TrimSpace(string(value))
	if !greenapi.ValidWebhookToken(token) {
		return fmt.Sprintf("key %q of Secret %q does not hold a webhook token: it must be empty or one line of at most 1024 printable ASCII characters", ref.Key, ref.Name), nil
	}
	// The digest of the token in the status is keyed with the API token.
	key, err := d.vendor.apiToken(ctx, secrets, resource)
	if err != nil {
		return "", err
	}
	if token == strings.TrimSpace(key) {
		return fmt.Sprintf("key %q of Secret %q holds a value that is used as an API token, which is sent to nobody but the vendor", ref.Key, ref.Name), nil
	}
	desired.SetToken(token, strings.TrimSpace(key), "")
	return "", nil
}

// checkMessenger refuses an instance of another messenger than the resource's (R27).
func checkMessenger(resource v1alpha1.Instance, settings greenapi.Settings) error {
	belongs, known := instance.KindOfMessenger(settings.Messenger())
	if !known || belongs.Name == instance.KindOf(resource).Name {
		return nil
	}
	return failf("Delete this resource and create a "+belongs.Name+" for it", "%s: instance %d belongs to another messenger, and its kind is %s",
		advice.Title(resource), instance.Number(resource), belongs.Name)
}
