// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/origins"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/poller"
	"github.com/greenapi-operator/greenapi-operator/internal/quiet"
	"github.com/greenapi-operator/greenapi-operator/internal/restarts"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// +kubebuilder:rbac:groups=messaging.greenapi-operator.dev,resources=whatsappinstances;maxinstances;telegraminstances,verbs=get;list;watch
// +kubebuilder:rbac:groups=messaging.greenapi-operator.dev,resources=whatsappinstances/status;maxinstances/status;telegraminstances/status,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create

// Priorities of the work queue: a poll of what is in order yields to anything else.
var (
	normalPriority = 0
	pollPriority   = handler.LowPriority
)

// Options are the operator's flags that the reconciler depends on.
type Options struct {
	// DefaultAPIURL is the origin where spec.apiUrl is unset.
	DefaultAPIURL string
	// StateInterval and SettingsInterval hold where the spec has none.
	StateInterval, SettingsInterval time.Duration
	// CallTimeout is how long one call to the vendor may take.
	CallTimeout time.Duration
	// QPS bounds the calls to the vendor, all instances together; 0 is no bound.
	QPS float64
	// SecretSelector limits which Secrets are read; nil is any.
	SecretSelector labels.Selector
	// WebhookSecretSelector limits further which Secrets webhook tokens are read from; nil is any.
	WebhookSecretSelector labels.Selector
	// MaxConcurrentRestarts bounds how many instances may be restarting at once because of this operator: a number or a
	// percentage of the resources; 0 is no bound.
	MaxConcurrentRestarts intstr.IntOrString
	// FleetLabel is the label whose value says which fleet a resource belongs to; "" or a resource without it: the fleet of its namespace.
	FleetLabel string
	// Rollout says how a change goes out in a fleet.
	Rollout restarts.Rules
	// RestartSoak is how long after a restart ended well the instance has to stay authorized.
	RestartSoak time.Duration
	// AccountDetails says how much of an account shows; "" is all. A resource may want less.
	AccountDetails v1alpha1.AccountDetails
	// Limits are what decisions depend on.
	Limits plan.Limits
	// Ring is where this process is one of several shards, if it is.
	Ring sharding.Ring
	// Claims says that claims are looked after, so that a resource may name one.
	Claims bool
	// Partial says that resources of the same namespaces may be another process's, and are not in the cache.
	Partial bool
}

// Shared is what the reconcilers of all kinds share: two resources of different kinds may name one instance.
type Shared struct {
	// Kinds are the kinds that are looked after.
	Kinds   []instance.Kind
	Options Options
	// Connect returns the vendor's API of one instance. It calls nothing.
	Connect func(greenapi.Target) (Vendor, error)
	// Clock tells the time.
	Clock clock.PassiveClock
	// Client reads from the cache and writes, Live reads from the API server.
	Client client.Client
	Live   client.Reader
	// Recorder makes events.
	Recorder events.EventRecorder
	Metrics  *Metrics
	// Pause waits between two attempts to store a new token; nil waits in real time.
	Pause func(time.Duration)

	limiter    *schedule.Spacing
	ownWrites  *ownWrites
	restarts   *restarts.Budget
	fleets     *restarts.Fleets
	tokenUsers *tokenUsers
	usedTokens *usedTokens
}

// NewShared completes a Shared.
func NewShared(s Shared) *Shared {
	s.limiter, s.restarts, s.tokenUsers, s.usedTokens = schedule.NewSpacing(s.Options.QPS), restarts.NewBudget(), newTokenUsers(), newUsedTokens()
	s.fleets = restarts.NewFleets(s.Options.Rollout)
	if s.Metrics != nil {
		s.Metrics.watchWaiting(s.waiting)
	}
	// Twice the settle time, so that it is still known whose an outcome is when that time is just over.
	s.ownWrites = newOwnWrites(2 * s.Options.Limits.SettleTimeout)
	return &s
}

// Reconciler looks after the resources of one kind.
type Reconciler struct {
	*Shared
	Kind     instance.Kind
	memories *memories
	// turns are resources whose turn to be written has come.
	turns chan event.GenericEvent
	// poller looks at what is in order.
	poller *poller.Poller
	// origins bounds how many passes are out for one origin, and pollOrigins how many polls, which have workers of their own.
	origins, pollOrigins *origins.Bound
	// slowness says where histories time out.
	slowness slowness
}

