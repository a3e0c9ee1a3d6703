// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/quiet"
)

// What a resource of the namespace uses or used as its API token is nobody's webhook token; see token_guard.go. The cache knows
// the resources. Where it holds some of them only, as in a shard, the API server is asked as well before a token is sent.

// An answer of the API server is believed for tokenUsersFor times as long as it took, so that large namespaces are not listed all
// the time, and at most for tokenUsersMost; it gives tokenUsersPage resources at once.
const (
	tokenUsersFor  = 10
	tokenUsersMost = 30 * time.Second
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
	// at is when it was asked for, until how long it is believed.
	at, until time.Time
	users     map[v1alpha1.SecretKeyReference]string
}

// apiTokenUserCached names a resource of the cache whose API token a reference means, "" if there is none.
func (r *Reconciler) apiTokenUserCached(ctx context.Context, namespace string, ref v1alpha1.SecretKeyReference) (user string, err error) {
	for _, kind := range r.Kinds {
		found, err := bySecretName.Find(ctx, r.Client, kind.NewList(), ref.Name, client.InNamespace(namespace))
		if err != nil {
			return "", err
		}
		for _, other := range found {
			if instance.UsesAsAPIToken(other, ref) {
				user = instance.Named(other)
			}
		}
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
	p.tokenHold = refusedToken(instance.BorrowedToken(*p.desired.TokenRef, user))
	r.decideSettings(p)
	return nil
}

// apiTokenUserLive asks the API server, which knows the resources of other shards too.
func (r *Reconciler) apiTokenUserLive(ctx context.Context, namespace string, ref v1alpha1.SecretKeyReference) (string, error) {
	known := r.tokenUsers
	known.mu.Lock()
	defer known.mu.Unlock()
	now := r.Clock.Now()
	if listed, ok := known.byNamespace[namespace]; !ok || now.Before(listed.at) || !now.Before(listed.until) {
		users, err := r.listTokenUsers(ctx, namespace)
		if err != nil {
			return "", err
		}
		// What nobody asked for in a while is not kept.
		maps.DeleteFunc(known.byNamespace, func(_ string, old listedTokens) bool { return !now.Before(old.until) })
		known.byNamespace[namespace] = listedTokens{at: now, until: now.Add(min(tokenUsersFor*r.Clock.Since(now), tokenUsersMost)), users: users}
	}
	return cmp.Or(known.byNamespace[namespace].users[ref], known.accepted[acceptedRef{namespace, ref}]), nil
}

// listTokenUsers lists the API tokens of a namespace, and remembers what statuses say was accepted.
func (r *Reconciler) listTokenUsers(ctx context.Context, namespace string) (map[v1alpha1.SecretKeyReference]string, error) {
	users, accepted := map[v1alpha1.SecretKeyReference]string{}, r.tokenUsers.accepted
	for _, kind := range r.Kinds {
		for page := client.Continue(""); ; {
			list := kind.NewList()
			if err := r.Live.List(quiet.Context(ctx), list, client.InNamespace(namespace), client.Limit(tokenUsersPage), page); err != nil {
				return nil, err
			}
			instance.Each(list, func(other v1alpha1.Instance) {
				users[instance.APITokenRef(other)] = instance.Named(other)
				for _, ref := range other.InstanceStatus().AcceptedTokenRefs {
					users[ref] = instance.Named(other)
					if len(accepted) < maxUsedTokens {
						accepted[acceptedRef{namespace, ref}] = instance.Named(other)
					}
				}
			})
			if page = client.Continue(list.GetContinue()); page == "" {
				break
			}
		}
	}
	return users, nil
}
