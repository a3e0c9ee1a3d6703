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

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// claimPaper is an InstanceClaim as status and events show it.
type claimPaper struct{ *v1alpha1.InstanceClaim }

func (c claimPaper) assess(now time.Time) advice.Assessment {
	return advice.AssessClaim(c.InstanceClaim, now)
}
func (c claimPaper) bare() client.Object            { return c.InstanceClaim }
func (c claimPaper) conditions() []metav1.Condition { return c.Status.Conditions }

// reason is why a claim has its instance, or has none.
func (c claimPaper) reason() string {
	for _, name := range []string{v1alpha1.ReadyCondition, v1alpha1.CreatedCondition} {
		if found := apimeta.FindStatusCondition(c.Status.Conditions, name); found != nil {
			return found.Reason
		}
	}
	return "-"
}

// nameThere is the name of the instance at the vendor, "" if it is not known. account is nil if it could not be read.
func (c claimPaper) nameThere(account *v1alpha1.PartnerAccount) string {
	if account != nil {
		return c.InstanceName(account.Spec.OwnerKey)
	}
	if c.Status.Create != nil && c.Status.Create.Name != "" {
		return c.Status.Create.Name
	}
	return c.Spec.InstanceName
}

// acquired tells in plain words what came of the create or the adoption, "" if there was none.
func (c claimPaper) acquired(now time.Time) string {
	record := c.Status.Create
	if record == nil || record.Outcome == "" {
		return ""
	}
	text := createText(record)
	if at := recordTime(record.StartedTime, record.FinishedTime); !at.IsZero() {
		text += ", " + ago(now, at.Time) + " ago"
	}
	if record.Attempt > 0 {
		text += fmt.Sprintf(" (attempt %d)", record.Attempt)
	}
	return text
}

func createText(record *v1alpha1.CreateRecord) string {
	switch record.Outcome {
	case v1alpha1.ClaimCreated:
		return "Bought"
	case v1alpha1.ClaimAdopted:
		return "Adopted: the instance was there"
	case v1alpha1.ClaimPending:
		return "Being bought, and nothing is known of it yet"
	case v1alpha1.ClaimUnknown:
		return "Perhaps bought: the answer was lost, and the list will tell"
	case v1alpha1.ClaimRejected:
		return "Not bought: the vendor refused"
	default:
		return string(record.Outcome)
	}
}

func deleteText(record *v1alpha1.DeleteRecord) string {
	switch record.Outcome {
	case v1alpha1.ClaimDeleted:
		return "Deleted at the vendor; a list has to say so yet"
	case v1alpha1.ClaimPending:
		return "Being deleted at the vendor"
	case v1alpha1.ClaimUnknown:
		return "Perhaps deleted: the answer was lost, and the list will tell"
	case v1alpha1.ClaimRejected:
		return "Not deleted: the vendor refused"
	default:
		return string(record.Outcome)
	}
}

func recordTime(started, finished *metav1.Time) metav1.Time {
	if finished != nil {
		return *finished
	}
	if started != nil {
		return *started
	}
	return metav1.Time{}
}

func (c claimPaper) record() []happening {
	var all []happening
	if record := c.Status.Create; record != nil && record.Outcome != "" {
		if record.Attempt > 0 && record.StartedTime != nil {
			all = append(all, happening{Time: *record.StartedTime, Source: fromClaim, Reason: "Buying", about: "buying",
				Message: fmt.Sprintf("Attempt %d to buy %s", record.Attempt, record.Name)})
		}
		if record.FinishedTime != nil {
			all = append(all, happening{Time: *record.FinishedTime, Source: fromClaim, Reason: string(record.Outcome), about: aboutClaim, Message: createText(record)})
		}
	}
	if record := c.Status.Delete; record != nil && record.Outcome != "" {
		all = append(all, happening{Time: recordTime(record.StartedTime, record.FinishedTime), Source: fromClaim, Reason: string(record.Outcome), about: "deleting", Message: deleteText(record)})
	}
	return all
}

// around is what a person may see around claims and accounts.
type around struct {
	// accounts by their names; nil is one that is not there, and what is missing could not be read.
	accounts map[string]*v1alpha1.PartnerAccount
	// users are the resources that name a claim.
	users []string
	// claims of an account.
	claims    []paper
	claimsErr error
}

