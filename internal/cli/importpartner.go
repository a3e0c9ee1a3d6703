// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// partnerImport imports instances of a partner account as claims. It changes nothing, neither at the vendor nor in the cluster.
type partnerImport struct {
	*importer
	account *v1alpha1.PartnerAccount
	vendor  *greenapi.Partner
	client  *greenapi.Client
	// names are those that were asked for, by name or number; empty for all.
	names []string

	// claims are those on this account by the names of their instances, resources those of the instances by number.
	claims    map[string]string
	resources map[int64]string
	// taken are the names that something in the cluster or of this import has.
	taken map[types.NamespacedName]bool
	// rows is how many living instances have a name.
	rows map[string]int
}

// importPartner imports what the list of a partner account has.
func (i *importer) importPartner(ctx context.Context, names []string) error {
	p := &partnerImport{importer: i, names: names, account: &v1alpha1.PartnerAccount{}, claims: map[string]string{}, resources: map[int64]string{},
		taken: map[types.NamespacedName]bool{}, rows: map[string]int{}}
	subject := "PartnerAccount " + i.partner
	switch err := i.cluster.Get(ctx, client.ObjectKey{Name: i.partner}, p.account); {
	case apierrors.IsNotFound(err):
		return failf("List what there is: kubectl get gpa", "%s is not there", subject)
	case err != nil:
		return explain(err, subject)
	}
	if err := p.look(ctx); err != nil {
		return err
	}
	if err := p.connect(ctx); err != nil {
		return err
	}
	listing, cancel := greenapi.WithTimeout(ctx, greenapi.LongestRead)
	defer cancel()
	rows, err := p.vendor.List(listing, p.wanted)
	if err != nil {
		return explainVendor(err, place{subject: subject, id: "the account", address: "its spec.partnerApiUrl", token: "the Secret of its partner token"})
	}
	if !partner.Recognized(rows, p.account.Status.KnownIDs) {
		return failf("Put the token of the same account into the Secret that its spec.partnerTokenSecretRef names, or compare spec.partnerApiUrl with the vendor's console",
			"%s: the list has none of the instances that this account had before", subject)
	}
	return p.importRows(ctx, rows)
}

// look finds out what the cluster has already.
func (p *partnerImport) look(ctx context.Context) error {
	claims := &v1alpha1.InstanceClaimList{}
	if err := p.cluster.List(ctx, claims); err != nil {
		return explain(err, "The InstanceClaims of all namespaces")
	}
	for n := range claims.Items {
		claim := &claims.Items[n]
		key := client.ObjectKeyFromObject(claim)
		p.taken[key] = true
		if claim.Spec.AccountRef.Name == p.account.Name {
			p.claims[claim.InstanceName(p.account.Spec.OwnerKey)] = key.String()
		}
	}
	var resources []v1alpha1.Instance
	for _, kind := range instance.Kinds {
		var err error
		if resources, err = appendAll(ctx, p.cluster, resources, kind, nil); err != nil {
			return explain(err, "The instances of all namespaces")
		}
	}
	for _, resource := range resources {
		p.taken[client.ObjectKeyFromObject(resource)] = true
		if number := instance.Number(resource); number != 0 {
			p.resources[number] = advice.Title(resource)
		}
	}
	return nil
}

// connect reaches the account with the partner token in the operator's namespace.
func (p *partnerImport) connect(ctx context.Context) error {
	subject := "PartnerAccount " + p.account.Name
	origin, err := greenapi.ParseOrigin(p.account.Spec.PartnerAPIURL)
	if err != nil {
		return failf("Correct its spec.partnerApiUrl", "%s: %s", subject, err)
	}
	p.client = p.importer.vendor.open()
	// The address is checked before the Secret is read: a token that may not be sent need not be known.
	if _, err := p.client.Partner(greenapi.PartnerTarget{Origin: origin}); err != nil {
		return failf("Correct its spec.partnerApiUrl, or allow the host by --allowed-api-hosts", "%s: %s", subject, err)
	}
	namespace, err := p.operatorNamespace(ctx)
	if err != nil {
		return err
	}
	ref, secret := p.account.Spec.PartnerTokenSecretRef, &corev1.Secret{}
	key := client.ObjectKey{Namespace: namespace, Name: ref.Name}
	// client-go logs bodies of answers at high levels; this one must not be logged.
	switch err := p.cluster.Get(klog.NewContext(ctx, logr.Discard()), key, secret); {
	case apierrors.IsNotFound(err):
		return failf("Create it there, or name the operator's namespace by --operator-namespace", "%s: Secret %s is not there", subject, key)
	case err != nil:
		return explain(err, subject+", Secret "+key.String())
	}
	token := strings.TrimSpace(string(secret.Data[ref.KeyOrDefault()]))
	if !greenapi.ValidToken(token) {
		return failf("Copy the partner token from the profile in the vendor's console into it", "%s: key %q of Secret %s does not hold a partner token", subject, ref.KeyOrDefault(), key)
	}
	p.vendor, err = p.client.Partner(greenapi.PartnerTarget{Origin: origin, Token: token})
	return explainVendor(err, place{subject: subject, address: "its spec.partnerApiUrl"})
}

