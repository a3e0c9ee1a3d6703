// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/doctor"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// rotateVerb is kubectl greenapi rotate. What comes of a request is in rotated.go.
type rotateVerb struct {
	*session

	hold    waiting
	sure    bool
	cluster client.Client
}

// rotationField is the path of what asks for a rotation.
var rotationField = []string{"spec", "apiTokenRotation", "requestedAt"}

func newRotate(s *session) *cobra.Command {
	v := &rotateVerb{session: s}
	command := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Have the API token of an instance replaced once",
		Long: `Have the API token of an instance replaced once. The operator calls the vendor and puts the new token into the Secret.

The old token ends at once: whatever else uses it is refused until it has the new one from the Secret. It is about one
instance at a time, and it asks first unless --yes is given.

The Secret must have the label messaging.greenapi-operator.dev/rotate=true, and no other tool may write the token into it.
This is looked at first, if you may read the Secret. Where the operator would only take note of a request, such as under
Observe or while it is paused, it is refused with the reason.

It sets spec.apiTokenRotation.requestedAt to the present time. Where the manifest in Git has it too, Flux or Argo CD undoes
it: a warning says so before the question.

With --wait the exit code is 0 if the Secret has a new token, and 1 if the old one is in force, the new one is lost, or
nothing was called; the message says what to do.`,
		Example: `  kubectl greenapi rotate support-line --wait

  # In a script
  kubectl greenapi rotate support-line --yes --wait`,
		Args: func(command *cobra.Command, names []string) error {
			return nameOfOne(command, ofKind(names))
		},
		ValidArgsFunction: s.completeNames,
		RunE: func(command *cobra.Command, names []string) (err error) {
			if v.cluster, err = v.client(); err != nil {
				return err
			}
			return v.run(command.Context(), ofKind(names)[0])
		},
	}
	v.hold.bind(command)
	command.Flags().BoolVarP(&v.sure, "yes", "y", false, "Do not ask")
	return command
}

func (v *rotateVerb) run(ctx context.Context, name string) error {
	resource, err := v.findOne(ctx, v.cluster, name)
	if err != nil {
		return err
	}
	if err := whereRotationsAreIgnored(resource); err != nil {
		return err
	}
	filled, err := withClaim(ctx, v.cluster, resource)
	if err != nil {
		return err
	}
	if err := v.checkSecret(ctx, filled); err != nil {
		return err
	}
	if err := v.checkGit(ctx, resource); err != nil {
		return err
	}
	if !v.sure {
		if err := v.confirm(rotationQuestion(filled)); err != nil {
			return err
		}
	}
	before := conditionOf(resource, v1alpha1.TokenRotatedCondition)
	at, err := v.ask(ctx, resource)
	if err != nil {
		return err
	}
	fmt.Fprintf(v.Out, "%s: asked for a new API token\n", advice.Title(resource))
	if !v.hold.wait {
		return nil
	}
	v.hold.line = howTheRotationGoes
	err = v.await(ctx, v.cluster, []v1alpha1.Instance{resource}, v.hold, func(i v1alpha1.Instance, waited time.Duration) stage {
		if rotationEnded(i, at, before, waited) {
			return stageDone
		}
		return stageOpen
	})
	if err != nil {
		return err
	}
	return v.conclude(resource, at)
}

// whereRotationsAreIgnored follows the operator's own rules: it echoes such a request and does nothing (P15, P16).
func whereRotationsAreIgnored(i v1alpha1.Instance) error {
	title, record, argument := advice.Title(i), i.InstanceStatus().APITokenRotation, advice.Argument(i)
	switch {
	case i.Core().Paused:
		return whilePaused(i)
	case i.Core().Policy() == v1alpha1.PolicyObserve:
		return failf("Remove spec.reconcilePolicy first: the operator would only echo the request", "%s has the policy Observe, under which no token is replaced", title)
	case len(i.InstanceStatus().Conditions) == 0:
		return notLookedAt(i)
	case record.Open():
		return failf("Wait for what comes of it: kubectl greenapi status "+argument+" --watch", "%s: a rotation is under way, and it is not known yet whether the vendor made a new token", title)
	case record.Lost():
		return failf(advice.For(i, v1alpha1.ReasonTokenLost), "%s: the token was lost in an earlier rotation. Another one cannot be asked for without a token", title)
	case instance.WaitsForClaim(i.InstanceStatus()):
		return failf(advice.For(i, v1alpha1.ReasonClaimNotReady), "%s: its InstanceClaim does not have the instance, so there is no token to replace", title)
	case stalledNow(i):
		return failf("See what: kubectl greenapi status "+argument, "%s waits for a person first (%s), and a request that comes before that is ignored", title, conditionOf(i, v1alpha1.StalledCondition).Reason)
	case stale(i):
		return failf(advice.For(i, v1alpha1.ReasonObservationStale), "%s: the vendor has not answered for some time, and a request meanwhile is ignored", title)
	}
	return nil
}

