// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// partnerFindings are what was seen of claims and partner accounts.
type partnerFindings struct {
	// any: there is a claim, an account, or a resource that names a claim.
	any bool

	claims    []v1alpha1.InstanceClaim
	byKey     map[client.ObjectKey]*v1alpha1.InstanceClaim
	claimsErr error

	// accounts by name: those that claims name, and all where all namespaces are looked at. One that is nil is not there.
	accounts    map[string]*v1alpha1.PartnerAccount
	accountsErr error

	// labels are those of the namespaces of claims, as far as they may be read.
	labels map[string]map[string]string

	// missing is what a manager with --partner-accounts may not do. rightsErr is why that is not known.
	missing   []string
	rightsErr error

	// tokens says what is wrong with the Secret of an account's token, by account. unread is how many may not be read.
	tokens map[string]string
	unread int
}

// claimOf is the claim of a resource, nil if it names none or it was not found.
func (f *partnerFindings) claimOf(resource v1alpha1.Instance) *v1alpha1.InstanceClaim {
	return f.byKey[client.ObjectKey{Namespace: resource.GetNamespace(), Name: instance.ClaimName(resource)}]
}

// readPartner reads claims, and what they depend on.
func (e *examination) readPartner(ctx context.Context) partnerFindings {
	f := partnerFindings{byKey: map[client.ObjectKey]*v1alpha1.InstanceClaim{}, accounts: map[string]*v1alpha1.PartnerAccount{}, labels: map[string]map[string]string{}, tokens: map[string]string{}}
	claims := &v1alpha1.InstanceClaimList{}
	f.claimsErr = e.Cluster.List(ctx, claims, client.InNamespace(e.Namespace))
	f.claims = claims.Items
	for i := range f.claims {
		f.byKey[client.ObjectKeyFromObject(&f.claims[i])] = &f.claims[i]
	}
	e.readAccounts(ctx, &f)
	f.any = len(f.claims) > 0 || len(f.accounts) > 0 || slices.ContainsFunc(e.instances, func(resource v1alpha1.Instance) bool { return instance.ClaimName(resource) != "" })
	if !f.any {
		return f
	}
	e.readLabels(ctx, &f)
	e.readPartnerRights(ctx, &f)
	e.readTokens(ctx, &f)
	return f
}

// readAccounts reads the accounts that claims name, and all of them where all namespaces are looked at.
func (e *examination) readAccounts(ctx context.Context, f *partnerFindings) {
	if e.Namespace == "" {
		list := &v1alpha1.PartnerAccountList{}
		if err := e.Cluster.List(ctx, list); err != nil {
			f.accountsErr = err
		}
		for i := range list.Items {
			f.accounts[list.Items[i].Name] = &list.Items[i]
		}
	}
	for _, claim := range f.claims {
		name := claim.Spec.AccountRef.Name
		if _, seen := f.accounts[name]; seen || f.accountsErr != nil {
			continue
		}
		account := &v1alpha1.PartnerAccount{}
		switch err := e.Cluster.Get(ctx, client.ObjectKey{Name: name}, account); {
		case apierrors.IsNotFound(err):
			f.accounts[name] = nil
		case err != nil:
			f.accountsErr = err
		default:
			f.accounts[name] = account
		}
	}
}

// readLabels reads the labels of the namespaces that have claims without an instance.
func (e *examination) readLabels(ctx context.Context, f *partnerFindings) {
	for _, claim := range f.claims {
		if _, seen := f.labels[claim.Namespace]; seen || claim.Status.IDInstance != 0 {
			continue
		}
		namespace := &corev1.Namespace{}
		if e.Cluster.Get(ctx, client.ObjectKey{Name: claim.Namespace}, namespace) == nil {
			f.labels[claim.Namespace] = namespace.Labels
			if namespace.Labels == nil {
				f.labels[claim.Namespace] = map[string]string{}
			}
		}
	}
}

// sellers are the managers that look after partner accounts.
func (e *examination) sellers() []appsv1.Deployment {
	var found []appsv1.Deployment
	for i, manager := range e.managers {
		if e.running[i].PartnerAccounts {
			found = append(found, manager)
		}
	}
	return found
}

