// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
)

// stateAuthorized is the vendor's word for an instance with a phone, of which deleting the instance would leave the session behind
// (green-api/issues #615).
const stateAuthorized = "authorized"

// end looks after a claim that is being deleted: where it and the account say so its instance is deleted first (P11).
func (r *Reconciler) end(ctx context.Context, p *pass) (found, error) {
	if !controllerutil.ContainsFinalizer(p.claim, v1alpha1.ClaimFinalizer) {
		return gone, nil
	}
	if !p.memory.deleting {
		p.memory.deleting, p.memory.since, p.memory.missing = true, p.now, partner.Lacking{}
	}
	account := &v1alpha1.PartnerAccount{}
	err := r.Client.Get(ctx, types.NamespacedName{Name: p.claim.Spec.AccountRef.Name}, account)
	if client.IgnoreNotFound(err) != nil {
		return nothing, err
	}
	p.account = account
	p.name = p.claim.InstanceName(account.Spec.OwnerKey)
	switch {
	case err != nil, p.claim.Spec.DeletionPolicy != v1alpha1.DeletionDelete, account.Spec.Mode != v1alpha1.ModeCreateAndDelete:
		return r.release(ctx, p, "The instance stays: the claim, or its account, no longer says that it is to be deleted")
	case p.id() == 0 && (p.status.Create == nil || p.status.Create.Outcome == v1alpha1.ClaimRejected):
		return r.release(ctx, p, "")
	case !p.now.Before(p.claim.DeletionTimestamp.Add(partner.AbandonAfter)):
		r.Metrics.abandoned()
		r.warn(p, "DeletionAbandoned", "Delete", fmt.Sprintf("Instance %d (%s) could not be deleted for a day and is paid for still: delete it in the vendor's console", p.id(), p.name))
		return r.release(ctx, p, "")
	}
	rival, err := r.rival(ctx, p)
	switch {
	case err != nil:
		return nothing, err
	case rival != "":
		return r.release(ctx, p, fmt.Sprintf("The instance stays: InstanceClaim %s has its name", rival))
	}
	r.takeList(p)
	return r.endInstance(ctx, p)
}

// endInstance does what the list says of the instance that is to be deleted.
func (r *Reconciler) endInstance(ctx context.Context, p *pass) (found, error) {
	p.wants = partner.Interest{Name: p.name, ID: p.id(), Messenger: p.account.Spec.Messenger, ListAt: p.memory.since}
	p.again = settledLook
	e := partner.Ending{Name: p.name, ID: p.id()}
	if record := p.status.Create; record != nil {
		e.BoughtBy = r.request(p).Ended
	}
	if record := p.status.Delete; record != nil {
		e.Outcome, e.Ended = partner.Open, r.endOf(timeOf(record.StartedTime))
		if record.FinishedTime != nil {
			e.Ended = record.FinishedTime.Time
		}
	}
	if p.list != nil {
		p.wants.ListAt = p.list.Begun.Add(p.untilNextLook())
		p.lacks(e)
	}
	switch step, id := e.Decide(p.list, p.absence(e)); step {
	case partner.Done:
		return r.release(ctx, p, "The instance is deleted at the vendor")
	case partner.LetGo:
		return r.release(ctx, p, fmt.Sprintf("Instance %d stays: it has another name at the vendor than %q", id, p.name))
	case partner.Delete:
		p.status.IDInstance = id
		return r.deleteInstance(ctx, p, id)
	case partner.LookAgain:
	}
	return deletes("The list of instances is read to see what became of the instance"), nil
}

// soonFor is how long after an instance was bought, or its claim deleted, the account's list is read every minute to see what became of it.
const soonFor = 15 * time.Minute

func (p *pass) untilNextLook() time.Duration {
	if p.now.Sub(p.claim.DeletionTimestamp.Time) < soonFor {
		return time.Minute
	}
	return settledLook
}

// lacks counts a list that lacks the instance.
func (p *pass) lacks(e partner.Ending) {
	if e.ID == 0 {
		if len(p.list.Living(p.name)) == 0 {
			p.memory.absent.Note(p.list.Begun, 0)
		}
		return
	}
	if _, there := p.list.ByID(e.ID); !there {
		p.memory.missing.Note(p.list.Begun, partner.MissingApart)
	}
}