// NewReconciler returns a reconciler of one kind.
func NewReconciler(shared *Shared, kind instance.Kind) *Reconciler {
	r := &Reconciler{Shared: shared, Kind: kind, memories: newMemories(), turns: make(chan event.GenericEvent, wakeups), origins: origins.New(), pollOrigins: origins.New()}
	r.poller = poller.New(shared.Clock, r.wake)
	shared.Metrics.watch(kind.Name, r.memories, shared.Clock)
	return r
}

// Reconcile makes one pass over a resource:
//
//	resolve  the spec into credentials and wished settings
//	observe  what the vendor shows, as far as it is due
//	decide   what to do about it
//	act      by at most one call that changes something
//	report   what was found in the status, in events and metrics
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	polled := r.takeBack(request.NamespacedName)
	p, err := r.startPass(ctx, request.NamespacedName)
	if apierrors.IsNotFound(err) {
		return r.cleanUp(ctx, request.NamespacedName), nil
	}
	if p == nil {
		return reconcile.Result{}, err
	}
	p.polled = polled
	finished := false
	defer func() {
		r.leaveOrigin(p)
		if !finished {
			// The API server failed, or the pass panicked, which the queue recovers from: what was read is not known.
			p.memory.schedule.ReadAll()
		}
	}()
	for _, step := range []func(context.Context, *pass) error{r.resolve, r.observe, r.decide, r.act} {
		if err := step(ctx, p); err != nil {
			if !errors.As(err, &p.end) {
				return reconcile.Result{}, err
			}
			break
		}
	}
	finished = true
	r.leaveOrigin(p)
	return r.report(ctx, p)
}

// startPass reads the resource and what is remembered of it.
func (r *Reconciler) startPass(ctx context.Context, key types.NamespacedName) (*pass, error) {
	resource, err := r.get(ctx, key)
	if err != nil {
		return nil, err
	}
	now := r.Clock.Now()
	status := *resource.InstanceStatus().DeepCopy()
	p := &pass{key: key, instance: resource, now: now, memory: r.memories.of(key, resource.GetUID(), now)}
	p.memory.wake()
	p.corrected = clampFutureTimes(&status, now, func(record *v1alpha1.ApplyRecord) bool { return r.ownWrites.holds(resource.GetUID(), record, now) })
	// Whatever becomes of the pass, what it stores shows no more than it may (R36). A first status waits for a first look.
	p.details = instance.AccountDetails(resource, r.Options.AccountDetails)
	p.hideSaidBefore(&status)
	limited := instance.LimitAccount(&status, p.details) && len(status.Conditions) > 0
	p.corrected = p.corrected || limited
	p.original, p.stored = status, status
	if !resource.GetDeletionTimestamp().IsZero() {
		// Deleting calls nothing. Whoever put a finalizer here wants the resource to stay a while, not its settings.
		r.giveUpSlot(ctx, key, now)
		if limited {
			return nil, r.save(ctx, p, status)
		}
		return nil, nil
	}
	p.readRequests()
	return p, nil
}

// cleanUp forgets a resource that was deleted. Its calls are remembered for a while even so, and one more pass follows when
// that is over: nothing stays for ever, even if this was the last resource.
func (r *Reconciler) cleanUp(ctx context.Context, key types.NamespacedName) reconcile.Result {
	now := r.Clock.Now()
	r.giveUpSlot(ctx, key, now)
	r.limiter.Sweep(now)
	r.ownWrites.sweep(now)
	if !r.memories.forget(key) {
		return reconcile.Result{}
	}
	return reconcile.Result{RequeueAfter: max(r.ownWrites.keep, r.Options.CallTimeout) + 2*schedule.CallSpacing, Priority: &pollPriority}
}

// get reads a resource from the cache, and from the API server if the cache is behind this process's own last write.
func (r *Reconciler) get(ctx context.Context, key types.NamespacedName) (v1alpha1.Instance, error) {
	instance := r.Kind.New()
	if err := r.Client.Get(ctx, key, instance); err != nil {
		return nil, err
	}
	written := r.memories.version(key, instance.GetUID(), r.Clock.Now(), r.Options.Limits.SettleTimeout)
	if written == "" {
		return instance, nil
	}
	behind, err := resourceversion.CompareResourceVersion(instance.GetResourceVersion(), written)
	if err != nil {
		return nil, fmt.Errorf("comparing resource versions of %s: %w", key, err)
	}
	if behind >= 0 {
		return instance, nil
	}
	fresh := r.Kind.New()
	return fresh, r.Live.Get(quiet.Context(ctx), key, fresh)
}
