// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
	"github.com/greenapi-operator/greenapi-operator/internal/quiet"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// look finds out what there is to say of an account. The address is checked before the Secret is read, and the Secret before a
// call is made. The error is one of the API server.
func (r *Reconciler) look(ctx context.Context, p *pass) (found, error) {
	spec, m := &p.account.Spec, p.memory
	m.lookAt, m.uneasy = p.now.Add(secretInterval), true
	origin, err := greenapi.ParseOrigin(spec.PartnerAPIURL)
	if err == nil {
		_, err = r.Connect(greenapi.PartnerTarget{Origin: origin})
	}
	if err != nil {
		return r.unread(p, endpointProblem(err)), nil
	}
	token, problem, err := r.token(ctx, p)
	if err != nil {
		return found{}, err
	}
	if problem.reason != "" {
		return r.unread(p, problem), nil
	}
	api, err := r.Connect(greenapi.PartnerTarget{Origin: origin, Token: token})
	if err != nil {
		return r.unread(p, endpointProblem(err)), nil
	}
	m.missingSince = time.Time{}
	if m.unread {
		m.unread, m.listAt = false, p.now
	}
	m.noteTarget(p, origin.Identity(), token)
	if p.request != "" {
		m.listAt = p.now
	}
	if p.now.Before(m.due(r.Book.Due(p.account.Name))) {
		m.uneasy = !inOrder(&p.account.Status)
		return found{kind: nothingNew}, nil
	}
	begun := p.now
	m.well = false
	listing, cancel := greenapi.WithTimeout(ctx, greenapi.LongestRead)
	defer cancel()
	rows, err := api.List(listing, r.Book.Asked(p.account.Name))
	p.now, p.handled = r.Clock.Now(), true
	m.notBefore = p.now.Add(listSpacing)
	if err != nil {
		return r.failed(p, err), nil
	}
	p.api = api
	return r.judge(ctx, p, begun, rows)
}

// noteTarget makes a list due where the spec, the address or the token is another one.
func (m *memory) noteTarget(p *pass, address, token string) {
	if m.generation == p.account.Generation && m.address == address && m.token == token {
		return
	}
	if m.address != "" && (m.address != address || m.token != token) {
		m.accepted, m.backoff = false, schedule.Backoff{}
	}
	m.generation, m.address, m.token = p.account.Generation, address, token
	m.listAt = p.now
}

// judge says what follows from a whole list.
func (r *Reconciler) judge(ctx context.Context, p *pass, begun time.Time, rows []greenapi.Row) (found, error) {
	m := p.memory
	m.listAt = p.now.Add(schedule.Jitter(listInterval))
	m.backoff = schedule.Backoff{}
	claimed, ids, err := r.claimed(ctx, p.account)
	if err != nil {
		return found{}, err
	}
	known := p.account.Status.KnownIDs
	if len(known) == 0 {
		// What it was known by went with an account that was made anew; its claims know.
		known = ids
	}
	if !partner.Recognized(rows, known) {
		if young(known, p.account.Status.Creates, p.now) {
			m.listAt = p.now.Add(youngInterval)
			return found{kind: triedAgain, problem: problem{message: "What was bought does not show in the list of instances yet"}}, nil
		}
		return found{kind: needsPerson, problem: problem{reason: v1alpha1.ReasonAccountMismatch,
			message: fmt.Sprintf("The list has none of the instances that this account had before, so nothing is concluded from it. Put the token of the same account under key %q of Secret %q in namespace %s, and compare spec.partnerApiUrl with the vendor's console",
				p.account.Spec.PartnerTokenSecretRef.KeyOrDefault(), p.account.Spec.PartnerTokenSecretRef.Name, r.Options.Namespace)}}, nil
	}
	m.accepted, m.goodAt, m.uneasy, m.well = true, p.now, false, true
	p.list = partner.NewList(begun, rows, p.account.Spec.OwnerKey)
	return found{kind: goodList, counts: p.list.Count(p.account.Spec.OwnerKey, claimed), known: p.list.Known(p.account.Status.KnownIDs)}, nil
}

