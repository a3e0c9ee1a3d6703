// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"cmp"
	"context"
	"errors"
	"strconv"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// locate takes down where the instance is served. An answer that does not say it is followed by the list, which may: until the instance
// shows there, the address stays unknown, and nothing is sent to one that was guessed.
func (r *Reconciler) locate(ctx context.Context, p *pass, line greenapi.Created) found {
	if line.APIURL == "" && p.status.APIURL == "" && !p.listed(line.ID) {
		return nothing
	}
	url, problem := r.address(ctx, p, line)
	if problem == nothing {
		p.status.APIURL = url
	}
	return problem
}

// listed reports whether the last good list has an instance.
func (p *pass) listed(id int64) bool {
	if p.latest == nil {
		return false
	}
	_, there := p.latest.ByID(id)
	return there
}

// address is where the instance is served: where the answer or the list say, or else on the host that its number begins with (P10).
func (r *Reconciler) address(ctx context.Context, p *pass, line greenapi.Created) (string, found) {
	text := cmp.Or(line.APIURL, p.status.APIURL)
	if line.APIURL == "" && p.request != "" && p.claim.Status.APIURL != "" {
		// Somebody asks: what was guessed while no host knew the instance yet may be the wrong one.
		if url, problem := r.guessed(ctx, p, line); problem == nothing && r.unknownAt(ctx, p, text, line) {
			text = url
		}
	}
	if text != "" {
		origin, err := greenapi.ParseOrigin(text)
		if err == nil {
			_, err = r.Connect(greenapi.Target{Origin: origin, ID: line.ID})
		}
		if err != nil {
			return "", stalls(v1alpha1.ReasonEndpointNotAllowed, "Instance %d is there, and the vendor says that it is served where its token may not be sent: %s. If the host is the vendor's, add it to the operator's --allowed-api-hosts", line.ID, err.Error())
		}
		return origin.String(), nothing
	}
	return r.guessed(ctx, p, line)
}

// guessed derives the address from the number of an instance. Two domains are the vendor's; one that answers with the page of an
// unknown address is not the one.
func (r *Reconciler) guessed(ctx context.Context, p *pass, line greenapi.Created) (string, found) {
	digits := strconv.FormatInt(line.ID, 10)
	pool := digits[:min(len(digits), 4)]
	var refused error
	first := ""
	for _, domain := range []string{".api.green-api.com", ".api.greenapi.com"} {
		origin, err := greenapi.ParseOrigin("https://" + pool + domain)
		if err != nil {
			refused = err
			continue
		}
		api, err := r.Connect(greenapi.Target{Origin: origin, ID: line.ID, Token: line.Token.Reveal(), Prefix: instance.PrefixOf(p.account.Spec.Messenger)})
		if err != nil {
			refused = err
			continue
		}
		first = cmp.Or(first, origin.String())
		if line.Token == (greenapi.Secret{}) {
			break
		}
		if _, err = api.State(ctx); !unknownAddress(err) && (first == origin.String() || answered(err)) {
			return origin.String(), nothing
		}
	}
	if first == "" {
		return "", stalls(v1alpha1.ReasonEndpointNotAllowed, "Instance %d is there, and its token may not be sent to the host that its number begins with: %v. Add it to the operator's --allowed-api-hosts", line.ID, refused)
	}
	return first, nothing
}

// unknownAt reports whether there is nothing at an address of an instance.
func (r *Reconciler) unknownAt(ctx context.Context, p *pass, address string, line greenapi.Created) bool {
	origin, err := greenapi.ParseOrigin(address)
	if err != nil {
		return true
	}
	api, err := r.Connect(greenapi.Target{Origin: origin, ID: line.ID, Token: line.Token.Reveal(), Prefix: instance.PrefixOf(p.account.Spec.Messenger)})
	if err != nil {
		return true
	}
	_, err = api.State(ctx)
	return unknownAddress(err)
}

// unknownAddress reports whether an error is the page that says that there is nothing at an address.
func unknownAddress(err error) bool {
	status, ok := errors.AsType[*greenapi.StatusError](err)
	return ok && status.Cause == greenapi.CauseNotFound
}

// answered reports whether the vendor said anything at all. A host that cannot be reached is no better than one that does not know the
// instance yet.
func answered(err error) bool {
	_, cut := errors.AsType[*greenapi.TransportError](err)
	_, refused := errors.AsType[*greenapi.EndpointError](err)
	return !cut && !refused
}