// operatorNamespace is the one in which the operator runs.
func (p *partnerImport) operatorNamespace(ctx context.Context) (string, error) {
	if p.importer.operatorNamespace != "" {
		return p.importer.operatorNamespace, nil
	}
	managers := &appsv1.DeploymentList{}
	err := p.cluster.List(ctx, managers, client.MatchingLabels{managerflags.Label: managerflags.Name})
	var namespaces []string
	for _, manager := range managers.Items {
		namespaces = append(namespaces, manager.Namespace)
	}
	slices.Sort(namespaces)
	if namespaces = slices.Compact(namespaces); err != nil || len(namespaces) != 1 {
		return "", failf("Name it by --operator-namespace, such as greenapi-operator-system", "In which namespace the operator runs, which has the Secret with the partner token, cannot be told")
	}
	return namespaces[0], nil
}

// wanted says whether an instance is to be imported.
func (p *partnerImport) wanted(row greenapi.Row) bool {
	claimed := p.claims[row.Name] != ""
	switch {
	case row.Deleted:
		return false
	case len(p.names) > 0:
		return slices.Contains(p.names, row.Name) || slices.Contains(p.names, fmt.Sprint(row.ID))
	case p.allUnclaimed:
		return !claimed && partner.Owned(row.Name, p.account.Spec.OwnerKey)
	}
	return !claimed
}

// importRows makes the manifests of all rows that are wanted, and says what the account has to allow.
func (p *partnerImport) importRows(ctx context.Context, rows []greenapi.Row) error {
	var drafts []claimDraft
	var missing []error
	found := map[string]bool{}
	for _, row := range rows {
		if !row.Deleted {
			p.rows[row.Name]++
		}
	}
	for _, row := range rows {
		if p.wanted(row) {
			found[row.Name], found[fmt.Sprint(row.ID)] = true, true
			drafts = append(drafts, p.draft(row))
		}
	}
	for _, name := range p.names {
		if !found[name] {
			missing = append(missing, failf("Compare it with the vendor's console, letter by letter, or give the number", "PartnerAccount %s has no living instance that is called %q", p.account.Name, name))
		}
	}
	if len(drafts)+len(missing) == 0 {
		fmt.Fprintln(p.ErrOut, "note: every living instance has a claim, or there is none")
		return nil
	}
	return p.writeAll(ctx, drafts, missing)
}

// writeAll reads the settings of all, side by side, and writes the manifests in order.
func (p *partnerImport) writeAll(ctx context.Context, drafts []claimDraft, failures []error) error {
	all := len(drafts) + len(failures)
	bar := newProgress(p.session, p.folder != "", len(drafts))
	var notes []string
	var written []claimDraft
	inOrder(len(drafts), func(n int) importResult {
		made, err := p.importDraft(ctx, drafts[n])
		return importResult{made, err}
	}, func(n int, r importResult) {
		if r.err == nil {
			r.err = p.write(importRow{name: drafts[n].at.Namespace + "/" + drafts[n].at.Name, where: importPlace{place: drafts[n].where(), name: "--namespace"}}, r.made)
		}
		bar.step()
		if r.err != nil {
			failures = append(failures, r.err)
			return
		}
		written = append(written, drafts[n])
		if by := p.resources[drafts[n].row.ID]; by != "" {
			notes = append(notes, fmt.Sprintf("note: %s looks after instance %d already, so only the claim is written. To have it name the claim, delete it (which calls nothing) and create it anew with spec.claimRef\n", by, drafts[n].row.ID))
		}
	})
	bar.end()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, err := range failures {
		report(p.ErrOut, err)
	}
	fmt.Fprint(p.ErrOut, strings.Join(notes, ""))
	p.sayWhatToAllow(ctx, written)
	fmt.Fprintf(p.ErrOut, "%d of %d instances imported\n", len(written), all)
	if len(failures) > 0 {
		return errSaid
	}
	return nil
}

// importDraft makes the manifests of one instance: its claim, and the resource that names it.
func (p *partnerImport) importDraft(ctx context.Context, draft claimDraft) (imported, error) {
	if draft.err != nil {
		return imported{}, draft.err
	}
	made := imported{}
	claim, err := draft.claimManifest(p.account)
	if err != nil || p.resources[draft.row.ID] != "" {
		made.instance = claim
		return made, err
	}
	where := draft.where()
	if draft.row.Token == (greenapi.Secret{}) {
		return imported{}, failf("See what the vendor's console says of it", "%s: the list has no API token of it", where.subject)
	}
	settings, err := p.settingsAt(ctx, draft)
	if err != nil {
		return imported{}, explainVendor(err, where)
	}
	kind, err := kindFor(importRow{where: importPlace{place: where, kind: "--kind"}}, cmp.Or(settings.Messenger(), draft.row.Messenger, p.account.Spec.Messenger))
	if err != nil {
		return imported{}, err
	}
	schema, err := schemaOf(kind)
	if err != nil {
		return imported{}, err
	}
	a := newAdoption(kind, schema, settings, draft.row.Token.Reveal())
	a.allSettings = p.allSettings
	a.adopt(&corev1.Secret{}, false)
	if _, left := a.left[webhookTokenField]; left {
		a.left[webhookTokenField] = "the vendor has a webhook token, and this writes no Secret. To have it managed, put it into one under " + v1alpha1.DefaultWebhookURLTokenKey + " and refer to it"
	}
	resource, err := p.resourceManifest(draft, kind, a)
	if err != nil {
		return imported{}, err
	}
	made.instance = slices.Concat(claim, []byte("---\n"), resource)
	return made, prove(resource, kind, settings, "")
}

// webhookTokenField is the setting that refers to the webhook token.
const webhookTokenField = "webhookUrlTokenSecretRef"
