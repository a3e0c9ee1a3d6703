// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// secretGrace is how long a missing Secret is not the user's mistake yet: another tool may be about to make it.
const secretGrace = 2 * time.Minute

// resolve turns the spec into an address, credentials and wished settings. It reads Secrets and calls nothing.
func (r *Reconciler) resolve(ctx context.Context, p *pass) error {
	if err := r.storeUnsaved(ctx, p); err != nil {
		return err
	}
	if p.core().Paused {
		return &paused{}
	}
	p.requested = instance.NewRequest(p.instance, v1alpha1.ReconcileRequestedAtAnnotation, p.stored.LastHandledReconcileAt)
	if err := r.resolveClaim(ctx, p); err != nil {
		return err
	}
	origin, err := instance.Origin(p.instance, r.Options.DefaultAPIURL)
	if err != nil {
		return classify(err)
	}
	p.origin, p.id = origin, instance.KeyAt(p.instance, origin)
	if err := r.checkOwner(ctx, p); err != nil {
		return err
	}
	p.desired = plan.Wishes(p.instance.TypedSettings())
	p.resolved = true
	target := instance.Target(p.instance, origin, p.desired)
	target.HideNumbers = p.hidesNumbers()
	// The address is checked before any Secret is read: a token that may not be sent need not be known.
	if _, err := r.Connect(target); err != nil {
		return classify(err)
	}
	if target.Token, err = r.apiToken(ctx, p); err != nil {
		return err
	}
	r.usedTokens.add(target.Token)
	webhookToken, err := r.webhookToken(ctx, p, target.Token)
	if err != nil {
		return err
	}
	target.Conceal = []string{webhookToken}
	p.secrets = []string{target.Token, webhookToken}
	p.vendor, err = r.Connect(target)
	if err != nil {
		return classify(err)
	}
	r.noteTokens(p, target.Token, webhookToken)
	return nil
}

// apiToken reads the API token, or says why there is none.
func (r *Reconciler) apiToken(ctx context.Context, p *pass) (string, error) {
	value, err := r.secret(ctx, p, instance.APITokenRef(p.instance), p.memory.apiToken, false)
	if err != nil {
		return "", err
	}
	p.memory.apiToken = value
	if value.missing != "" {
		problem := r.missingSecret(v1alpha1.CredentialsValidCondition, value, r.Options.SecretSelector)
		if p.claim != nil {
			problem.message = fmt.Sprintf("Secret %q does not hold the API token. InstanceClaim %q puts it there; its conditions say what holds it up", value.name, p.claim.Name)
		}
		if wait := r.secretGraceRest(p, &p.memory.missingSince, problem.reason); wait > 0 {
			return "", &retrying{condition: problem.condition, reason: problem.reason, message: problem.message, after: wait}
		}
		return "", problem
	}
	p.memory.missingSince = time.Time{}
	token := strings.TrimSpace(value.value)
	if !greenapi.ValidToken(token) {
		return "", &stalled{condition: v1alpha1.CredentialsValidCondition, reason: v1alpha1.ReasonTokenMalformed,
			message:   fmt.Sprintf("Key %q of Secret %q does not hold an API token: it must be letters, digits and ._~- only, at most 256 of them. Copy apiTokenInstance from the vendor's console", value.key, value.name),
			noPolling: true}
	}
	return token, nil
}

// webhookToken adds the webhook token to the wished settings. Without it nothing is written, and looking goes on.
func (r *Reconciler) webhookToken(ctx context.Context, p *pass, apiToken string) (string, error) {
	ref := p.desired.TokenRef
	if ref == nil {
		p.memory.webhookToken, p.memory.tokenHoldSince = nil, time.Time{}
		return "", nil
	}
	user, err := r.apiTokenUserCached(ctx, p.key.Namespace, *ref)
	if err != nil {
		return "", err
	}
	refusal := instance.GuardedKey(*ref)
	if user != "" {
		refusal = instance.BorrowedToken(*ref, user)
	}
	if refusal != "" {
		p.tokenHold = refusedToken(refusal)
		p.memory.webhookToken, p.memory.tokenHoldSince = nil, time.Time{}
		return "", nil
	}
	value, err := r.secret(ctx, p, *ref, ptr.Deref(p.memory.webhookToken, secretValue{}), false)
	if err != nil {
		return "", err
	}
	p.memory.webhookToken = &value
	if value.missing != "" {
		p.tokenHold = r.missingSecret(v1alpha1.SyncedCondition, value, r.Options.SecretSelector, r.Options.WebhookSecretSelector)
		p.tokenGrace = r.secretGraceRest(p, &p.memory.tokenHoldSince, p.tokenHold.reason)
		return "", nil
	}
	p.memory.tokenHoldSince = time.Time{}
	token := strings.TrimSpace(value.value)
	if !greenapi.ValidWebhookToken(token) {
		p.tokenHold = refusedToken(fmt.Sprintf("Key %q of Secret %q does not hold a webhook token: it must be empty or one line of at most 1024 printable ASCII characters", value.key, value.name))
		return "", nil
	}
	if p.tokenHold = r.guardedValue(*ref, token); p.tokenUnknown() {
		return "", nil
	}
	p.desired.SetToken(token, apiToken, p.memory.digestToken)
	return token, nil
}

func (r *Reconciler) missingSecret(condition string, value secretValue, selectors ...labels.Selector) *stalled {
	message := fmt.Sprintf("Secret %q is not there. Create it in the namespace of this resource", value.name)
	if value.missing == v1alpha1.ReasonSecretKeyMissing {
		message = fmt.Sprintf("Secret %q has no key %q. Add it, or name another key in the spec", value.name, value.key)
	}
	for _, selector := range selectors {
		if selector != nil {
			message += fmt.Sprintf(" (this operator reads only Secrets with the labels %s)", selector)
		}
	}
	return &stalled{condition: condition, reason: value.missing, message: message}
}

// secretGraceRest is how long a missing Secret is waited for still. What is shown as Stalled already stays so.
func (r *Reconciler) secretGraceRest(p *pass, since *time.Time, reason string) time.Duration {
	if stalledFor(&p.stored, p.generation(), reason) {
		*since = p.now.Add(-secretGrace)
	}
	if since.IsZero() {
		*since = p.now
	}
	return secretGrace - p.now.Sub(*since)
}

// noteTokens compares the tokens with those of the latest pass: a new value is looked at with at once, and nothing
// is known of whether the vendor accepts a new API token.
func (r *Reconciler) noteTokens(p *pass, apiToken, webhookToken string) {
	m := p.memory
	if p.tokenHold != nil {
		// Another reason for which the token is not known is news too.
		webhookToken = "(" + p.tokenHold.reason + ")"
	}
	if !m.schedule.Planned() {
		// What an earlier process saw: the vendor accepted a token of this resource.
		m.accepted = p.accepted
	} else if m.usedToken != apiToken || m.usedWebhook != webhookToken {
		m.schedule.Lift()
		m.schedule.ReadAll()
	}
	if m.usedToken != "" && m.usedToken != apiToken {
		// A token that was made just now is most likely right, and the vendor may need moments.
		m.accepted = m.rotation.made == plan.TokenKey(apiToken)
		m.schedule.Reads.ForgetRefusals()
		m.failedCalls.mended()
	}
	m.usedToken, m.usedWebhook = apiToken, webhookToken
	if m.digestToken == "" {
		// The process before this one made the digests of the status with the token of then, most likely this one.
		m.digestToken = apiToken
	}
}
