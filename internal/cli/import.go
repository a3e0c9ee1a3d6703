// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// tokenVariable is the environment variable that holds the API token for --create-secret without --token-file.
const tokenVariable = "GREEN_API_TOKEN"

// importer is the verb import.
type importer struct {
	*session
	vendor vendorFlags

	id                                   int64
	apiURL, secret, kind, name, policy   string
	list, folder, tokenFile              string
	createSecret, allSettings, overwrite bool
	// partner is the account whose instances are imported; allUnclaimed, those of its owner key that no claim names.
	partner, operatorNamespace string
	allUnclaimed               bool

	cluster client.Reader
	// at is the namespace.
	at string
	// printed: standard output has a manifest already.
	printed bool
}

func newImport(s *session) *cobra.Command {
	i := &importer{session: s}
	command := &cobra.Command{
		Use:   "import --id NUMBER --api-url URL --secret NAME[/KEY]",
		Short: "Write the manifest of an instance that runs already",
		Long: `Write the manifest of an instance that runs already, so that its first apply changes nothing.

It reads the settings of the instance with the token in a Secret, and writes those that the operator has a field for. What
is left out, and why, stands in comments of the manifest. Before anything is written, the manifest is compared with what
was read, as the operator does it. Nothing is changed, neither at the vendor nor in the cluster.

The webhook's token is referred to if the Secret holds it as webhookUrlToken. With --create-secret the manifest of a Secret
is written too, with both tokens; then no cluster is needed, and the API token is read from --token-file or from the
environment variable ` + tokenVariable + `.

With -f many instances are imported. The file is CSV with a header line: id, apiUrl and secret, and perhaps name and kind.
One that fails does not stop the others.

With --partner instances of a partner account are imported, as an InstanceClaim and a resource that names it for each: those
with the names or numbers that are given, else all that no claim names yet, with --all-unclaimed only those whose name begins
with the owner key. It reads the account's list with the partner token in the operator's namespace, and writes no token. What
the account has to allow before these claims can be adopted is said at the end.

Exit codes: 0 everything is imported, 2 something is not.`,
		Example: `  # One instance, whose token is in a Secret already
  kubectl greenapi import --id 7107000001 --api-url https://7107.api.greenapi.com --secret support-line-token > support-line.yaml

  # With a Secret of its own
  kubectl greenapi import --id 7107000001 --api-url https://7107.api.greenapi.com --create-secret --token-file token.txt -o manifests

  # Many: the first line of instances.csv is id,apiUrl,secret,name
  kubectl greenapi import -f instances.csv -o manifests
  kubectl greenapi diff -f manifests && kubectl apply -f manifests

  # All instances of a partner account that have no claim yet
  kubectl greenapi import --partner reseller -n shop > lines.yaml`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(command *cobra.Command, names []string) error { return i.run(command.Context(), names) },
	}
	i.vendor.bind(command)
	f := command.Flags()
	f.Int64Var(&i.id, "id", 0, "Number of the instance, as the vendor's console shows it")
	f.StringVar(&i.apiURL, "api-url", "", "Origin of the API that serves it, as the vendor's console shows it")
	f.StringVar(&i.secret, "secret", "", "Secret with the API token in the namespace, and its key if that is not "+v1alpha1.DefaultAPITokenKey)
	f.StringVar(&i.kind, "kind", "", "WhatsAppInstance, MaxInstance or TelegramInstance, where the vendor does not say")
	f.StringVar(&i.name, "name", "", "Name of the resource; instance-NUMBER if unset")
	f.StringVar(&i.policy, "policy", "", "reconcilePolicy to write: Enforce, OnSpecChange or Observe; none if unset, which is Enforce")
	f.BoolVar(&i.allSettings, "all-settings", false, "Take over settings that the operator has no field for, as additionalSettings")
	f.StringVarP(&i.list, "filename", "f", "", "CSV file with many instances, - for standard input")
	f.StringVarP(&i.folder, "output-dir", "o", "", "Folder for one file for each instance; standard output if unset")
	f.BoolVar(&i.overwrite, "overwrite", false, "Replace files that are in the folder already")
	f.BoolVar(&i.createSecret, "create-secret", false, "Write the manifest of the Secret too, with the tokens in it")
	f.StringVar(&i.partner, "partner", "", "PartnerAccount whose instances are imported as claims")
	f.BoolVar(&i.allUnclaimed, "all-unclaimed", false, "With --partner, all instances whose name begins with the owner key and that no claim names")
	f.StringVar(&i.operatorNamespace, "operator-namespace", "", "Namespace of the operator, which has the Secret with the partner token; found by its Deployment if unset")
	f.StringVar(&i.tokenFile, "token-file", "", "File with the API token for --create-secret, - for standard input")
	return command
}