// young reports whether all that an account is recognized by was bought so lately that it need not show yet.
func young(known []int64, creates []v1alpha1.PartnerCreate, now time.Time) bool {
	bought := 0
	for _, create := range creates {
		if now.Sub(create.Time.Time) < youngFor {
			bought++
		}
	}
	return len(known) <= bought
}

// maxClaimedIDs bounds by how many instances of claims a list is recognized.
const maxClaimedIDs = 64

// claimed says which names have a claim, and returns the numbers of some instances that claims have for certain.
func (r *Reconciler) claimed(ctx context.Context, account *v1alpha1.PartnerAccount) (named func(string) bool, ids []int64, err error) {
	list := &v1alpha1.InstanceClaimList{}
	if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, nil, err
	}
	names := map[string]bool{}
	for i := range list.Items {
		claim := &list.Items[i]
		if claim.Spec.AccountRef.Name != account.Name {
			continue
		}
		names[claim.InstanceName(account.Spec.OwnerKey)] = true
		if len(ids) < maxClaimedIDs && claim.Status.IDInstance != 0 && apimeta.IsStatusConditionTrue(claim.Status.Conditions, v1alpha1.CreatedCondition) {
			ids = append(ids, claim.Status.IDInstance)
		}
	}
	return func(name string) bool { return names[name] }, ids, nil
}

// unread is for what keeps the list from being read at all. Once it is gone the list is due.
func (r *Reconciler) unread(p *pass, why problem) found {
	m := p.memory
	m.unread, m.well, m.listAt, p.handled = true, false, p.now.Add(listInterval), true
	if why.grace {
		if stalledFor(&p.account.Status, p.account.Generation, why.reason) {
			m.missingSince = p.now.Add(-secretGrace)
		}
		if m.missingSince.IsZero() {
			m.missingSince = p.now
		}
		if rest := secretGrace - p.now.Sub(m.missingSince); rest > 0 {
			m.lookAt = p.now.Add(min(rest, secretInterval))
			return found{kind: triedAgain, problem: why}
		}
	}
	return found{kind: needsPerson, problem: why}
}

// token reads the partner token from the API server, or says why there is none (R23, R24).
func (r *Reconciler) token(ctx context.Context, p *pass) (string, problem, error) {
	ref := p.account.Spec.PartnerTokenSecretRef
	secret := &corev1.Secret{}
	// client-go logs bodies of answers at high levels; this one must not be logged.
	quiet := quiet.Context(ctx)
	err := r.Live.Get(quiet, types.NamespacedName{Namespace: r.Options.Namespace, Name: ref.Name}, secret)
	selector := r.Options.SecretSelector
	switch {
	case apierrors.IsNotFound(err), err == nil && selector != nil && !selector.Matches(labels.Set(secret.Labels)):
		message := fmt.Sprintf("Secret %q is not there. Create it in namespace %s, in which the operator runs", ref.Name, r.Options.Namespace)
		if selector != nil {
			message += fmt.Sprintf(" (this operator reads only Secrets with the labels %s)", selector)
		}
		return "", problem{reason: v1alpha1.ReasonSecretNotFound, message: message, grace: true}, nil
	case err != nil:
		return "", problem{}, err
	}
	value, ok := secret.Data[ref.KeyOrDefault()]
	if !ok {
		return "", problem{reason: v1alpha1.ReasonSecretKeyMissing, grace: true,
			message: fmt.Sprintf("Secret %q has no key %q. Add it, or name another key in spec.partnerTokenSecretRef", ref.Name, ref.KeyOrDefault())}, nil
	}
	token := strings.TrimSpace(string(value))
	if !greenapi.ValidToken(token) {
		return "", problem{reason: v1alpha1.ReasonTokenMalformed,
			message: fmt.Sprintf("Key %q of Secret %q does not hold a partner token: it must be letters, digits and ._~- only, at most 256 of them. Copy the partner token from the profile in the vendor's console", ref.KeyOrDefault(), ref.Name)}, nil
	}
	return token, problem{}, nil
}
