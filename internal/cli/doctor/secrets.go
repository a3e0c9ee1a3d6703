// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// secretsAtOnce is how many Secrets are read side by side.
const secretsAtOnce = 8

// secretFindings are what is wrong with the Secrets that instances refer to.
type secretFindings struct {
	looked    int
	forbidden int
	wrong     []string
	failed    error
}

// reference is one value of a Secret that a resource refers to.
type reference struct {
	instance v1alpha1.Instance
	v1alpha1.SecretKeyReference
	apiToken bool
}

// referencesOf are the values that a resource refers to.
func referencesOf(resource v1alpha1.Instance) []reference {
	var all []reference
	if instance.Number(resource) != 0 {
		// A claim without an instance has no Secret yet.
		all = append(all, reference{resource, instance.APITokenRef(resource), true})
	}
	if ref := instance.WebhookTokenRef(resource); ref != nil {
		all = append(all, reference{resource, *ref, false})
	}
	return all
}

// readSecrets looks whether each value is there. It keeps none.
func (e *examination) readSecrets(ctx context.Context) secretFindings {
	var references []reference
	for _, instance := range e.instances {
		references = append(references, referencesOf(instance)...)
	}
	// client-go logs bodies of answers at high levels; these must not be logged.
	ctx = klog.NewContext(ctx, logr.Discard())
	found, errs := make([]string, len(references)), make([]error, len(references))
	workqueue.ParallelizeUntil(ctx, secretsAtOnce, len(references), func(i int) {
		found[i], errs[i] = e.wrongWith(ctx, references[i])
	})
	var all secretFindings
	for i, err := range errs {
		switch {
		case apierrors.IsForbidden(err):
			all.forbidden++
		case err != nil:
			all.failed = cmp.Or(all.failed, err)
		default:
			all.looked++
			if found[i] != "" {
				all.wrong = append(all.wrong, advice.Title(references[i].instance)+": "+found[i])
			}
		}
	}
	return all
}

// wrongWith says what is wrong with one value, "" for nothing.
func (e *examination) wrongWith(ctx context.Context, r reference) (string, error) {
	secret := &corev1.Secret{}
	err := e.Cluster.Get(ctx, client.ObjectKey{Namespace: r.instance.GetNamespace(), Name: r.Name}, secret)
	if apierrors.IsNotFound(err) {
		if claim := instance.ClaimName(r.instance); claim != "" && r.apiToken {
			return fmt.Sprintf("Secret %s is not there. InstanceClaim %s makes it: see its conditions", r.Name, claim), nil
		}
		return fmt.Sprintf("Secret %s is not there. Create it", r.Name), nil
	}
	if err != nil {
		return "", err
	}
	value, ok := secret.Data[r.Key]
	flags := e.running
	readable := slices.ContainsFunc(flags, func(f managerflags.Flags) bool { return managerflags.Selects(f.SecretLabelSelector, secret) })
	switch {
	case !readable:
		return fmt.Sprintf("Secret %s has not the labels that the manager's --secret-label-selector wants: %s. Label it so", r.Name, flags[0].SecretLabelSelector), nil
	case !r.apiToken && !slices.ContainsFunc(flags, func(f managerflags.Flags) bool { return managerflags.Selects(f.WebhookSecretLabelSelector, secret) }):
		return fmt.Sprintf("Secret %s has not the labels that the manager's --webhook-secret-label-selector wants: %s. Label it so", r.Name, flags[0].WebhookSecretLabelSelector), nil
	case !r.apiToken && instance.GuardedKey(r.SecretKeyReference) != "":
		return fmt.Sprintf("key %s of Secret %s is where API tokens are kept. Put the webhook token under another key", r.Key, r.Name), nil
	case !ok:
		return fmt.Sprintf("Secret %s has no key %s. Add it, or name another key in the spec", r.Name, r.Key), nil
	case r.apiToken && !greenapi.ValidToken(strings.TrimSpace(string(value))):
		return fmt.Sprintf("key %s of Secret %s holds no API token. Copy apiTokenInstance from the vendor's console into it", r.Key, r.Name), nil
	default:
		return "", nil
	}
}

// checkSecrets says whether the Secrets are there.
func (e *examination) checkSecrets() Check {
	s := e.secrets
	c := Check{Name: "Secrets", Verdict: OK, Message: fmt.Sprintf("all %d values that instances refer to are there", s.looked)}
	switch {
	case s.failed != nil:
		return skipped(c.Name, "Secrets cannot be read: "+s.failed.Error())
	case s.looked == 0 && s.forbidden > 0:
		return skipped(c.Name, "you may not get secrets")
	case len(s.wrong) > 0:
		c.Verdict, c.Message, c.Details = Problem, fmt.Sprintf("of %d values that instances refer to, %d are missing or wrong", s.looked, len(s.wrong)), s.wrong
	}
	if s.forbidden > 0 {
		c.Message += fmt.Sprintf(" (you may not get %d others)", s.forbidden)
	}
	return c
}