func (i *importer) run(ctx context.Context, names []string) error {
	if err := i.check(names); err != nil {
		return err
	}
	var rows []importRow
	var err error
	if i.partner == "" {
		rows, err = i.rows()
	}
	if err != nil {
		return err
	}
	if i.at, err = i.namespace(); err != nil && i.createSecret {
		i.at = "default"
	} else if err != nil {
		return err
	}
	if !i.createSecret {
		if i.cluster, err = i.client(); err != nil {
			return err
		}
	}
	if err := i.vendor.settle(ctx, i.session, i.cluster); err != nil {
		return err
	}
	if i.partner != "" {
		return i.importPartner(ctx, names)
	}
	return i.importAll(ctx, rows)
}

// check refuses flags that do not go together.
func (i *importer) check(names []string) error {
	if err := i.checkWhich(names); err != nil {
		return err
	}
	policies := []v1alpha1.ReconcilePolicy{"", v1alpha1.PolicyEnforce, v1alpha1.PolicyOnSpecChange, v1alpha1.PolicyObserve}
	switch {
	case i.tokenFile != "" && !i.createSecret:
		return failf("Add --create-secret, or put the token into a Secret and name it by --secret", "--token-file is for --create-secret only")
	case i.overwrite && i.folder == "":
		return failf("Name a folder by -o", "--overwrite goes with --output-dir only")
	case !slices.Contains(policies, v1alpha1.ReconcilePolicy(i.policy)):
		return failf("Write --policy Enforce, OnSpecChange or Observe, or leave it out", "There is no policy %q", i.policy)
	}
	return nil
}

// checkWhich refuses flags that do not say which instances are to be imported.
func (i *importer) checkWhich(names []string) error {
	one := i.id != 0 || i.createSecret || i.apiURL+i.secret+i.name+i.tokenFile != ""
	switch {
	case i.partner != "" || i.allUnclaimed || i.operatorNamespace != "" || len(names) > 0:
		return i.checkPartner(names, one)
	case i.list != "" && one:
		return failf("Give --id, --api-url and the like for one instance, or -f for many", "-f goes with none of --id, --api-url, --secret, --name, --create-secret and --token-file")
	case i.list != "":
		return nil
	case i.id == 0 || i.apiURL == "":
		return failf("Give both as the vendor's console shows them, or many instances by -f; see kubectl greenapi import --help", "--id and --api-url are needed")
	case i.secret == "" && !i.createSecret:
		return failf("Name a Secret that holds it by --secret, or have one written by --create-secret", "The API token is needed")
	}
	return nil
}

// checkPartner refuses flags that do not go with --partner, and those that are for it alone.
func (i *importer) checkPartner(names []string, one bool) error {
	switch {
	case i.partner == "":
		return failf("Name the PartnerAccount by --partner, or leave them out", "Names, --all-unclaimed and --operator-namespace are for --partner only")
	case one || i.list+i.kind != "":
		return failf("Give --partner alone, and perhaps names of instances", "--partner goes with none of -f, --id, --api-url, --secret, --name, --kind, --create-secret and --token-file")
	case i.allUnclaimed && len(names) > 0:
		return failf("Leave out the names, or --all-unclaimed", "--all-unclaimed takes no names")
	}
	return nil
}

// importAll imports all rows, in order, and tells at the end what failed.
func (i *importer) importAll(ctx context.Context, rows []importRow) error {
	bar := newProgress(i.session, i.folder != "", len(rows))
	var failures []error
	inOrder(len(rows), func(n int) importResult {
		made, err := i.importOne(ctx, rows[n])
		return importResult{made, err}
	}, func(n int, r importResult) {
		if r.err == nil {
			r.err = i.write(rows[n], r.made)
		}
		if r.err != nil {
			failures = append(failures, r.err)
		}
		bar.step()
	})
	bar.end()
	if err := ctx.Err(); err != nil {
		return err
	}
	if i.list == "" && len(failures) > 0 {
		return failures[0]
	}
	for _, err := range failures {
		report(i.ErrOut, err)
	}
	if i.list != "" {
		fmt.Fprintf(i.ErrOut, "%d of %d instances imported\n", len(rows)-len(failures), len(rows))
	}
	if len(failures) > 0 {
		return errSaid
	}
	return nil
}

// importResult is one import, or why there is none.
type importResult struct {
	made imported
	err  error
}

// kindFor returns the kind for an instance: what the vendor says, or what the caller says where it does not.
func kindFor(row importRow, messenger string) (instance.Kind, error) {
	asked, wasAsked := instance.KindNamed(row.kind)
	belongs, known := instance.KindOfMessenger(messenger)
	switch {
	case !wasAsked && !known:
		return instance.Kind{}, failf("Say which messenger it is: "+row.where.kind+" WhatsAppInstance, MaxInstance or TelegramInstance",
			"%s: the vendor does not say which messenger it is", row.where.subject)
	case wasAsked && known && asked.Name != belongs.Name:
		return instance.Kind{}, failf("Write "+belongs.Name+" for "+row.where.kind+", or leave it out", "%s is a %s, not a %s", row.where.subject, belongs.Name, asked.Name)
	case !known:
		return asked, nil
	}
	return belongs, nil
}

// canonicalKind returns the name of a kind that a person named, in any of its forms.
func canonicalKind(text string) (string, bool) {
	if text == "" {
		return "", true
	}
	kind, ok := instance.KindCalled(text)
	return kind.Name, ok
}
