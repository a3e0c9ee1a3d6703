// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// Settings of the story by the vendor's names, and values of switches.
const (
	autoTyping       = "autoTyping"
	downloadURLJpeg  = "downloadUrlJpeg"
	delay            = "delaySendMessagesMilliseconds"
	incomingWebhook  = "incomingWebhook"
	keepOnlineStatus = "keepOnlineStatus"
	linkPreview      = "linkPreview"
	outgoingWebhook  = "outgoingWebhook"
	stateWebhook     = "stateWebhook"
	webhookURL       = "webhookUrl"
	webhookURLToken  = "webhookUrlToken"
	yes, no          = "yes", "no"
)

// declare applies the samples and sees their settings written, once each.
func (s *story) declare(ctx context.Context) {
	s.note("Somebody runs `kubectl apply -k config/samples` (with the emulator's address and tokens).",
		fmt.Sprintf("After a restart support-line shows old values for another %s, as the vendor may: that is no drift.", applyDelay))
	s.do(ctx, "the samples are accepted", s.applySamples)
	s.applied(ctx, salesLine, map[string]any{autoTyping: 3, keepOnlineStatus: yes})
	s.available(ctx, salesLine)
	s.applied(ctx, newsLine, map[string]any{downloadURLJpeg: yes, incomingWebhook: yes})
	s.applied(ctx, fanLine, map[string]any{incomingWebhook: yes, keepOnlineStatus: yes})
	s.applied(ctx, newLine, map[string]any{incomingWebhook: no, webhookURL: ""})
	s.check(ctx, line{
		text:     "new-line: nobody has logged in, so Available is False (NotAuthorized), yet Ready is True",
		expected: "Ready True, Available False with reason NotAuthorized", within: soon,
		look: func(ctx context.Context) (look, error) {
			i, err := s.resource(ctx, newLine)
			if err != nil {
				return look{}, err
			}
			return lookAt(i, ready(i) && shows(i, v1alpha1.AvailableCondition, metav1.ConditionFalse, v1alpha1.ReasonNotAuthorized)), nil
		},
	})
	support := s.samples[supportLine]
	s.applied(ctx, supportLine, map[string]any{
		outgoingWebhook: yes, stateWebhook: yes,
		webhookURL: support.webhookURL(), webhookURLToken: support.webhookToken(),
	})
	s.available(ctx, supportLine)
	s.check(ctx, line{
		text:     "support-line: linkPreview, which the manifest does not name, is as it was",
		expected: "linkPreview yes, as in the beginning", within: soon,
		look: func(ctx context.Context) (look, error) { return s.lookForSetting(ctx, supportLine, linkPreview, yes) },
	})
}

// applySamples creates the samples, Secrets first.
func (s *story) applySamples(ctx context.Context) error {
	for _, sample := range s.samples {
		for _, secret := range sample.secrets {
			if err := s.admin.Create(ctx, secret.DeepCopy()); err != nil {
				return err
			}
		}
		if err := s.admin.Create(ctx, copyOf(sample.instance)); err != nil {
			return err
		}
	}
	return nil
}

// applied checks that an instance got its first settings: those that differed and no others, in one call.
func (s *story) applied(ctx context.Context, name string, settings map[string]any) {
	s.check(ctx, line{
		text:     s.introduce(name) + ": one restart, by one setSettings with exactly what differed:",
		detail:   names(settings),
		expected: "Ready and Synced True after 1 restart and 1 setSettings with " + names(settings), within: soon,
		look: func(ctx context.Context) (look, error) { return s.lookForWrites(ctx, name, mark{}, 1, settings) },
	})
}

// introduce names an instance, and its kind if its messenger is not WhatsApp.
func (s *story) introduce(name string) string {
	if kind := instance.KindOf(s.samples[name].instance); kind.Messenger != emulator.WhatsApp {
		return name + " (" + kind.Name + ")"
	}
	return name
}

// available checks what the status shows of a line that somebody has logged in to.
func (s *story) available(ctx context.Context, name string) {
	phone := ""
	s.do(ctx, "the emulator tells the phone number", func(ctx context.Context) error {
		in, err := s.vendor.Get(ctx, s.samples[name].id())
		phone = in.Phone
		return err
	})
	s.check(ctx, line{
		text:     fmt.Sprintf("%s: Ready, Synced and Available are True; state authorized, phone %s", name, phone),
		expected: "these conditions, state authorized, phone " + phone, within: soon,
		look: func(ctx context.Context) (look, error) {
			i, err := s.resource(ctx, name)
			if err != nil {
				return look{}, err
			}
			all := ready(i) && shows(i, v1alpha1.AvailableCondition, metav1.ConditionTrue, v1alpha1.ReasonAuthorized) &&
				i.InstanceStatus().StateInstance == emulator.StateAuthorized && i.InstanceStatus().Phone == phone
			return lookAt(i, all), nil
		},
	})
}

// lookAt is a look at a status.
func lookAt(i v1alpha1.Instance, held bool) look {
	if held {
		return look{state: holds}
	}
	return look{seen: summary(i)}
}

// lookForWrites looks whether the operator's job is done, and was done by exactly these calls.
func (s *story) lookForWrites(ctx context.Context, name string, since mark, count int, settings map[string]any) (look, error) {
	i, err := s.resource(ctx, name)
	if err != nil {
		return look{}, err
	}
	written, err := s.writes(ctx, name, since, count, settings)
	if err != nil {
		return look{}, err
	}
	done := look{seen: summary(i)}
	if ready(i) {
		done.state = holds
	}
	return written.and(done), nil
}

// lookForSetting looks whether the vendor shows a value.
func (s *story) lookForSetting(ctx context.Context, name, setting string, value any) (look, error) {
	in, err := s.vendor.Get(ctx, s.samples[name].id())
	if err != nil {
		return look{}, err
	}
	shown := look{seen: fmt.Sprintf("%s %v", setting, in.Settings[setting])}
	if same(in.Settings[setting], value) {
		shown.state = holds
	}
	return shown, nil
}
