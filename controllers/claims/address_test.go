// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers/claims"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// host is an API of an instance that answers always the same.
type host struct{ err error }

func (h host) State(context.Context) (string, error) { return "", h.err }

func (h host) Logout(context.Context, greenapi.Permit) (bool, error) { return false, h.err }

// TestP10TheAddressIsGuessed where the vendor names none: the other domain is taken only if that knows the instance.
func TestP10TheAddressIsGuessed(t *testing.T) {
	t.Parallel()
	unknown := &greenapi.StatusError{Method: "getStateInstance", Code: 404, Cause: greenapi.CauseNotFound}
	refused := &greenapi.StatusError{Method: "getStateInstance", Code: 401, Cause: greenapi.CauseUnauthorized}
	away := &greenapi.TransportError{Method: "getStateInstance", What: "there is no such host"}
	const one, other = "https://7107.api.green-api.com", "https://7107.api.greenapi.com"
	for name, test := range map[string]struct {
		first, second error
		want          string
	}{
		"the first knows it":                      {nil, unknown, one},
		"the first refuses it still":              {refused, nil, one},
		"the first cannot be reached":             {away, nil, one},
		"the second knows it":                     {unknown, nil, other},
		"the second refuses it still":             {unknown, refused, other},
		"neither knows it yet":                    {unknown, unknown, one},
		"the first does not know it yet, no more": {unknown, away, one},
	} {
		w := newWorld(t, nil)
		w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.APIURL = emulator.APIURLNone })
		reconciler := w.reconciler()
		reconciler.Connect = func(target greenapi.Target) (claims.Line, error) {
			if target.Origin.String() == one {
				return host{test.first}, nil
			}
			return host{test.second}, nil
		}
		key := w.claim("support-line", nil)
		w.forward(time.Minute)
		w.Expect(w.get(key).Status.APIURL).To(Equal(test.want), name)
	}
}

// TestP10TheRowIsAskedBeforeAnAddressIsGuessed: the answer of createInstance may lack what the list has. The token is stored meanwhile, and
// nobody is called at an address that was only guessed.
func TestP10TheRowIsAskedBeforeAnAddressIsGuessed(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, 30 * time.Second} {
		w := newWorld(t, nil)
		w.line(710700000001, "Support VIP") // What the account is known by.
		w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.APIURL, a.Behavior.Late = emulator.APIURLNone, late })
		reconciler := w.reconciler()
		connect, called := reconciler.Connect, []string{}
		reconciler.Connect = func(target greenapi.Target) (claims.Line, error) {
			called = append(called, target.Origin.String())
			return connect(target)
		}
		key := w.claim("support-line", nil)
		for w.calls("createInstance") == 0 {
			w.forward(time.Second)
		}
		w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.APIURL = "" })
		w.forward(time.Second)
		w.expect(key, v1alpha1.CreatedCondition, "False CreatePending")
		w.Expect(w.secret("support-line-greenapi")).To(SatisfyAll(HaveKey("apiTokenInstance"), HaveKeyWithValue("apiUrl", "")))
		w.forward(time.Minute + 2*late)
		w.expect(key, v1alpha1.CreatedCondition, "True Succeeded")
		w.Expect(w.get(key).Status.APIURL).To(Equal(w.url))
		w.Expect(w.secret("support-line-greenapi")).To(HaveKeyWithValue("apiUrl", w.url))
		w.Expect(called).To(HaveEach(w.url))
		w.Expect(w.calls("createInstance")).To(Equal(1))
	}
}

// TestP10ARequestGuessesAnew: what was taken while neither host knew the instance is not for ever.
func TestP10ARequestGuessesAnew(t *testing.T) {
	t.Parallel()
	unknown := &greenapi.StatusError{Method: "getStateInstance", Code: 404, Cause: greenapi.CauseNotFound}
	const one, other = "https://7107.api.green-api.com", "https://7107.api.greenapi.com"
	w := newWorld(t, nil)
	w.vendor.UpdateAccount("reseller", func(a *emulator.Account) { a.Behavior.APIURL = emulator.APIURLNone })
	reconciler := w.reconciler()
	answers := map[string]error{one: unknown, other: unknown}
	reconciler.Connect = func(target greenapi.Target) (claims.Line, error) { return host{answers[target.Origin.String()]}, nil }
	key := w.claim("support-line", nil)
	w.forward(11 * time.Minute)
	ask := func(value string) {
		w.edit(key, func(c *v1alpha1.InstanceClaim) {
			c.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: value}
		})
		w.forward(time.Minute)
		w.Expect(w.get(key).Status.LastHandledReconcileAt).To(Equal(value))
	}
	answers[other] = nil
	ask("the other knows it now")
	w.Expect(w.get(key).Status.APIURL).To(Equal(other))
	w.Expect(w.secret("support-line-greenapi")).To(HaveKeyWithValue("apiUrl", other))
	answers[one] = nil
	ask("both know it")
	w.Expect(w.get(key).Status.APIURL).To(Equal(other), "what works stays")
}