func (p *pass) absence(e partner.Ending) *partner.Lacking {
	if e.ID == 0 {
		return &p.memory.absent
	}
	return &p.memory.missing
}

// deleteInstance logs the phone out, once, and deletes the instance, after it has stored that it is about to.
func (r *Reconciler) deleteInstance(ctx context.Context, p *pass, id int64) (found, error) {
	if p.seller == nil {
		return deletes("The account cannot be used now"), nil
	}
	if !p.memory.triedLogout {
		p.memory.triedLogout = true
		r.logout(ctx, p, id)
	}
	permit := greenapi.NewPermit(r.Options.CallTimeout)
	attempt := int32(1)
	if p.status.Delete != nil {
		attempt = p.status.Delete.Attempt + 1
	}
	p.status.Delete = &v1alpha1.DeleteRecord{Attempt: attempt, StartedTime: &metav1.Time{Time: r.Clock.Now()}, Outcome: v1alpha1.ClaimPending}
	p.show(deletes("The instance is being deleted at the vendor"))
	if err := r.intend(ctx, p); err != nil {
		return nothing, err
	}
	if ctx.Err() != nil {
		return nothing, ctx.Err()
	}
	yes, err := p.seller.Delete(ctx, id, permit)
	p.now = r.Clock.Now()
	p.memory.since = p.now
	p.wants.ListAt = p.now
	record := p.status.Delete
	record.FinishedTime = timeNow(p)
	switch {
	case err == nil && yes:
		record.Outcome = v1alpha1.ClaimDeleted
		return deletes("The vendor said that the instance is deleted, and its list is read to see it"), nil
	case err == nil || greenapi.TookNoEffect(err):
		record.Outcome = v1alpha1.ClaimRejected
		return deletes("The vendor did not delete the instance; it is tried again in half an hour: %v", refusalOf(err)), nil
	}
	record.Outcome = v1alpha1.ClaimUnknown
	return deletes("Whether the vendor deleted the instance is not known, and its list is read to see it: %v", err), nil
}

// refusalOf is why the vendor did not do what it was asked for.
func refusalOf(err error) error {
	if err == nil {
		return errors.New("it said no")
	}
	return err
}

// logout takes the phone from an instance that has one. Whatever comes of it, the instance is deleted.
func (r *Reconciler) logout(ctx context.Context, p *pass, id int64) {
	secret, err := r.readSecret(ctx, p)
	if err != nil || secret == nil || secret.Labels[v1alpha1.ClaimLabel] != p.claim.Name {
		return
	}
	origin, err := greenapi.ParseOrigin(p.status.APIURL)
	if err != nil {
		return
	}
	line, err := r.Connect(greenapi.Target{Origin: origin, ID: id, Token: string(secret.Data[v1alpha1.DefaultAPITokenKey]), Prefix: instance.PrefixOf(p.account.Spec.Messenger)})
	if err != nil {
		return
	}
	if state, err := line.State(ctx); err != nil || state != stateAuthorized {
		return
	}
	if _, err := line.Logout(ctx, greenapi.NewPermit(r.Options.CallTimeout)); err != nil {
		r.warn(p, "LogoutFailed", "Delete", "The phone could not be logged out before the instance is deleted; its session may stay: "+err.Error())
	}
}

// release lets a claim go, and says why if there is anything to say.
func (r *Reconciler) release(ctx context.Context, p *pass, why string) (found, error) {
	changed := p.claim.DeepCopy()
	controllerutil.RemoveFinalizer(changed, v1alpha1.ClaimFinalizer)
	err := r.Client.Patch(ctx, changed, client.MergeFromWithOptions(p.claim, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsNotFound(err) {
		err = nil
	}
	if err == nil && why != "" {
		r.Recorder.Eventf(p.claim, nil, corev1.EventTypeNormal, "ClaimReleased", "Delete", "%s", why)
	}
	return gone, err
}
