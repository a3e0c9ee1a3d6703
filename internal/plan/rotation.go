// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

const (
	// answerLostFor is how long after the intent the old token says nothing about a rotation whose outcome is not known (P17).
	answerLostFor = time.Minute
	// refusedLooks is how many looks must refuse the old token before it counts as dead, and refusedApart how far they are apart.
	refusedLooks = 3
	refusedApart = 20 * time.Second
	// claimPatience is how long a claim has to find the new token, and claimAskEvery how often it is asked.
	claimPatience = 30 * time.Minute
	claimAskEvery = 10 * time.Minute
	// claimLook is how often the old token is tried meanwhile.
	claimLook = time.Minute
)

// TokenKey tells one API token from another: 8 hexadecimal digits of HMAC-SHA-256 of a constant, keyed with the token.
func TokenKey(apiToken string) string { return tokenDigest(keyedWith, apiToken)[:keyDigits] }

// RotationInput is all that the decision about a rotation depends on, once the vendor has accepted a token at Now.
type RotationInput struct {
	Now    time.Time
	Record *v1alpha1.RotationRecord
	// Requested reports whether a rotation is asked for that was not handled yet.
	Requested bool
	// TokenKey tells which token was accepted. Made: it is the one that this process got from the vendor.
	TokenKey string
	Made     bool
	// State is the vendor's word for the state.
	State string
	// Creating: the instance was bought just now. WriteOpen: the outcome of a setSettings is open.
	Creating, WriteOpen bool
	// LastReboot is when this operator rebooted the instance, zero if never.
	LastReboot time.Time
	Limits     Limits
}

// RotationDecision is what to do about a rotation.
type RotationDecision struct {
	// Outcome is what has become known of the recorded one, "" for nothing.
	Outcome v1alpha1.RotationOutcome
	// Rotate now.
	Rotate bool
	// Held is what holds a rotation that is asked for.
	Held Hold
	// LookAgain is how soon to look again; 0 means at the ordinary interval.
	LookAgain time.Duration
}

// DecideRotation says what an accepted token means for the recorded rotation, or whether to begin another (P16, P17).
func DecideRotation(in RotationInput) RotationDecision {
	if record := in.Record; record.Open() || record.Lost() {
		switch rest := in.unknownFor(); {
		case in.TokenKey != record.ReplacedTokenKey && in.Made:
			return RotationDecision{Outcome: v1alpha1.RotationRotated}
		case in.TokenKey != record.ReplacedTokenKey:
			return RotationDecision{Outcome: v1alpha1.RotationRecovered}
		case rest > 0 && record.Open():
			// The call may be under way still.
			return RotationDecision{LookAgain: rest}
		default:
			return RotationDecision{Outcome: v1alpha1.RotationNotRotated}
		}
	}
	if !in.Requested {
		return RotationDecision{}
	}
	if hold := in.held(); hold.By != "" {
		return RotationDecision{Held: hold, LookAgain: hold.For}
	}
	return RotationDecision{Rotate: true}
}

// held says whether a rotation waits: a call that is under way, or its end, would be made with a token that is dead by then.
func (in RotationInput) held() Hold {
	switch {
	case states.Of(in.State).Restarting, in.Creating:
		return Hold{By: HeldByStart, For: in.Limits.SettlePoll}
	case in.WriteOpen:
		return Hold{By: HeldByWrite, For: in.Limits.SettlePoll}
	default:
		return HoldFor(HeldByReboot, min(in.LastReboot.Add(in.Limits.SettleTimeout).Sub(in.Now), in.Limits.SettlePoll))
	}
}

func (in RotationInput) unknownFor() time.Duration { return unknownFor(in.Record, in.Now) }

func unknownFor(record *v1alpha1.RotationRecord, now time.Time) time.Duration {
	if record.StartedTime == nil {
		return 0
	}
	// A time in the future counts as now (R16).
	return min(record.StartedTime.Add(answerLostFor).Sub(now), answerLostFor)
}

// Refusals are the looks at which the vendor refused the token that was to be replaced, and what was done about them.
type Refusals struct {
	count             int
	last              time.Time
	firstAsk, lastAsk time.Time
}

// RefusedDecision is what to do once the vendor has refused the token that was to be replaced.
type RefusedDecision struct {
	// Lost: nobody here knows the token.
	Lost bool
	// AskClaim: have the claim look up the token in the list of its account.
	AskClaim bool
	// LookAgain is how soon to try the token again.
	LookAgain time.Duration
}

// Note takes a refusal down and says what follows (P17). claimed: a claim may find the new token.
func (r *Refusals) Note(record *v1alpha1.RotationRecord, now time.Time, claimed bool) RefusedDecision {
	if rest := unknownFor(record, now); rest > 0 {
		return RefusedDecision{LookAgain: rest}
	}
	if record.Lost() {
		return RefusedDecision{Lost: true}
	}
	if r.last.IsZero() || now.Sub(r.last) >= refusedApart {
		r.count, r.last = r.count+1, now
	}
	switch {
	case r.count < refusedLooks:
		return RefusedDecision{LookAgain: max(refusedApart-now.Sub(r.last), time.Second)}
	case !claimed:
		return RefusedDecision{Lost: true}
	case r.firstAsk.IsZero():
		return RefusedDecision{AskClaim: true, LookAgain: claimLook}
	case now.Sub(r.firstAsk) >= claimPatience:
		return RefusedDecision{Lost: true}
	default:
		return RefusedDecision{AskClaim: now.Sub(r.lastAsk) >= claimAskEvery, LookAgain: claimLook}
	}
}

// Asked notes that the claim was asked.
func (r *Refusals) Asked(now time.Time) {
	if r.firstAsk.IsZero() {
		r.firstAsk = now
	}
	r.lastAsk = now
}
