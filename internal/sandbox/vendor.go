// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// Methods of the vendor that are counted.
const (
	MethodSet   = "setSettings"
	MethodRead  = "getSettings"
	MethodState = "getStateInstance"
)

const (
	answerLimit   = 64 << 20
	vendorTimeout = 10 * time.Second
)

// Vendor is the control interface of the emulator: what a person does in the vendor's console, and what is known of the
// Calls that came in.
type Vendor struct {
	// Origin is where the emulator listens.
	Origin string
	client *http.Client
}

// NewVendor returns the control interface of the emulator that listens at an origin.
func NewVendor(origin string) *Vendor {
	// Without a transport of its own the environment's proxy would be asked.
	return &Vendor{Origin: origin, client: &http.Client{Transport: &http.Transport{}, Timeout: vendorTimeout}}
}

// listening is what the emulator says when it is ready.
var listening = regexp.MustCompile(`listening on (http://\S+)`)

// startPoll is how often it is looked whether the emulator listens.
const startPoll = 50 * time.Millisecond

// EmulatorOrigin waits until an emulator says in its log where it listens.
func EmulatorOrigin(ctx context.Context, log string) (string, error) {
	origin := ""
	err := wait.PollUntilContextTimeout(ctx, startPoll, StartTime, true, func(context.Context) (bool, error) {
		text, err := os.ReadFile(log)
		if found := listening.FindSubmatch(text); found != nil {
			origin = string(found[1])
		}
		return origin != "", err
	})
	if err != nil {
		return "", fmt.Errorf("the emulator does not say where it listens: %w", err)
	}
	return origin, nil
}

// instances is the address of the instances in the control interface.
func (v *Vendor) instances() string { return v.Origin + "/emulator/instances" }

// InstanceURL is the address of one instance in the control interface.
func (v *Vendor) InstanceURL(id int64) string { return fmt.Sprintf("%s/%d", v.instances(), id) }

// Add puts an instance on the emulator.
func (v *Vendor) Add(ctx context.Context, in emulator.Instance) error {
	return v.Do(ctx, http.MethodPost, v.instances(), in, nil)
}

// Get returns an instance as it is now.
func (v *Vendor) Get(ctx context.Context, id int64) (emulator.Instance, error) {
	var in emulator.Instance
	err := v.Do(ctx, http.MethodGet, v.InstanceURL(id), nil, &in)
	return in, err
}

// Edit changes settings as a person does in the console.
func (v *Vendor) Edit(ctx context.Context, id int64, settings map[string]any) error {
	return v.Do(ctx, http.MethodPost, v.InstanceURL(id)+"/edit", settings, nil)
}

// RotateToken gives the instance another API token; the old one is refused from now on.
func (v *Vendor) RotateToken(ctx context.Context, id int64, token string) error {
	return v.Do(ctx, http.MethodPatch, v.InstanceURL(id), map[string]any{"apiTokenInstance": token}, nil)
}

// NeverKeep names the settings of which the instance keeps no new value, though it says yes.
func (v *Vendor) NeverKeep(ctx context.Context, id int64, settings ...string) error {
	behavior := map[string]any{"neverKept": append([]string{}, settings...)}
	return v.Do(ctx, http.MethodPatch, v.InstanceURL(id), map[string]any{"behavior": behavior}, nil)
}

// Suspend has the messenger restrict the account for some time.
func (v *Vendor) Suspend(ctx context.Context, id int64, period time.Duration) error {
	return v.Do(ctx, http.MethodPost, v.InstanceURL(id)+"/suspend", map[string]any{"for": period.String()}, nil)
}

// Calls returns the calls of one method after a sequence number, of all instances where id is 0.
func (v *Vendor) Calls(ctx context.Context, id int64, method string, since int) ([]emulator.Call, error) {
	var list []emulator.Call
	query := fmt.Sprintf("?id=%d&method=%s&since=%d", id, method, since)
	err := v.Do(ctx, http.MethodGet, v.Origin+"/emulator/calls"+query, nil, &list)
	return list, err
}

// Latest returns the sequence number of the latest call, 0 if there was none.
func (v *Vendor) Latest(ctx context.Context) (int, error) {
	list, err := v.Calls(ctx, 0, "", 0)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[len(list)-1].Seq, nil
}

// Do makes one request to the control interface with a JSON body, if there is one, and decodes the answer.
func (v *Vendor) Do(ctx context.Context, verb, address string, body, into any) error {
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