// checkSecret says why the operator would not put a new token into the Secret, if the person may read it.
func (v *rotateVerb) checkSecret(ctx context.Context, filled v1alpha1.Instance) error {
	ref, title, secret := instance.APITokenRef(filled), advice.Title(filled), &corev1.Secret{}
	// client-go logs bodies of answers at high levels; this one must not be logged.
	err := v.cluster.Get(klog.NewContext(ctx, logr.Discard()), client.ObjectKey{Namespace: filled.GetNamespace(), Name: ref.Name}, secret)
	switch {
	case apierrors.IsForbidden(err):
		fmt.Fprintf(v.ErrOut, "note: you may not read Secret %q, so whether the operator may replace the token in it is not known. If it may not, nothing is called, and condition TokenRotated says why\n", ref.Name)
		return nil
	case apierrors.IsNotFound(err):
		return failf(advice.For(filled, v1alpha1.ReasonSecretNotFound), "%s: Secret %q is not there", title, ref.Name)
	case err != nil:
		return explain(err, title+", Secret "+ref.Name)
	}
	asItIs := func(text string) string { return text }
	switch why := instance.NotOwned(secret, ref.Key, asItIs); {
	case why != "":
		return &problem{what: title + ": " + why}
	case secret.Immutable != nil && *secret.Immutable:
		return failf("Delete it and create it without immutable", "%s: Secret %q is immutable, so a new token could not be stored", title, secret.Name)
	case !secret.DeletionTimestamp.IsZero():
		return failf("Create it anew", "%s: Secret %q is being deleted", title, secret.Name)
	}
	return nil
}

// checkGit warns of a tool that puts back what Git has. Where that is no time it would ask for another rotation.
func (v *rotateVerb) checkGit(ctx context.Context, resource v1alpha1.Instance) error {
	title, by := advice.Title(resource), undoing(ctx, v.cluster, resource, rotationField...)
	wanted := resource.Core().APITokenRotation
	switch words := wanted != nil && !instance.RotationByTime(wanted.RequestedAt); {
	case by != "" && words:
		return failf("Change it in Git, to a time such as "+instance.NextRotation(resource, v.clock.Now().Truncate(time.Second)),
			"%s: %s. The value there, %q, is no time, so putting it back would replace the token a second time", title, by, wanted.RequestedAt)
	case by != "":
		fmt.Fprintf(v.ErrOut, "warning: %s: %s. Change it in Git\n", title, by)
	case words:
		fmt.Fprintf(v.ErrOut, "warning: %s: a manifest that still has requestedAt %q replaces the token once more when it is applied, as that is no time. Take it out of there\n", title, wanted.RequestedAt)
	}
	return nil
}

// rotationQuestion says what is about to happen.
func rotationQuestion(filled v1alpha1.Instance) string {
	ref, replaced := instance.APITokenRef(filled), ""
	if earlier := instance.NewRotation(filled); earlier != "" {
		replaced = fmt.Sprintf(" The request %q, which was not carried out yet, gives way to this one.", earlier)
	}
	return fmt.Sprintf("Replace the API token of %s (instance %d)? The new one goes into key %q of Secret %q. The old one ends at once: whatever else uses it is refused until it has the new one.%s",
		advice.Title(filled), instance.Number(filled), ref.Key, ref.Name, replaced)
}

// askAttempts is how often a request is put onto a fresh copy of the resource.
const askAttempts = 5

// ask asks for a rotation, unless something else did since the resource was read: two requests are two rotations.
func (v *rotateVerb) ask(ctx context.Context, resource v1alpha1.Instance) (at string, err error) {
	handled := instance.NewRotation(resource)
	for range askAttempts {
		at = instance.NextRotation(resource, v.clock.Now())
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": resource.GetResourceVersion()},
			"spec": map[string]any{"apiTokenRotation": map[string]any{"requestedAt": at}}})
		if err != nil {
			return "", err
		}
		before := requestedAt(resource)
		err = v.cluster.Patch(ctx, resource, client.RawPatch(types.MergePatchType, patch))
		switch {
		case err == nil && requestedAt(resource) != at:
			return "", failf("Install those of this version"+doctor.HowToInstallCRDs(), "The CRDs of this cluster are older than this program: they have no spec.apiTokenRotation")
		case !apierrors.IsConflict(err):
			return at, explain(err, advice.Title(resource))
		}
		if err := v.cluster.Get(ctx, client.ObjectKeyFromObject(resource), resource); err != nil {
			return "", explain(err, advice.Title(resource))
		}
		if requestedAt(resource) != before || instance.NewRotation(resource) != handled {
			return "", failf("See what comes of it: kubectl greenapi status "+advice.Argument(resource), "%s: another rotation was asked for or carried out meanwhile, so nothing was done", advice.Title(resource))
		}
		if err := whereRotationsAreIgnored(resource); err != nil {
			return "", err
		}
	}
	return "", failf("Try again", "%s changes all the time, so nothing was done", advice.Title(resource))
}

// requestedAt is what the spec asks for.
func requestedAt(resource v1alpha1.Instance) string {
	if wanted := resource.Core().APITokenRotation; wanted != nil {
		return wanted.RequestedAt
	}
	return ""
}
