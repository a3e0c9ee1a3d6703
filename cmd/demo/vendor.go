// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// Methods of the vendor that the story counts.
const (
	methodSet     = "setSettings"
	methodRead    = "getSettings"
	methodState   = "getStateInstance"
	answerLimit   = 16 << 20
	vendorTimeout = 10 * time.Second
)

// vendor is the control interface of the emulator: what a person does in the vendor's console, and what is known of the
// calls that came in.
type vendor struct {
	origin string
	client *http.Client
}

func newVendor(origin string) *vendor {
	// Without a transport of its own the environment's proxy would be asked.
	return &vendor{origin: origin, client: &http.Client{Transport: &http.Transport{}, Timeout: vendorTimeout}}
}

// instances is the address of the instances in the control interface.
func (v *vendor) instances() string { return v.origin + "/emulator/instances" }

func (v *vendor) instanceURL(id int64) string { return fmt.Sprintf("%s/%d", v.instances(), id) }

// add puts an instance on the emulator.
func (v *vendor) add(ctx context.Context, in emulator.Instance) error {
	return v.do(ctx, http.MethodPost, v.instances(), in, nil)
}

// get returns an instance as it is now.
func (v *vendor) get(ctx context.Context, id int64) (emulator.Instance, error) {
	var in emulator.Instance
	err := v.do(ctx, http.MethodGet, v.instanceURL(id), nil, &in)
	return in, err
}

// edit changes settings as a person does in the console.
func (v *vendor) edit(ctx context.Context, id int64, settings map[string]any) error {
	return v.do(ctx, http.MethodPost, v.instanceURL(id)+"/edit", settings, nil)
}

// rotateToken gives the instance another API token; the old one is refused from now on.
func (v *vendor) rotateToken(ctx context.Context, id int64, token string) error {
	return v.do(ctx, http.MethodPatch, v.instanceURL(id), map[string]any{"apiTokenInstance": token}, nil)
}

// neverKeep names the settings of which the instance keeps no new value, though it says yes.
func (v *vendor) neverKeep(ctx context.Context, id int64, settings ...string) error {
	behavior := map[string]any{"neverKept": append([]string{}, settings...)}
	return v.do(ctx, http.MethodPatch, v.instanceURL(id), map[string]any{"behavior": behavior}, nil)
}

// suspend has the messenger restrict the account for some time.
func (v *vendor) suspend(ctx context.Context, id int64, period time.Duration) error {
	return v.do(ctx, http.MethodPost, v.instanceURL(id)+"/suspend", map[string]any{"for": period.String()}, nil)
}

// calls returns the calls of one method after a sequence number, of all instances where id is 0.
func (v *vendor) calls(ctx context.Context, id int64, method string, since int) ([]emulator.Call, error) {
	var list []emulator.Call
	query := fmt.Sprintf("?id=%d&method=%s&since=%d", id, method, since)
	err := v.do(ctx, http.MethodGet, v.origin+"/emulator/calls"+query, nil, &list)
	return list, err
}

// latest returns the sequence number of the latest call, 0 if there was none.
func (v *vendor) latest(ctx context.Context) (int, error) {
	list, err := v.calls(ctx, 0, "", 0)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[len(list)-1].Seq, nil
}

// do makes one request with a JSON body, if there is one, and decodes the answer.
func (v *vendor) do(ctx context.Context, verb, address string, body, into any) error {
	var sent io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, verb, address, sent)
	if err != nil {
		return err
	}
	response, err := v.client.Do(request)
	if err != nil {
		return fmt.Errorf("the emulator cannot be asked: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("the emulator's answer broke off: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("the emulator refused %s %s (%s): %s", verb, request.URL.Path, response.Status, bytes.TrimSpace(answer))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
