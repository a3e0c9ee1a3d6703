// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// drift changes two settings by hand, of which the manifest names one.
func (s *story) drift(ctx context.Context) {
	s.note("On support-line incomingWebhook, which the manifest sets, and linkPreview, which it does not, are set to no.")
	before := s.mark(ctx, supportLine)
	s.do(ctx, "the settings are edited", func(ctx context.Context) error {
		return s.vendor.Edit(ctx, s.samples[supportLine].id(), map[string]any{incomingWebhook: no, linkPreview: no})
	})
	s.check(ctx, line{
		text:     "it is noticed: the event DriftDetected names incomingWebhook, and not linkPreview",
		expected: "an event DriftDetected that names incomingWebhook only", within: soon,
		look: s.lookForDrift,
	})
	s.check(ctx, line{
		text:     "it is corrected: one setSettings with {incomingWebhook} alone, one restart, Ready is True",
		expected: "Ready and Synced True after 1 restart and 1 setSettings with {incomingWebhook}", within: soon,
		look: func(ctx context.Context) (look, error) {
			return s.lookForWrites(ctx, supportLine, before, 1, map[string]any{incomingWebhook: yes})
		},
	})
	s.corrected = s.mark(ctx, supportLine)
}

func (s *story) lookForDrift(ctx context.Context) (look, error) {
	found, err := s.events(ctx, supportLine, "DriftDetected")
	if err != nil {
		return look{}, err
	}
	seen := look{seen: "no such event"}
	for _, event := range found {
		seen.seen = event.Note
		switch {
		case strings.Contains(event.Note, linkPreview):
			return look{state: never, seen: event.Note}, nil
		case strings.Contains(event.Note, incomingWebhook):
			seen.state = holds
		}
	}
	return seen, nil
}

// rotate changes the API token at the vendor first and in the Secret later, as a person with two windows does.
func (s *story) rotate(ctx context.Context) {
	before, token := s.mark(ctx, supportLine), newToken()
	s.hide(token)
	s.do(ctx, "the token is rotated", func(ctx context.Context) error {
		return s.vendor.RotateToken(ctx, s.samples[supportLine].id(), token)
	})
	s.check(ctx, line{
		text:     "the vendor refuses the old one: Ready and CredentialsValid are False (Unauthorized)",
		expected: "these conditions", within: soon,
		look: func(ctx context.Context) (look, error) {
			i, err := s.resource(ctx, supportLine)
			if err != nil {
				return look{}, err
			}
			return lookAt(i, shows(i, v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized) &&
				shows(i, v1alpha1.CredentialsValidCondition, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)), nil
		},
	})
	s.note("Now the new token is put into the Secret support-line-token.")
	s.do(ctx, "the Secret is changed", func(ctx context.Context) error { return s.putToken(ctx, token) })
	s.check(ctx, line{
		text: "the new token is in use: both are True again, and nothing restarted", timed: true,
		expected: "these conditions, a call with the new token, no setSettings", within: soon,
		look: func(ctx context.Context) (look, error) { return s.lookForToken(ctx, before) },
	})
	s.leftAlone(ctx)
}

// putToken changes the Secret, as `kubectl edit` does.
func (s *story) putToken(ctx context.Context, token string) error {
	ref := s.samples[supportLine].instance.Core().APITokenSecretRef
	secret := &corev1.Secret{}
	if err := s.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, secret); err != nil {
		return err
	}
	secret.Data[ref.KeyOr(v1alpha1.DefaultAPITokenKey)] = []byte(token)
	return s.admin.Update(ctx, secret)
}

func (s *story) lookForToken(ctx context.Context, since mark) (look, error) {
	i, err := s.resource(ctx, supportLine)
	if err != nil {
		return look{}, err
	}
	unwritten, err := s.writes(ctx, supportLine, since, 0, nil)
	if err != nil {
		return look{}, err
	}
	states, err := s.vendor.Calls(ctx, i.Core().IDInstance, sandbox.MethodState, since.seq)
	if err != nil {
		return look{}, err
	}
	used := look{seen: summary(i)}
	if last := len(states) - 1; last >= 0 && states[last].TokenOK && ready(i) &&
		shows(i, v1alpha1.CredentialsValidCondition, metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted) {
		used.state = holds
	}
	return unwritten.and(used), nil
}

// leftAlone checks that what somebody did to a setting that is not managed is nobody's business.
func (s *story) leftAlone(ctx context.Context) {
	const looks = 2
	if s.corrected.seq == 0 {
		// The scene in which it was edited did not come to its end.
		return
	}
	s.check(ctx, line{
		text:     fmt.Sprintf("linkPreview is still as somebody set it: %d more looks, and no call because of it", looks),
		expected: fmt.Sprintf("%d getSettings, no setSettings, linkPreview no", looks), within: soon,
		look: func(ctx context.Context) (look, error) {
			read, err := s.vendor.Calls(ctx, s.samples[supportLine].id(), sandbox.MethodRead, s.corrected.seq)
			if err != nil {
				return look{}, err
			}
			unwritten, err := s.writes(ctx, supportLine, s.corrected, 0, nil)
			if err != nil {
				return look{}, err
			}
			untouched, err := s.lookForSetting(ctx, supportLine, linkPreview, no)
			if err != nil {
				return look{}, err
			}
			seen := look{seen: plural(len(read), "look")}
			if len(read) >= looks {
				seen.state = holds
			}
			return seen.and(unwritten).and(untouched), nil
		},
	})
}
