// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// longestInstanceName is how long spec.instanceName of a claim may be, in characters.
const longestInstanceName = 256

// claimDraft is an instance of a partner account, and where its claim belongs; or why it can have none.
type claimDraft struct {
	row   greenapi.Row
	at    claimPlace
	shown string
	err   error
}

// draft says what becomes of an instance that is wanted.
func (p *partnerImport) draft(row greenapi.Row) claimDraft {
	draft := claimDraft{row: row, shown: p.vendor.Shown(row.Name)}
	subject, account := draft.where().subject, p.account
	_, messengerKnown := instance.KindOfMessenger(row.Messenger)
	switch {
	case !claimable(row.Name) || draft.shown != row.Name:
		draft.err = failf("Give it another name in the vendor's console: 1 to 256 characters on one line, without white space at either end", "%s: no claim can have its name", subject)
	case p.rows[row.Name] > 1:
		draft.err = failf("Rename or delete all but one in the vendor's console: each of them is paid for", "%s: %d living instances have this name, so that a claim could not tell which is meant", subject, p.rows[row.Name])
	case p.claims[row.Name] != "":
		draft.err = failf("Leave it out", "%s: InstanceClaim %s claims it already", subject, p.claims[row.Name])
	case messengerKnown && row.Messenger != account.Spec.Messenger:
		draft.err = failf("Make a PartnerAccount for that messenger, with an owner key of its own", "%s: it is one of %q, and spec.messenger of PartnerAccount %s is %q", subject, row.Messenger, account.Name, account.Spec.Messenger)
	default:
		draft.at = placeFor(account.Spec.OwnerKey, p.importer.at, row.Name, row.ID)
		draft.at.apart(p.taken, row.ID)
	}
	return draft
}

// claimable reports whether a claim may have a name, as the schema has it.
func claimable(name string) bool {
	n := len([]rune(name))
	return n >= 1 && n <= longestInstanceName && strings.TrimSpace(name) == name && !strings.ContainsFunc(name, unicode.IsControl)
}

func (d claimDraft) where() place {
	return place{subject: fmt.Sprintf("Instance %d (%q)", d.row.ID, d.shown), id: "its number", address: "apiUrl of the account's list", token: "the account's list"}
}

// addresses are where the instance may be served: as the list says, or else on the host that its number begins with, of two domains.
func (d claimDraft) addresses() []string {
	if d.row.APIURL != "" {
		return []string{d.row.APIURL}
	}
	digits := strconv.FormatInt(d.row.ID, 10)
	pool := digits[:min(len(digits), 4)]
	return []string{"https://" + pool + ".api.green-api.com", "https://" + pool + ".api.greenapi.com"}
}

// settingsAt reads the settings of an instance where the list says that it is served, or else at the vendor's hosts for its number.
func (p *partnerImport) settingsAt(ctx context.Context, draft claimDraft) (settings greenapi.Settings, err error) {
	kind, _ := instance.KindOfMessenger(cmp.Or(draft.row.Messenger, p.account.Spec.Messenger))
	for _, address := range draft.addresses() {
		var origin greenapi.Origin
		if origin, err = greenapi.ParseOrigin(address); err != nil {
			continue
		}
		// How much of an account may show is not known where there is no resource.
		target := greenapi.Target{Origin: origin, ID: draft.row.ID, Token: draft.row.Token.Reveal(), HideNumbers: true}
		if settings, err = p.settingsOf(ctx, p.client, target, importRow{kind: kind.Name}); err == nil {
			return settings, nil
		}
	}
	return nil, err
}

// claimManifest writes the claim. What is not said is as it is when unset: adopt ByName, deletionPolicy Retain.
func (d claimDraft) claimManifest(account *v1alpha1.PartnerAccount) ([]byte, error) {
	spec := map[string]any{"accountRef": map[string]any{"name": account.Name}}
	if !d.at.usual {
		spec["instanceName"] = d.row.Name
	}
	return yaml.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "InstanceClaim",
		"metadata": map[string]any{"namespace": d.at.Namespace, "name": d.at.Name}, "spec": spec,
	})
}

// resourceManifest writes the resource that names the claim, with the comments of what was left out.
func (p *partnerImport) resourceManifest(draft claimDraft, kind instance.Kind, a *adoption) ([]byte, error) {
	spec := map[string]any{"claimRef": map[string]any{"name": draft.at.Name}}
	if len(a.values) > 0 {
		spec["settings"] = a.values
	}
	if p.policy != "" {
		spec["reconcilePolicy"] = p.policy
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": kind.Name,
		"metadata": map[string]any{"namespace": draft.at.Namespace, "name": draft.at.Name}, "spec": spec,
	})
	return append([]byte(a.comments()), text...), err
}

// sayWhatToAllow says what the account has to permit before the claims can be adopted.
func (p *partnerImport) sayWhatToAllow(ctx context.Context, written []claimDraft) {
	var adoptions []v1alpha1.PartnerAdoption
	namespaces := map[string]bool{}
	for _, draft := range written {
		namespaces[draft.at.Namespace] = true
		adoption := v1alpha1.PartnerAdoption{InstanceName: draft.row.Name, Namespace: draft.at.Namespace}
		if !draft.at.owned && !slices.Contains(p.account.Spec.Adoptions, adoption) {
			adoptions = append(adoptions, adoption)
		}
	}
	if len(adoptions) > 0 {
		text, err := yaml.Marshal(map[string]any{"adoptions": adoptions})
		if err == nil {
			fmt.Fprintf(p.ErrOut, "note: PartnerAccount %s has to let these be claimed. Add to its spec, beside the adoptions that are there:\n%s", p.account.Name, text)
		}
	}
	selector, err := metav1.LabelSelectorAsSelector(p.account.Spec.AllowedNamespaces)
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		namespace := &corev1.Namespace{}
		switch {
		case err != nil:
		case p.cluster.Get(ctx, client.ObjectKey{Name: name}, namespace) != nil:
			// Whether it is there and may have claims, a person without the right to look cannot be told.
		case !selector.Matches(labels.Set(namespace.Labels)):
			fmt.Fprintf(p.ErrOut, "note: PartnerAccount %s lets no claims of namespace %s: select it in spec.allowedNamespaces\n", p.account.Name, name)
		}
	}
}
