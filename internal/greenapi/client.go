// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// maxBody is how much of an answer is read, in bytes; a longer one is unreadable.
const maxBody = 1 << 20

// Names of the vendor's methods that the client calls.
const (
	MethodGetStateInstance   = "getStateInstance"
	MethodGetSettings        = "getSettings"
	MethodSetSettings        = "setSettings"
	MethodGetWaSettings      = "getWaSettings"
	MethodGetAccountSettings = "getAccountSettings"

	MethodReboot                  = "reboot"
	MethodLogout                  = "logout"
	MethodGetIncomingStatuses     = "getIncomingStatuses"
	MethodGetStateInstanceHistory = "getStateInstanceHistory"
)

// Observer is told of every call once it is over: the method, the HTTP code or "error", and how long it took.
type Observer func(method, code string, took time.Duration)

// Options of a Client.
type Options struct {
	// Timeout of one call, from dialing to the last byte of the answer; see WithTimeout.
	Timeout time.Duration
	// AllowedHosts are the hosts a token may be sent to; see Origin.CheckAllowed.
	AllowedHosts []string
	// Insecure permits http, other ports than 443, and private and loopback addresses. The host must be allowed still.
	Insecure bool
	// Proxy is the HTTP proxy that calls go through, nil for none; see ParseProxy. The addresses of the hosts behind it
	// cannot be checked. It may hold a password: never print it.
	Proxy *url.URL
	// UserAgent is sent with every call.
	UserAgent string
	// Observer may be nil.
	Observer Observer
}

// Client calls the vendor's API. It is safe for concurrent use and makes no retries of its own.
type Client struct {
	options Options
	reading http.RoundTripper
	// headers go with every call. A transport changes none of a request.
	headers http.Header
	// room bounds the long answers that are read at once.
	room *room
	// resolver is nil for the machine's own; tests have another.
	resolver *net.Resolver
}

// New returns a client.
func New(options Options) *Client { return newClient(options, nil) }

func newClient(options Options, resolver *net.Resolver) *Client {
	c := &Client{options: options, resolver: resolver, room: newRoom(maxReading)}
	c.reading = c.newTransport()
	c.headers = http.Header{"User-Agent": {options.UserAgent}, "Accept": {"application/json"}}
	return c
}

// Instance is the API of one instance.
type Instance struct {
	client *Client
	target Target
	hidden discretion
	// partner: it is the account of a Partner, whose methods have another path.
	partner bool
}

// Instance returns the API of one instance, or an *EndpointError if its token may not be sent there. It calls
// nothing. Without a token it can make no call, and only the address is checked.
func (c *Client) Instance(target Target) (*Instance, error) {
	if err := target.Origin.CheckAllowed(c.options.AllowedHosts, c.options.Insecure); err != nil {
		return nil, err
	}
	if err := target.check(); err != nil {
		return nil, err
	}
	hidden := discretion{tokens: append([]string{target.Token}, target.Conceal...), hidesNumbers: target.HideNumbers, id: target.ID}
	for _, value := range target.Quotable {
		hidden.parts = append(hidden.parts, SecretParts(value)...)
	}
	return &Instance{client: c, target: target, hidden: hidden}, nil
}

// Conceal returns a text of the vendor's, or a fixed one if it holds a part of a secret of the target; see Conceal. Where the target
// says so, it is without numbers.
func (i *Instance) Conceal(text string) string {
	text = Conceal(text, i.hidden.tokens...)
	if i.hidden.hidesNumbers {
		text = HideNumbers(text, i.hidden.id)
	}
	return text
}

// State calls getStateInstance and returns the vendor's word for the state, or "" while the instance is being created.
func (i *Instance) State(ctx context.Context) (string, error) {
	state, err := read(ctx, i, request{method: MethodGetStateInstance}, decodeState)
	if err != nil {
		return "", err
	}
	if states.Known(state) {
		// A short webhook token may be a part of such a word, and "starting" must be understood whatever the token is.
		return state, nil
	}
	return i.hidden.message(state, maxStateLength), nil
}

