// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

// Names of the vendor's methods of a partner account, and of the one that gives an instance another token.
const (
	MethodGetInstances          = "getInstances"
	MethodCreateInstance        = "createInstance"
	MethodDeleteInstanceAccount = "deleteInstanceAccount"
	MethodUpdateAPIToken        = "updateApiToken"
)

// showsTokens are the methods whose answers hold tokens that nobody here knows yet, so that they cannot be searched for.
var showsTokens = map[string]bool{MethodGetInstances: true, MethodCreateInstance: true, MethodUpdateAPIToken: true}

// likeToken finds what may be a token in a text of lower case: the vendor's have 50 digits in a row.
var likeToken = regexp.MustCompile(`[0-9a-z]{24}`)

// likePartnerToken finds what begins as a partner token does, with eight characters of it.
var likePartnerToken = regexp.MustCompile(`gac\.[0-9a-z._~-]{8}`)

// PartnerTarget is a partner account and how to reach it.
type PartnerTarget struct {
	// Origin of the API that serves the account.
	Origin Origin
	// Token is the partner token. Who has it can spend money, and read the token of every instance of the account.
	Token string
}

// Partner is the API of a partner account: it lists, creates and deletes instances. Its calls go over the connections of
// Instance, with all that holds for them.
type Partner struct{ api Instance }

// Partner returns the API of a partner account, or an *EndpointError if its token may not be sent there. It calls nothing.
// Without a token it can make no call, and only the address is checked.
func (c *Client) Partner(target PartnerTarget) (*Partner, error) {
	if err := target.Origin.CheckAllowed(c.options.AllowedHosts, c.options.Insecure); err != nil {
		return nil, err
	}
	if target.Token != "" && !ValidToken(target.Token) {
		return nil, &EndpointError{What: "the partner token holds characters that may not stand in an address"}
	}
	return &Partner{api: Instance{client: c, target: Target{Origin: target.Origin, Token: target.Token}, hidden: discretion{tokens: []string{target.Token}}, partner: true}}, nil
}

// Shown makes a text of the vendor's, such as the name of a row, fit to be shown: one line of at most 256 characters, and a
// fixed text if it holds a part of a partner token.
func (p *Partner) Shown(text string) string { return p.api.hidden.text(text, maxNameLength) }

// Created is an instance that the vendor has just created.
type Created struct {
	ID int64
	// Token is none if the answer had no good one; the list has it then.
	Token Secret
	// Messenger is typeInstance, "" if the answer does not say.
	Messenger string
	// APIURL is what the vendor says of where the instance is served, as it is; "" if it does not say. Nothing may be sent
	// there that CheckAllowed was not asked about.
	APIURL string
}

// Create calls createInstance with a name and nothing else. **It costs money.** It goes out as SetSettings does: once, over a
// connection of its own, while the permit is valid (R21, P2). With an error, TookNoEffect tells whether an instance may
// have been created nevertheless: then only the list can tell.
func (p *Partner) Create(ctx context.Context, name string, permit Permit) (Created, error) {
	if name == "" {
		return Created{}, &TransportError{Method: MethodCreateInstance, What: "an instance without a name could not be found again"}
	}
	body, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		return Created{}, &TransportError{Method: MethodCreateInstance, What: "the name cannot be written as JSON"}
	}
	return changed(ctx, &p.api, request{verb: http.MethodPost, method: MethodCreateInstance, body: body}, permit, decodeCreated)
}

// Delete calls deleteInstanceAccount, which nothing undoes. It goes out as Create does, and reports whether the vendor
// said yes. An instance that is not the account's, or was deleted before, is a StatusError with CauseNotFound.
func (p *Partner) Delete(ctx context.Context, id int64, permit Permit) (bool, error) {
	if id < 1 || id > maxID {
		return false, &TransportError{Method: MethodDeleteInstanceAccount, What: "the number of the instance must be 1 to " + strconv.Itoa(maxID)}
	}
	body, err := json.Marshal(map[string]int64{"idInstance": id})
	if err != nil {
		return false, &TransportError{Method: MethodDeleteInstanceAccount, What: "the number cannot be written as JSON"}
	}
	return p.api.change(ctx, request{verb: http.MethodPost, method: MethodDeleteInstanceAccount, body: body}, permit, "deleteInstanceAccount")
}

// UpdateAPIToken calls updateApiToken and returns the new token. **The old one is dead from then on, and a lost answer is a
// lost token.** It is a GET with a side effect, so it goes out as SetSettings does (R21): made twice, it would kill the token
// that the first answer brought. With an error, TookNoEffect tells whether the old token lives.
func (i *Instance) UpdateAPIToken(ctx context.Context, permit Permit) (Secret, error) {
	return changed(ctx, i, request{method: MethodUpdateAPIToken}, permit, decodeNewToken)
}

func decodeNewToken(body []byte) (Secret, string) {
	object, what := decodeObject(body)
	if what != "" {
		return Secret{}, what
	}
	token := tokenOf(object["apiTokenInstance"])
	if token == (Secret{}) {
		return Secret{}, "it has no apiTokenInstance that can be a token"
	}
	return token, ""
}

// decodeCreated reads the answer of createInstance. From one without a number nothing is concluded.
func decodeCreated(body []byte) (Created, string) {
	object, what := decodeObject(body)
	if what != "" {
		return Created{}, what
	}
	created := Created{
		ID: idOf(object["idInstance"]), Token: tokenOf(object["apiTokenInstance"]),
		Messenger: messengerOf(object["typeInstance"], object["messenger"]), APIURL: addressOf(object["apiUrl"]),
	}
	if created.ID == 0 {
		return Created{}, "it has no idInstance"
	}
	return created, ""
}

// idOf reads the number of an instance, as a number or a text; 0 if it is none.
func idOf(value jsonvalue.Value) int64 {
	id, err := strconv.ParseInt(strings.TrimSpace(textOf(value)), 10, 64)
	if err != nil || id < 1 || id > maxID {
		return 0
	}
	return id
}

// tokenOf reads a token of an instance; none if it cannot be one.
func tokenOf(value jsonvalue.Value) Secret {
	if value.Type != jsonvalue.String || !ValidToken(value.Text) {
		return Secret{}
	}
	return NewSecret(strings.Clone(value.Text))
}

func messengerOf(values ...jsonvalue.Value) string {
	var words []string
	for _, value := range values {
		words = append(words, cut(printable(strings.TrimSpace(textOf(value))), maxStateLength))
	}
	return cmp.Or(words...)
}

// addressOf reads an address, which is not judged here; "" for one that no spec could have.
func addressOf(value jsonvalue.Value) string {
	if value.Type != jsonvalue.String || len(value.Text) > maxOriginLength {
		return ""
	}
	return strings.Clone(value.Text)
}

// textOf returns the text of a text or a number, "" of anything else.
func textOf(value jsonvalue.Value) string {
	if value.Type != jsonvalue.String && value.Type != jsonvalue.Number {
		return ""
	}
	return value.Text
}
