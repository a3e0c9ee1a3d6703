// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// settledLook is how often a claim that waits for a person, or for the account, looks by itself.
const settledLook = 10 * time.Minute

// look finds out what there is to say of a claim, and does what follows. The error is one of the API server.
func (r *Reconciler) look(ctx context.Context, p *pass) (found, error) {
	problem, err := r.resolve(ctx, p)
	if problem != nothing || err != nil {
		return problem, err
	}
	if p.id() == 0 {
		if problem, err := r.secretOf(ctx, p); problem != nothing || err != nil {
			return problem, err
		}
	}
	if p.id() != 0 {
		return r.keep(ctx, p)
	}
	return r.acquire(ctx, p)
}

func (p *pass) id() int64 { return p.status.IDInstance }

// resolve finds the account and the name, and looks whether the claim may have it. It calls nothing at the vendor.
func (r *Reconciler) resolve(ctx context.Context, p *pass) (found, error) {
	p.again = settledLook
	account := &v1alpha1.PartnerAccount{}
	switch err := r.Client.Get(ctx, types.NamespacedName{Name: p.claim.Spec.AccountRef.Name}, account); {
	case apierrors.IsNotFound(err), err == nil && !account.DeletionTimestamp.IsZero():
		if p.created() {
			// What is there stays, and its Secret serves it.
			return unchanged, nil
		}
		return waits(v1alpha1.ReasonAccountNotReady, "PartnerAccount %q is not there. Create it, or name another one in a new claim", p.claim.Spec.AccountRef.Name), nil
	case err != nil:
		return nothing, err
	}
	p.account = account
	p.name = p.claim.InstanceName(account.Spec.OwnerKey)
	p.wants = partner.Interest{Name: p.name, ID: p.id(), Messenger: account.Spec.Messenger}
	if problem, err := r.permitted(ctx, p); problem != nothing || err != nil {
		return problem, err
	}
	if rival, err := r.rival(ctx, p); err != nil {
		return nothing, err
	} else if rival != "" {
		return stalls(v1alpha1.ReasonNameTaken, "InstanceClaim %s has the name %q already. Give one of them another spec.instanceName, which needs a new claim, or delete one", rival, p.name), nil
	}
	r.takeList(p)
	return nothing, nil
}

// takeList takes the list of the account, if it says anything of this claim. One from before the account was edited or made anew does
// not: it may be of another token.
func (r *Reconciler) takeList(p *pass) {
	if m, seen := p.memory, (accountVersion{p.account.UID, p.account.Generation}); m.account != seen {
		if m.account != (accountVersion{}) {
			m.since = p.now
		}
		m.account = seen
	}
	list, api := r.Book.List(p.account.Name)
	if list == nil {
		return
	}
	p.latest, p.seller = list, api
	if !list.Begun.Before(p.memory.since) {
		p.list = list
	}
}

