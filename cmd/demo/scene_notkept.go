// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// attempts is how often one change is tried; it is the manager's default.
const attempts = 3

// notKept edits a manifest while the vendor does not keep the value.
func (s *story) notKept(ctx context.Context) {
	s.note("From now on sales-line says yes to keepOnlineStatus, restarts, and keeps the old value.",
		"Somebody sets keepOnlineStatus to false in the manifest.")
	before := s.mark(ctx, salesLine)
	s.do(ctx, "the vendor stops keeping the value", func(ctx context.Context) error {
		return s.vendor.NeverKeep(ctx, s.samples[salesLine].id(), keepOnlineStatus)
	})
	s.do(ctx, "the manifest is edited", func(ctx context.Context) error {
		return s.change(ctx, salesLine, func(i v1alpha1.Instance) { whatsAppSettings(i).KeepOnlineStatus = new(false) })
	})
	s.check(ctx, line{
		text:     "it is written once, and waited for: Synced is False (Settling), Ready is Unknown",
		expected: "Synced False with reason Settling, Ready Unknown, 1 setSettings with {keepOnlineStatus}", within: soon,
		look: func(ctx context.Context) (look, error) {
			i, err := s.resource(ctx, salesLine)
			if err != nil {
				return look{}, err
			}
			written, err := s.writes(ctx, salesLine, before, 1, map[string]any{keepOnlineStatus: no})
			if err != nil {
				return look{}, err
			}
			return written.and(lookAt(i, shows(i, v1alpha1.SyncedCondition, metav1.ConditionFalse, v1alpha1.ReasonSettling) &&
				shows(i, v1alpha1.ReadyCondition, metav1.ConditionUnknown, ""))), nil
		},
	})
	s.note("What follows takes about 20 seconds here; by default the attempts are 15 minutes and an hour apart.")
	if !s.skip {
		s.unkept = before
	}
}

// giveUp sees the attempts end, and then what helps.
func (s *story) giveUp(ctx context.Context) {
	if s.unkept.seq == 0 {
		s.note("Left out, since its beginning failed.")
		return
	}
	s.check(ctx, line{
		text:     fmt.Sprintf("given up after exactly %d attempts: Stalled (SettingsNotPersisted), a person has to look", attempts),
		expected: fmt.Sprintf("Stalled with reason SettingsNotPersisted after %d setSettings with {keepOnlineStatus}", attempts), within: time.Minute,
		look: func(ctx context.Context) (look, error) {
			i, err := s.resource(ctx, salesLine)
			if err != nil {
				return look{}, err
			}
			written, err := s.writes(ctx, salesLine, s.unkept, attempts, map[string]any{keepOnlineStatus: no})
			if err != nil {
				return look{}, err
			}
			return written.and(lookAt(i, shows(i, v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ReasonSettingsNotPersisted) &&
				shows(i, v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.ReasonSettingsNotPersisted))), nil
		},
	})
	s.note("The vendor mends it. Somebody asks for another attempt:",
		"kubectl annotate wai sales-line "+v1alpha1.ReconcileRequestedAtAnnotation+"=\"$(date)\"")
	request := time.Now().Format(time.RFC3339)
	s.do(ctx, "the vendor keeps the value again", func(ctx context.Context) error {
		return s.vendor.NeverKeep(ctx, s.samples[salesLine].id())
	})
	s.do(ctx, "the attempt is asked for", func(ctx context.Context) error {
		return s.change(ctx, salesLine, func(i v1alpha1.Instance) {
			annotations := map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: request}
			maps.Copy(annotations, i.GetAnnotations())
			i.SetAnnotations(annotations)
		})
	})
	s.check(ctx, line{
		text:     "one more attempt, the fourth, and Ready and Synced are True",
		expected: fmt.Sprintf("Ready and Synced True after %d setSettings in all, the request echoed in the status", attempts+1), within: soon,
		look: func(ctx context.Context) (look, error) {
			i, err := s.resource(ctx, salesLine)
			if err != nil {
				return look{}, err
			}
			written, err := s.lookForWrites(ctx, salesLine, s.unkept, attempts+1, map[string]any{keepOnlineStatus: no})
			if err != nil {
				return look{}, err
			}
			return written.and(lookAt(i, i.InstanceStatus().LastHandledReconcileAt == request && len(i.InstanceStatus().Abandoned) == 0)), nil
		},
	})
}
