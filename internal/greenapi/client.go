// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"time"
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

	MethodReboot              = "reboot"
	MethodGetIncomingStatuses = "getIncomingStatuses"
)

// Observer is told of every call once it is over: the method, the HTTP code or "error", and how long it took.
type Observer func(method, code string, took time.Duration)

// Options of a Client.
type Options struct {
	// Timeout of one call, from dialing to the last byte of the answer.
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
	// resolver is nil for the machine's own; tests have another.
	resolver *net.Resolver
}

// New returns a client.
func New(options Options) *Client { return newClient(options, nil) }

func newClient(options Options, resolver *net.Resolver) *Client {
	c := &Client{options: options, resolver: resolver}
	c.reading = c.newTransport()
	return c
}

// Instance is the API of one instance.
type Instance struct {
	client *Client
	target Target
	hidden discretion
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
	hidden := discretion{tokens: append([]string{target.Token}, target.Conceal...)}
	for _, value := range target.Quotable {
		hidden.parts = append(hidden.parts, SecretParts(value)...)
	}
	return &Instance{client: c, target: target, hidden: hidden}, nil
}

// Conceal returns a text of the vendor's, or a fixed one if it holds a part of a secret of the target; see Conceal.
func (i *Instance) Conceal(text string) string { return Conceal(text, i.hidden.tokens...) }

// State calls getStateInstance and returns the vendor's word for the state, or "" while the instance is being created.
func (i *Instance) State(ctx context.Context) (string, error) {
	body, err := i.read(ctx, MethodGetStateInstance)
	if err != nil {
		return "", err
	}
	state, what := decodeState(body)
	if what != "" {
		return "", &UnreadableError{Method: MethodGetStateInstance, What: what}
	}
	if States[state] {
		// A short webhook token may be a part of such a word, and "starting" must be understood whatever the token is.
		return state, nil
	}
	return i.hidden.text(state, maxStateLength), nil
}

// Settings calls getSettings.
func (i *Instance) Settings(ctx context.Context) (Settings, error) {
	body, err := i.read(ctx, MethodGetSettings)
	if err != nil {
		return nil, err
	}
	settings, what := decodeSettings(body)
	if what != "" {
		return nil, &UnreadableError{Method: MethodGetSettings, What: what}
	}
	return settings, nil
}

// Account calls the target's account method.
func (i *Instance) Account(ctx context.Context) (Account, error) {
	body, err := i.read(ctx, i.target.AccountMethod)
	if err != nil {
		return Account{}, err
	}
	account, what := decodeAccount(body)
	if what != "" {
		return Account{}, &UnreadableError{Method: i.target.AccountMethod, What: what}
	}
	if !States[account.State] {
		account.State = i.hidden.text(account.State, maxStateLength)
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
	answer, err := i.change(ctx, http.MethodPost, MethodSetSettings, body, permit)
	if err != nil {
		return false, err
	}
	yes, what := decodeYes(answer, "saveSettings")
	if what != "" {
		return false, &UnreadableError{Method: MethodSetSettings, What: what}
	}
	return yes, nil
}

// Reboot calls reboot, which restarts the instance. It reports whether the vendor said yes (isReboot true). It is a GET
// with a side effect, so it goes out as SetSettings does (R21).
func (i *Instance) Reboot(ctx context.Context, permit Permit) (bool, error) {
	body, err := i.change(ctx, http.MethodGet, MethodReboot, nil, permit)
	if err != nil {
		return false, err
	}
	yes, what := decodeYes(body, "isReboot")
	if what != "" {
		return false, &UnreadableError{Method: MethodReboot, What: what}
	}
	return yes, nil
}

// read calls a method that changes nothing.
func (i *Instance) read(ctx context.Context, method string) ([]byte, error) {
	return i.call(ctx, i.client.reading, request{verb: http.MethodGet, method: method})
}

// change calls a method that changes something, over a connection of its own: net/http sends a request once more when
// a kept connection turns out to be dead, which must not happen here.
func (i *Instance) change(ctx context.Context, verb, method string, body []byte, permit Permit) ([]byte, error) {
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
	return i.call(ctx, transport, request{verb: verb, method: method, body: body, guard: guard})
}

// request is one call to be made.
type request struct {
	verb, method string
	body         []byte
	// query of the URL, with its question mark.
	query string
	// guard is the connection of a method that changes something, nil for one that only reads.
	guard *guardedConn
	// consume reads the body of a successful answer as a stream; nil to have it returned.
	consume func(io.Reader) error
}

// call makes one request and returns the body of a successful answer. Its errors hold nothing of the URL, the body or
// the error of net/http.
func (i *Instance) call(ctx context.Context, transport http.RoundTripper, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, i.client.options.Timeout)
	defer cancel()
	started, code := time.Now(), "error"
	defer func() {
		if i.client.options.Observer != nil {
			i.client.options.Observer(r.method, code, time.Since(started))
		}
	}()

	if i.target.Token == "" {
		return nil, &TransportError{Method: r.method, What: "there is no token to call with"}
	}
	httpRequest, err := http.NewRequestWithContext(ctx, r.verb, i.url(r.method)+r.query, bytes.NewReader(r.body))
	if err != nil {
		return nil, &TransportError{Method: r.method, What: "the request cannot be made"}
	}
	httpRequest.Header.Set("User-Agent", i.client.options.UserAgent)
	httpRequest.Header.Set("Accept", "application/json")
	if r.body != nil {
		httpRequest.Header.Set("Content-Type", "application/json")
	}
	response, err := transport.RoundTrip(httpRequest)
	if err != nil {
		return nil, callError(r.method, err, r.guard)
	}
	defer func() { _ = response.Body.Close() }()
	code = strconv.Itoa(response.StatusCode)
	if response.StatusCode < http.StatusOK {
		// The body of 101 is the bare connection, which no time-out ends.
		return nil, &UnreadableError{Method: r.method, What: "it is of another protocol"}
	}
	if r.consume != nil && response.StatusCode < http.StatusMultipleChoices {
		return nil, r.consume(response.Body)
	}
	answer, err := readBody(response)
	if response.StatusCode >= http.StatusMultipleChoices {
		// Whatever could be read of a failed answer's body is enough: the code alone says what to do.
		return nil, i.statusError(r.method, response, answer)
	}
	if err != nil {
		return nil, callError(r.method, err, r.guard)
	}
	if len(answer) > maxBody {
		return nil, &UnreadableError{Method: r.method, What: "it is longer than 1 MiB"}
	}
	if inBody := codeInBody(answer); inBody != 0 {
		code = strconv.Itoa(inBody)
		return nil, i.failure(r.method, inBody, answer)
	}
	return answer, nil
}

// usualBody is for how much of an answer there is room before it has come, whatever its length is said to be.
const usualBody = 16 << 10

// readBody reads an answer, up to one byte more than maxBody.
func readBody(response *http.Response) ([]byte, error) {
	var answer bytes.Buffer
	answer.Grow(int(min(max(response.ContentLength, 0), usualBody)) + bytes.MinRead)
	_, err := answer.ReadFrom(io.LimitReader(response.Body, maxBody+1))
	return answer.Bytes(), err
}