// permitted says whether the account lets a claim of this namespace have this name. One that has its instance keeps it.
func (r *Reconciler) permitted(ctx context.Context, p *pass) (found, error) {
	if p.id() != 0 {
		return nothing, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(p.account.Spec.AllowedNamespaces)
	if err != nil {
		return waits(v1alpha1.ReasonAccountNotReady, "spec.allowedNamespaces of PartnerAccount %q cannot be read: %v. Correct it", p.account.Name, err), nil
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.Client.Get(ctx, types.NamespacedName{Name: p.key.Namespace}, namespace); err != nil {
		return nothing, err
	}
	if !namespace.DeletionTimestamp.IsZero() {
		return waits(v1alpha1.ReasonNamespaceNotAllowed, "Namespace %s is being deleted, and the claim with it", p.key.Namespace), nil
	}
	if !selector.Matches(labels.Set(namespace.Labels)) {
		return stalls(v1alpha1.ReasonNamespaceNotAllowed, "PartnerAccount %q lets no claims of namespace %s. %s", p.account.Name, p.key.Namespace, allowedHow(selector)), nil
	}
	var allowed bool
	if allowed, p.adoptOnly = p.mayName(p.key.Namespace); allowed {
		return nothing, nil
	}
	return stalls(v1alpha1.ReasonNameNotAllowed, "The name %q does not begin with %q, and spec.adoptions of PartnerAccount %q do not let namespace %s claim it. Add it there, or leave spec.instanceName out of a new claim",
		p.name, p.account.Spec.OwnerKey+"/"+p.key.Namespace+"/", p.account.Name, p.key.Namespace), nil
}

// mayName reports whether the account lets claims of a namespace have the name of this one, and whether that is by its adoptions alone.
func (p *pass) mayName(namespace string) (allowed, adoptOnly bool) {
	if strings.HasPrefix(p.name, p.account.Spec.OwnerKey+"/"+namespace+"/") {
		return true, false
	}
	adoption := v1alpha1.PartnerAdoption{InstanceName: p.name, Namespace: namespace}
	return slices.Contains(p.account.Spec.Adoptions, adoption), true
}

func allowedHow(selector labels.Selector) string {
	if text := selector.String(); !selector.Empty() && text != "" {
		return fmt.Sprintf("It has the labels %s in spec.allowedNamespaces: put them on the namespace, or change the account", text)
	}
	return "Select the namespace in its spec.allowedNamespaces; {} selects all"
}

// rival returns a claim that asks for the name of this one, may have it, and has the right to it before this one, "" if there is none:
// the elder has it, or whoever has the instance. One that is being deleted lets any other that stays have it.
func (r *Reconciler) rival(ctx context.Context, p *pass) (string, error) {
	rivals, err := byName.Find(ctx, r.Client, &v1alpha1.InstanceClaimList{}, p.account.Name+"/"+p.name)
	if err != nil {
		return "", err
	}
	if key, ok := defaultOf(p.name, p.account.Spec.OwnerKey); ok && key != p.key {
		other := &v1alpha1.InstanceClaim{}
		// A namespace that this operator does not watch has no claim that it knows of.
		if err := r.Client.Get(ctx, key, other); err == nil && other.Spec.InstanceName == "" && other.Spec.AccountRef.Name == p.account.Name {
			rivals = append(rivals, other)
		}
	}
	for _, other := range rivals {
		if other.UID != p.claim.UID && p.precedes(other) {
			return other.Namespace + "/" + other.Name, nil
		}
	}
	return "", nil
}

// precedes reports whether another claim of the name has the right to it before this one.
func (p *pass) precedes(other *v1alpha1.InstanceClaim) bool {
	if allowed, _ := p.mayName(other.Namespace); !allowed && !holds(other) {
		return false
	}
	return before(other, p.claim) || !p.claim.DeletionTimestamp.IsZero() && other.DeletionTimestamp.IsZero()
}

// defaultOf returns the claim that has a name if it asks for no other, false if there can be none.
func defaultOf(name, ownerKey string) (types.NamespacedName, bool) {
	rest, ok := strings.CutPrefix(name, ownerKey+"/")
	namespace, claim, also := strings.Cut(rest, "/")
	return types.NamespacedName{Namespace: namespace, Name: claim}, ok && also && namespace != "" && claim != "" && !strings.Contains(claim, "/")
}

// before reports whether a claim has the right to a name before another.
func before(one, other *v1alpha1.InstanceClaim) bool {
	if a, b := holds(one), holds(other); a != b {
		return a
	}
	return elder(one, other)
}

// elder reports whether one object was made before another.
func elder(one, other client.Object) bool {
	if a, b := one.GetCreationTimestamp().Time, other.GetCreationTimestamp().Time; !a.Equal(b) {
		return a.Before(b)
	}
	return client.ObjectKeyFromObject(one).String() < client.ObjectKeyFromObject(other).String()
}

// holds reports whether a claim has an instance, or may have bought one.
func holds(claim *v1alpha1.InstanceClaim) bool {
	return claim.Status.IDInstance != 0 || claim.Status.Create != nil
}

func (p *pass) accountStalled() bool {
	return apimeta.IsStatusConditionTrue(p.account.Status.Conditions, v1alpha1.StalledCondition)
}

// toldAlready reports whether the status says of this spec what was found. A process that has just begun knows no list yet, and that holds
// until it does.
func (p *pass) toldAlready() bool {
	created := apimeta.FindStatusCondition(p.claim.Status.Conditions, v1alpha1.CreatedCondition)
	return created != nil && created.ObservedGeneration == p.claim.Generation && (created.Reason != v1alpha1.ReasonAccountNotReady || p.stalled())
}

// accountProblem says why the account cannot be used now, nothing if it can.
func (p *pass) accountProblem() found {
	if p.accountStalled() || p.latest == nil {
		why := "its list of instances was not read yet"
		if stalled := apimeta.FindStatusCondition(p.account.Status.Conditions, v1alpha1.StalledCondition); stalled != nil {
			why = "it is Stalled with " + stalled.Reason
		}
		return waits(v1alpha1.ReasonAccountNotReady, "PartnerAccount %q cannot be used now: %s. See what it says", p.account.Name, why)
	}
	return nothing
}