// Settings calls getSettings.
func (i *Instance) Settings(ctx context.Context) (Settings, error) {
	return read(ctx, i, request{method: MethodGetSettings}, decodeSettings)
}

// Account calls the target's account method.
func (i *Instance) Account(ctx context.Context) (Account, error) {
	account, err := read(ctx, i, request{method: i.target.AccountMethod}, decodeAccount)
	if err != nil {
		return Account{}, err
	}
	if !states.Known(account.State) {
		account.State = i.hidden.message(account.State, maxStateLength)
	}
	account.Phone = i.hidden.text(account.Phone, maxPhoneLength)
	account.ChatID = i.hidden.text(account.ChatID, maxChatIDLength)
	account.DeviceID = i.hidden.text(account.DeviceID, maxDeviceLength)
	account.AvatarURL = i.hidden.link(account.AvatarURL, maxAvatarLength)
	return account, nil
}

// SetSettings calls setSettings with the given values by the vendor's names. **It restarts the instance.** It
// reports whether the vendor said yes (saveSettings true). With an error, TookNoEffect tells whether the call may have
// had its effect nevertheless.
func (i *Instance) SetSettings(ctx context.Context, values map[string]any, permit Permit) (bool, error) {
	body, err := json.Marshal(values)
	if err != nil {
		return false, &TransportError{Method: MethodSetSettings, What: "the settings cannot be written as JSON"}
	}
	return i.change(ctx, request{verb: http.MethodPost, method: MethodSetSettings, body: body}, permit, "saveSettings")
}

// Reboot calls reboot, which restarts the instance. It reports whether the vendor said yes (isReboot true). It is a GET
// with a side effect, so it goes out as SetSettings does (R21).
func (i *Instance) Reboot(ctx context.Context, permit Permit) (bool, error) {
	return i.change(ctx, request{method: MethodReboot}, permit, "isReboot")
}

// Logout calls logout, which takes the phone from the instance. It goes out as Reboot does, and reports whether the vendor said yes
// (isLogout true).
func (i *Instance) Logout(ctx context.Context, permit Permit) (bool, error) {
	return i.change(ctx, request{method: MethodLogout}, permit, "isLogout")
}

// read calls a method that changes nothing and decodes its answer.
func read[T any](ctx context.Context, i *Instance, r request, decode func(body []byte) (answer T, what string)) (T, error) {
	return decoded(ctx, i, i.client.reading, r, decode)
}

// decoded makes a call and decodes its answer. decode says, in words of this package, what makes one unreadable.
func decoded[T any](ctx context.Context, i *Instance, transport http.RoundTripper, r request, decode func(body []byte) (answer T, what string)) (T, error) {
	var answer T
	r.decode = func(body []byte) (what string) {
		answer, what = decode(body)
		return what
	}
	if err := i.call(ctx, transport, r); err != nil {
		var none T
		return none, err
	}
	return answer, nil
}

// change calls a method that changes something; see changed. The answer says yes or no by the given name.
func (i *Instance) change(ctx context.Context, r request, permit Permit, yes string) (bool, error) {
	return changed(ctx, i, r, permit, func(body []byte) (bool, string) { return decodeYes(body, yes) })
}

// changed calls a method that changes something, over a connection of its own: net/http sends a request once more when
// a kept connection turns out to be dead, which must not happen here.
func changed[T any](ctx context.Context, i *Instance, r request, permit Permit, decode func(body []byte) (answer T, what string)) (T, error) {
	guard := &guardedConn{permit: permit}
	transport := i.client.newTransport()
	transport.DisableKeepAlives = true
	transport.ForceAttemptHTTP2 = false
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		guard.Conn = conn
		return guard, nil
	}
	defer transport.CloseIdleConnections()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { guard.began.Store(true) },
	})
	r.guard = guard
	return decoded(ctx, i, transport, r, decode)
}
