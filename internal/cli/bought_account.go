// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// accountPaper is a PartnerAccount as status and events show it.
type accountPaper struct{ *v1alpha1.PartnerAccount }

func (a accountPaper) assess(now time.Time) advice.Assessment {
	return advice.AssessAccount(a.PartnerAccount, now)
}
func (a accountPaper) bare() client.Object            { return a.PartnerAccount }
func (a accountPaper) conditions() []metav1.Condition { return a.Status.Conditions }

// boughtLately is how many calls within the last hour bought an instance, or may have.
func (a accountPaper) boughtLately(now time.Time) int {
	n := 0
	for _, create := range a.Status.Creates {
		if partner.WithinHour(create.Time.Time, now) {
			n++
		}
	}
	return n
}

func (a accountPaper) record() []happening {
	var all []happening
	for _, create := range a.Status.Creates {
		all = append(all, happening{Time: create.Time, Source: fromClaim, Reason: "Buying", about: "buying " + create.Name,
			Message: fmt.Sprintf("Attempt %d to buy %s", create.Attempt, create.Name)})
	}
	return all
}

func modeText(mode v1alpha1.PartnerMode) string {
	switch mode {
	case "", v1alpha1.ModeObserve:
		return "Observe (claims adopt, and nothing is bought or deleted)"
	case v1alpha1.ModeCreate:
		return "Create (claims adopt and buy, and nothing is deleted)"
	case v1alpha1.ModeCreateAndDelete:
		return "CreateAndDelete (claims adopt and buy; those with deletionPolicy Delete delete their instance)"
	default:
		return string(mode)
	}
}

// accountFacts are the facts of an account's page.
func (w *page) accountFacts(a accountPaper, seen around) {
	fmt.Fprintln(w)
	spec := &a.Spec
	w.fact("Served at", spec.PartnerAPIURL)
	w.fact("Messenger", spec.Messenger)
	w.fact("Names", spec.OwnerKey+"/NAMESPACE/CLAIM")
	w.fact("Mode", modeText(spec.Mode))
	if n := a.Status.Instances; n != nil {
		w.fact("Instances", fmt.Sprintf("%d living (%d expired, %d unclaimed), %d deleted", n.Living, n.Expired, n.Unclaimed, n.Deleted))
	} else {
		w.fact("Instances", "not counted yet")
	}
	w.fact("Limits", fmt.Sprintf("%d living ones of the owner key, %d bought within an hour", spec.Limits.MaxInstances, spec.Limits.MaxCreatesPerHour))
	w.fact("Last hour", fmt.Sprintf("%d bought, or perhaps bought", a.boughtLately(w.now)))
	w.fact("Namespaces", namespacesText(spec.AllowedNamespaces))
	if len(spec.Adoptions) > 0 {
		w.fact("Adoptions", fmt.Sprintf("%d names that do not begin with the owner key", len(spec.Adoptions)))
	}
	w.fact("Claims", claimsText(seen, w.now))
	w.fact("Token", fmt.Sprintf("key %s of Secret %s in the operator's namespace", spec.PartnerTokenSecretRef.KeyOrDefault(), spec.PartnerTokenSecretRef.Name))
	w.fact("Age", ago(w.now, a.CreationTimestamp.Time))
}

// namespacesText says which namespaces may have claims.
func namespacesText(selector *metav1.LabelSelector) string {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	switch {
	case err != nil:
		return fmt.Sprintf("none: spec.allowedNamespaces cannot be read (%s)", err)
	case selector == nil:
		return "none may have claims (spec.allowedNamespaces is unset)"
	case parsed.Empty():
		return "all may have claims"
	default:
		return "those with the labels " + parsed.String() + " may have claims"
	}
}

// claimsText counts the claims on an account by how they are.
func claimsText(seen around, now time.Time) string {
	if seen.claimsErr != nil {
		return "not known: " + rightOf(seen.claimsErr)
	}
	if len(seen.claims) == 0 {
		return "none"
	}
	return paperSummary(claimKind, seen.claims, now)
}

// paperSummary counts claims or accounts by how they are.
func paperSummary(kind *paperKind, found []paper, now time.Time) string {
	count := map[string]int{}
	for _, one := range found {
		count[paperSort(one, now)]++
	}
	var parts []string
	for _, sort := range []string{sortFine, sortWaiting, sortProblem} {
		if count[sort] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[sort], sort))
		}
	}
	noun := kind.many
	if len(found) == 1 {
		noun = kind.one
	}
	return fmt.Sprintf("%d %s: %s", len(found), noun, strings.Join(parts, ", "))
}

// paperSort says in which column of a summary a claim or an account is.
func paperSort(one paper, now time.Time) string {
	switch how := one.assess(now); {
	case how.Mood == advice.NeedsYou, apimeta.IsStatusConditionFalse(one.conditions(), v1alpha1.ReadyCondition) && one.GetDeletionTimestamp() == nil:
		return sortProblem
	case how.Mood == advice.Fine:
		return sortFine
	default:
		return sortWaiting
	}
}

// reason is why an account is ready, or is not.
func (a accountPaper) reason() string {
	if ready := apimeta.FindStatusCondition(a.Status.Conditions, v1alpha1.ReadyCondition); ready != nil {
		return cmp.Or(ready.Reason, "-")
	}
	return "-"
}
