// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/schedule"
)

// Vendor is what the reconciler needs of the vendor's API of one instance.
type Vendor interface {
	Reader
	Historian
	Writer
}

// Reader is the part of the vendor's API that changes nothing.
type Reader interface {
	State(ctx context.Context) (string, error)
	Settings(ctx context.Context) (greenapi.Settings, error)
	Account(ctx context.Context) (greenapi.Account, error)
	IncomingStatuses(ctx context.Context, window time.Duration) (greenapi.StatusSummary, error)
	// Peek makes the call of one of the first three, or of the history, and decodes nothing.
	Peek(ctx context.Context, method string) *greenapi.Answer
}

// Historian is the part of the vendor's API that tells how the state changed.
type Historian interface {
	StateHistory(ctx context.Context) ([]greenapi.StateChange, error)
}

// Writer is the part of the vendor's API that changes something. A call goes out only while its permit is valid.
type Writer interface {
	SetSettings(ctx context.Context, values map[string]any, permit greenapi.Permit) (bool, error)
	Reboot(ctx context.Context, permit greenapi.Permit) (bool, error)
	UpdateAPIToken(ctx context.Context, permit greenapi.Permit) (greenapi.Secret, error)
}

// pass is what one Reconcile gathers. Each group of fields is filled by the step that is named above it and only read by the
// later ones. What is stored on the way (an intent, a first status) becomes the new instance and stored, observe sets now to when
// the readings were complete, decide may still find a reason for tokenHold, and act takes a decision back that something holds.
type pass struct {
	// startPass
	key      types.NamespacedName
	instance v1alpha1.Instance
	// original is the status at the beginning of the pass, stored the one that was last read or written.
	original, stored v1alpha1.InstanceStatus
	// corrected: times in the stored status were set right, or it showed too much of the account, which is to be written even if nothing
	// else changed.
	corrected bool
	// details are how much of the account may show.
	details v1alpha1.AccountDetails
	now     time.Time
	memory  *memory
	// polled is what the poller had of the resource.
	polled *watched

	// resolve
	// claim is the one that the spec names, once it has the instance; ownURL is the address that the spec itself names then.
	claim    *v1alpha1.InstanceClaim
	ownURL   string
	id       keys.Instance
	origin   greenapi.Origin
	desired  plan.Desired
	resolved bool
	owns     bool
	// mismatched: the instance is of another messenger by the latest reading that named one.
	mismatched bool
	// accepted: the vendor accepted a token of this resource at this origin.
	accepted  bool
	vendor    Vendor
	secrets   []string // what no text that is shown may hold
	requested string   // a new value of the annotation reconcile-requested-at
	// tokenHold says why the webhook token is not known, tokenGrace how long that is nobody's mistake yet.
	tokenHold  *stalled
	tokenGrace time.Duration

	// observe and act
	// putOff: too many workers are out for the origin. called: a call was made, of which the slowest took so long.
	putOff, called bool
	slowest        time.Duration

	// observe
	// asked: a person asks for everything to be read. tried: a look was made, whatever came of it.
	asked, tried bool
	// answers are those that the poller handed over, so that no calls are made for them.
	answers  map[string]*greenapi.Answer
	looked   schedule.Looks
	state    string
	settings greenapi.Settings
	observed plan.Observed // the managed ones of them
	account  *greenapi.Account
	// accountErr is a failure of the account method alone, which holds nothing back; settingsErr says why the settings are not read
	// for a while.
	accountErr, settingsErr error
	// past is what the vendor's history told, nil if it was not read.
	past *past
	// statuses sums up the statuses of contacts if they were read, statusesErr says why they could not be.
	statuses    *greenapi.StatusSummary
	statusesErr error

	// decide
	decision *plan.Decision
	// window is when maintenance windows let a restart begin.
	window plan.Window

	// startPass, decide and act
	reboot   reboot
	apply    request
	rotation rotation

	// act
	turn turn

	// act
	before plan.History // what the intent replaced
	// failing are the methods of which a call is wanted and not taken.
	failing      []string
	applyMessage string // the vendor's message with a refusal

	// end is how the pass ended, nil if every step was taken.
	end passEnd
}

func (p *pass) core() *v1alpha1.InstanceSpec { return p.instance.Core() }

func (p *pass) generation() int64 { return p.instance.GetGeneration() }

// tokenUnknown reports whether the webhook token is not known, so that nothing is written.
func (p *pass) tokenUnknown() bool { return p.tokenHold != nil }

// newRequest reports whether the annotation reconcile-requested-at holds a value that was not acted on yet.
func (p *pass) newRequest() bool { return p.requested != "" }

// hidesNumbers reports whether nothing that the vendor says may show a phone number.
func (p *pass) hidesNumbers() bool { return p.details != v1alpha1.AccountFull }

// hideSaidBefore takes numbers out of what the vendor said while all of the account might show: a refusal stays in conditions until
// somebody has acted. The times that this operator writes into some are of its own, and stay.
func (p *pass) hideSaidBefore(status *v1alpha1.InstanceStatus) {
	if !p.hidesNumbers() || status.AccountDetails != "" {
		return
	}
	hide := func(text string) string { return greenapi.HideNumbers(text, instance.Number(p.instance)) }
	for i := range status.Conditions {
		if c := &status.Conditions[i]; c.Type != v1alpha1.AvailableCondition && c.Reason != v1alpha1.ReasonOutsideWindow {
			c.Message = hide(c.Message)
		}
	}
	for i := range status.PendingChanges {
		status.PendingChanges[i].Observed = hide(status.PendingChanges[i].Observed)
	}
	status.StateInstance = hide(status.StateInstance)
}

// conceal makes a value of the vendor's fit to be shown.
func (p *pass) conceal(text string) string {
	text = greenapi.Conceal(text, p.secrets...)
	if p.hidesNumbers() {
		text = greenapi.HideNumbers(text, instance.Number(p.instance))
	}
	return text
}