// accountsOf reads the accounts that claims name, as far as the person may.
func accountsOf(ctx context.Context, cluster client.Reader, found []paper) map[string]*v1alpha1.PartnerAccount {
	known := map[string]*v1alpha1.PartnerAccount{}
	for _, one := range found {
		claim, ok := one.(claimPaper)
		if !ok {
			continue
		}
		name := claim.Spec.AccountRef.Name
		if _, seen := known[name]; seen {
			continue
		}
		account := &v1alpha1.PartnerAccount{}
		switch err := cluster.Get(ctx, client.ObjectKey{Name: name}, account); {
		case err == nil:
			known[name] = account
		case apierrors.IsNotFound(err):
			known[name] = nil
		case apierrors.IsForbidden(err):
			return known // of none of them
		}
	}
	return known
}

// usersOf are the resources that name a claim, as far as the person may see them.
func usersOf(ctx context.Context, cluster client.Reader, claim *v1alpha1.InstanceClaim) []string {
	var users []string
	for _, kind := range instance.Kinds {
		found, err := appendAll(ctx, cluster, nil, kind, []client.ListOption{client.InNamespace(claim.Namespace)})
		if err != nil {
			continue
		}
		for _, resource := range found {
			if instance.ClaimName(resource) == claim.Name {
				users = append(users, shortName(resource)+"/"+resource.GetName())
			}
		}
	}
	return users
}

// claimFacts are the facts of a claim's page.
func (w *page) claimFacts(c claimPaper, seen around) {
	fmt.Fprintln(w)
	account, known := seen.accounts[c.Spec.AccountRef.Name]
	switch {
	case account != nil:
		w.fact("Account", fmt.Sprintf("%s (mode %s, %d of this owner key at most)", account.Name, cmp.Or(account.Spec.Mode, v1alpha1.ModeObserve), account.Spec.Limits.MaxInstances))
	case known:
		w.fact("Account", c.Spec.AccountRef.Name+", which is not there")
	default:
		w.fact("Account", c.Spec.AccountRef.Name)
	}
	w.fact("At vendor", cmp.Or(c.nameThere(account), fmt.Sprintf("its owner key, then /%s/%s (the account may not be read)", c.Namespace, c.Name)))
	if c.Status.IDInstance != 0 {
		w.fact("Instance", fmt.Sprintf("%d at %s", c.Status.IDInstance, cmp.Or(c.Status.APIURL, "an address that is not known yet")))
	} else {
		w.fact("Instance", "none yet")
	}
	w.fact("Came", c.acquired(w.now))
	w.fact("Reason", c.reason())
	w.fact("Adopts", map[bool]string{true: "never: an instance that has the name already is not taken", false: "by name: an instance that has the name already is taken"}[c.Spec.Adopt == v1alpha1.AdoptNever])
	w.fact("Deletion", deletionText(c.InstanceClaim))
	if record := c.Status.Delete; record != nil {
		w.fact("Deleting", deleteText(record))
	}
	w.fact("Secret", c.SecretName())
	w.fact("Used by", cmp.Or(strings.Join(seen.users, ", "), "no resource of this namespace"))
	w.fact("Age", ago(w.now, c.CreationTimestamp.Time))
}

func deletionText(claim *v1alpha1.InstanceClaim) string {
	switch {
	case claim.Spec.DeletionPolicy != v1alpha1.DeletionDelete:
		return "Retain (the instance stays at the vendor when the claim goes, and is paid for)"
	case slices.Contains(claim.Finalizers, v1alpha1.ClaimFinalizer):
		return "Delete (the instance is deleted at the vendor when the claim goes)"
	case claim.Status.IDInstance == 0:
		return "Delete (the instance is deleted at the vendor when the claim goes, if the account's mode is CreateAndDelete when it comes)"
	default:
		return "Delete, and it does not hold: the account's mode was not CreateAndDelete when the instance came, so it stays at the vendor"
	}
}

// claimView is what the page of a resource says of its claim.
type claimView struct {
	text  string
	steps []string
}

// claimSeen looks at the claim of a resource, if it names one and the person may read it.
func claimSeen(ctx context.Context, cluster client.Reader, resource v1alpha1.Instance, now time.Time) claimView {
	name := instance.ClaimName(resource)
	if name == "" {
		return claimView{}
	}
	claim := &v1alpha1.InstanceClaim{}
	switch err := cluster.Get(ctx, client.ObjectKey{Namespace: resource.GetNamespace(), Name: name}, claim); {
	case apierrors.IsNotFound(err):
		return claimView{name + ", which is not there", []string{fmt.Sprintf("Write the manifest of InstanceClaim %s and apply it in namespace %s, or delete this resource; deleting calls nothing at the vendor", name, resource.GetNamespace())}}
	case err != nil:
		return claimView{text: name}
	}
	how := advice.AssessClaim(claim, now)
	if how.Mood == advice.Fine {
		return claimView{text: name}
	}
	return claimView{name + " (" + advice.LowerFirst(strings.TrimSuffix(how.Headline, ".")) + ")", how.Steps}
}
