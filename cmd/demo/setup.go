// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// The operator's times in the demo. By default they are 1m, 10m, 20s, 6m and 15m.
const (
	stateInterval    = 2 * time.Second
	settingsInterval = 3 * time.Second
	settlePoll       = time.Second
	settleTimeout    = 6 * time.Second
	retryAfter       = time.Second
)

// managerFlags are the flags of the manager: short times, the emulator's address allowed, and else as in a cluster.
func (s *stage) managerFlags() []string {
	return []string{
		"--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url=" + s.vendor.Origin,
		"--state-interval=" + stateInterval.String(), "--settings-interval=" + settingsInterval.String(),
		"--settle-poll=" + settlePoll.String(), "--settle-timeout=" + settleTimeout.String(),
		"--retry-apply-after=" + retryAfter.String(),
		"--metrics-bind-address=0", "--health-probe-bind-address=0",
		// A machine that is slow for a while must not cost the lease.
		"--leader-elect", "--leader-election-namespace=" + sandbox.RoleNamespace,
		"--leader-election-lease-duration=60s", "--leader-election-renew-deadline=50s",
		// For a person to read, without stack traces.
		"--zap-encoder=console", "--zap-stacktrace-level=panic",
	}
}

// applyDelay is how long support-line still shows old values after a restart, as the vendor may: an operator that takes
// them for drift restarts it again.
const applyDelay = 2 * time.Second

// populate reads the samples and gives the emulator an instance for each: with the token of the sample's Secret, and
// with settings of which some are right already, some are wrong, and one is not the manifest's business.
func (s *stage) populate(ctx context.Context, origin string) error {
	instances := map[string]emulator.Instance{
		supportLine: {
			Settings: map[string]any{incomingWebhook: yes, linkPreview: yes},
			Behavior: emulator.Behavior{ApplyDelay: applyDelay},
		},
		salesLine: {Settings: map[string]any{delay: 5000}},
		newLine:   {State: emulator.StateNotAuthorized, Settings: map[string]any{webhookURL: "https://old.example/hook", incomingWebhook: yes}},
	}
	files, err := sampleFiles(s.Checkout)
	if err != nil {
		return err
	}
	for _, file := range files {
		sample, err := readSample(s.scheme, file, origin)
		if err != nil {
			return err
		}
		name := sample.instance.GetName()
		in := instances[name]
		for _, secret := range sample.secrets {
			for _, value := range secret.StringData {
				s.hide(value)
			}
		}
		s.samples[name] = sample
		in.ID, in.Token, in.Messenger = sample.id(), sample.apiToken(), sample.messenger()
		if err := s.vendor.Add(ctx, in); err != nil {
			return err
		}
	}
	return nil
}