// readPartnerRights asks whether the managers may do what they are told to do about accounts and claims.
func (e *examination) readPartnerRights(ctx context.Context, f *partnerFindings) {
	for _, manager := range e.sellers() {
		namespaces := managerflags.Of(manager).WatchNamespaces
		if len(namespaces) == 0 {
			namespaces = []string{""}
		}
		missing, err := e.firstMissing(ctx, manager, partnerRights(manager.Namespace, namespaces))
		if err != nil {
			f.rightsErr = err
			return
		}
		if missing != "" {
			f.missing = append(f.missing, fmt.Sprintf("Deployment %s/%s may not %s", manager.Namespace, manager.Name, missing))
		}
	}
}

// partnerRights are what a manager must be allowed for accounts and claims, beside what it is allowed anyway.
func partnerRights(own string, namespaces []string) []authorizationv1.ResourceAttributes {
	var rights []authorizationv1.ResourceAttributes
	add := func(group, namespace, resource string, verbs ...string) {
		resource, subresource, _ := strings.Cut(resource, "/")
		for _, verb := range verbs {
			rights = append(rights, authorizationv1.ResourceAttributes{Group: group, Namespace: namespace, Resource: resource, Subresource: subresource, Verb: verb})
		}
	}
	group := v1alpha1.GroupVersion.Group
	add(group, "", "partneraccounts", "get", "list", "watch")
	add(group, "", "partneraccounts/status", "update")
	add("", "", "namespaces", "get", "list", "watch")
	add("events.k8s.io", "", "events", "create")
	add("", own, "secrets", "get")
	for _, namespace := range namespaces {
		add(group, namespace, "instanceclaims", "get", "list", "watch", "patch")
		add(group, namespace, "instanceclaims/status", "update")
		add("", namespace, "secrets", "create", "update")
	}
	return rights
}

// readTokens looks whether the partner tokens are there. It keeps none.
func (e *examination) readTokens(ctx context.Context, f *partnerFindings) {
	managers := e.sellers()
	if len(managers) != 1 {
		return // in which namespace the Secrets are is not known
	}
	// client-go logs bodies of answers at high levels; these must not be logged.
	ctx = klog.NewContext(ctx, logr.Discard())
	for name, account := range f.accounts {
		if account == nil {
			continue
		}
		ref, secret := account.Spec.PartnerTokenSecretRef, &corev1.Secret{}
		key := client.ObjectKey{Namespace: managers[0].Namespace, Name: ref.Name}
		err := e.Cluster.Get(ctx, key, secret)
		value, ok := secret.Data[ref.KeyOrDefault()]
		switch {
		case apierrors.IsNotFound(err):
			f.tokens[name] = fmt.Sprintf("Secret %s is not there. Create it: kubectl -n %s create secret generic %s --from-file=%s=token.txt", key, key.Namespace, key.Name, ref.KeyOrDefault())
		case err != nil:
			f.unread++
		case !managerflags.Selects(managerflags.Of(managers[0]).SecretLabelSelector, secret):
			f.tokens[name] = fmt.Sprintf("Secret %s has not the labels that the manager's --secret-label-selector wants: %s. Label it so", key, managerflags.Of(managers[0]).SecretLabelSelector)
		case !ok:
			f.tokens[name] = fmt.Sprintf("Secret %s has no key %s. Add it, or name another key in spec.partnerTokenSecretRef", key, ref.KeyOrDefault())
		case !greenapi.ValidToken(strings.TrimSpace(string(value))):
			f.tokens[name] = fmt.Sprintf("key %s of Secret %s holds no partner token. Copy it from the profile in the vendor's console", ref.KeyOrDefault(), key)
		}
	}
}

// whyUnseen words why claims or accounts could not be read.
func whyUnseen(err error, plural string) string {
	switch {
	case apierrors.IsForbidden(err):
		return "you may not read " + plural
	case apimeta.IsNoMatchError(err), apierrors.IsNotFound(err), runtime.IsNotRegisteredError(err):
		return "the CRD of " + plural + " is not installed"
	default:
		return err.Error()
	}
}
