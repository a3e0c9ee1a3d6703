// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// What a resource of the namespace uses or used as its API token is nobody's webhook token; see token_guard.go. The cache knows
// the resources. Where it holds some of them only, as in a shard, the API server is asked as well before a token is sent.

// tokenUsersFor is how long an answer of the API server is believed, and tokenUsersPage how many resources it gives at once.
const (
	tokenUsersFor  = 30 * time.Second
	tokenUsersPage = 500
)

// tokenUsers are the API tokens of whole namespaces, by the API server's word.
type tokenUsers struct {
	mu          sync.Mutex
	byNamespace map[string]listedTokens
	// accepted are the references that a status was seen to name, also of resources that are gone since.
	accepted map[acceptedRef]string
}

type acceptedRef struct {
	namespace string
	v1alpha1.SecretKeyReference
}

func newTokenUsers() *tokenUsers {
	return &tokenUsers{byNamespace: map[string]listedTokens{}, accepted: map[acceptedRef]string{}}
}

// listedTokens are the resources of a namespace by the references to their API tokens.
type listedTokens struct {
	at    time.Time
	users map[v1alpha1.SecretKeyReference]string
}

// apiTokenUserCached names a resource of the cache whose API token a reference means, "" if there is none.
func (r *Reconciler) apiTokenUserCached(ctx context.Context, namespace string, ref v1alpha1.SecretKeyReference) (string, error) {
	user := ""
	for _, kind := range r.Kinds {
		list := kind.NewList()
		if err := r.Client.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{indexSecretName: ref.Name}, client.UnsafeDisableDeepCopy); err != nil {
			return "", err
		}
		eachOf(list, func(instance v1alpha1.Instance) {
			if usesAsAPIToken(instance, ref) {
				user = tokenUser(kind, instance)
			}
		})
	}
	return user, nil
}

// guardToken takes a decision back that would send somebody's API token as the webhook token.
func (r *Reconciler) guardToken(ctx context.Context, p *pass) error {
	if !r.Options.Partial || p.desired.TokenRef == nil || !slices.Contains(p.decision.Send, plan.WebhookTokenName) {
		return nil
	}
	user, err := r.apiTokenUserLive(ctx, p.key.Namespace, *p.desired.TokenRef)
	if err != nil || user == "" {
		return err
	}
	p.tokenHold = borrowedToken(*p.desired.TokenRef, user)
	r.decideSettings(p)
	return nil
}

// apiTokenUserLive asks the API server, which knows the resources of other shards too.
func (r *Reconciler) apiTokenUserLive(ctx context.Context, namespace string, ref v1alpha1.SecretKeyReference) (string, error) {
	r.tokenUsers.mu.Lock()
	defer r.tokenUsers.mu.Unlock()
	now := r.Clock.Now()
	listed, ok := r.tokenUsers.byNamespace[namespace]
	if age := now.Sub(listed.at); ok && age >= 0 && age < tokenUsersFor {
		return cmp.Or(listed.users[ref], r.tokenUsers.accepted[acceptedRef{namespace, ref}]), nil
	}
	listed = listedTokens{at: now, users: map[v1alpha1.SecretKeyReference]string{}}
	for _, kind := range r.Kinds {
		for page := client.Continue(""); ; {
			list := kind.NewList()
			if err := r.Live.List(ctx, list, client.InNamespace(namespace), client.Limit(tokenUsersPage), page); err != nil {
				return "", err
			}
			eachOf(list, func(instance v1alpha1.Instance) {
				for _, ref := range append([]v1alpha1.SecretKeyReference{apiTokenRef(instance.Core())}, instance.InstanceStatus().AcceptedTokenRefs...) {
					listed.users[ref] = tokenUser(kind, instance)
				}
				for _, ref := range instance.InstanceStatus().AcceptedTokenRefs {
					if len(r.tokenUsers.accepted) < maxUsedTokens {
						r.tokenUsers.accepted[acceptedRef{namespace, ref}] = tokenUser(kind, instance)
					}
				}
			})
			if page = client.Continue(list.GetContinue()); page == "" {
				break
			}
		}
	}
	// What nobody asked for in a while is not kept.
	for other, old := range r.tokenUsers.byNamespace {
		if now.Sub(old.at) >= tokenUsersFor {
			delete(r.tokenUsers.byNamespace, other)
		}
	}
	r.tokenUsers.byNamespace[namespace] = listed
	return cmp.Or(listed.users[ref], r.tokenUsers.accepted[acceptedRef{namespace, ref}]), nil
}

// tokenUser is how a message names the resource whose API token something is.
func tokenUser(kind Kind, instance v1alpha1.Instance) string {
	return kind.Name + " " + instance.GetName()
}
