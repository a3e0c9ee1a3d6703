// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/maintenance"
)

const (
	// fleetNamespace is that of the lines of one team, and fleetLabel what they have in common.
	fleetNamespace, fleetLabel = "team-red", "example.com/fleet"
	// fleetSize is how many lines the team has, and halted how many of them a bad change does not reach.
	fleetSize, halted = 20, fleetSize - 2
	firstOfFleet      = 710700001000
	nameFleetManager  = "fleet-manager"
)

// fleetFlags are those of a second manager, which looks after the fleet alone: it does not try again within the demo.
func (s *stage) fleetFlags() []string {
	return append(s.managerFlags(), "--watch-label-selector="+fleetLabel, "--leader-election-id=fleet.greenapi-operator.dev",
		"--fleet-label="+fleetLabel, "--retry-apply-after=10m")
}

// fleetLine makes a line of a fleet, in order at the vendor, whose restarts begin in a window if it has one.
func (s *stage) fleetLine(ctx context.Context, fleet, name string, id int64, window *v1alpha1.Maintenance) error {
	token := newToken()
	s.hide(token)
	if err := s.vendor.Add(ctx, emulator.Instance{ID: id, Token: token, Messenger: emulator.WhatsApp, Settings: map[string]any{incomingWebhook: yes}}); err != nil {
		return err
	}
	meta := metav1.ObjectMeta{Namespace: fleetNamespace, Name: name, Labels: map[string]string{fleetLabel: fleet}}
	if err := s.admin.Create(ctx, &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{v1alpha1.DefaultAPITokenKey: token}}); err != nil {
		return err
	}
	resource := &v1alpha1.WhatsAppInstance{ObjectMeta: meta}
	resource.Spec.IDInstance, resource.Spec.APIURL, resource.Spec.APITokenSecretRef.Name, resource.Spec.Maintenance = id, s.vendor.Origin, name, window
	resource.Spec.Settings = &v1alpha1.WhatsAppSettings{}
	resource.Spec.Settings.IncomingWebhook = new(true)
	return s.admin.Create(ctx, resource)
}

func fleetName(i int) string { return fmt.Sprintf("red-%02d", i+1) }

// commit edits all lines of the fleet as one commit does.
func (s *stage) commit(ctx context.Context, incoming bool) error {
	for i := range fleetSize {
		line := &v1alpha1.WhatsAppInstance{}
		if err := s.admin.Get(ctx, client.ObjectKey{Namespace: fleetNamespace, Name: fleetName(i)}, line); err != nil {
			return err
		}
		before := line.DeepCopy()
		line.Spec.Settings.IncomingWebhook = &incoming
		if err := s.admin.Patch(ctx, line, client.MergeFrom(before)); err != nil {
			return err
		}
	}
	return nil
}

// fleetLook counts the lines of the fleet whose status says something, and all setSettings to them.
func (s *story) fleetLook(ctx context.Context, wanted, calls int, says func(v1alpha1.Instance) bool) (look, error) {
	list := &v1alpha1.WhatsAppInstanceList{}
	if err := s.admin.List(ctx, list, client.InNamespace(fleetNamespace)); err != nil {
		return look{}, err
	}
	n := 0
	for i := range list.Items {
		if list.Items[i].Spec.Maintenance == nil && says(&list.Items[i]) {
			n++
		}
	}
	made := 0
	for i := range fleetSize {
		in, err := s.vendor.Get(ctx, firstOfFleet+int64(i))
		if err != nil {
			return look{}, err
		}
		made += in.Restarts
	}
	seen := look{seen: fmt.Sprintf("%d of %d lines, and %s", n, fleetSize, plural(made, "restart"))}
	switch {
	case made > calls:
		seen.state = never
	case n == wanted && made == calls:
		seen.state = holds
	}
	return seen, nil
}

// rollout shows a bad commit that stops after two lines, and a window that opens meanwhile.
func (s *story) rollout(ctx context.Context) {
	opens := time.Now().UTC().Truncate(time.Minute).Add(time.Minute)
	window := &v1alpha1.Maintenance{TimeZone: "UTC", Windows: []v1alpha1.MaintenanceWindow{{Start: opens.Format("15:04"), Duration: metav1.Duration{Duration: 30 * time.Minute}}}}
	s.note(fmt.Sprintf("A team has %d lines, which are one fleet by a label, and night-line, which restarts in a window that opens at %s UTC.", fleetSize, window.Windows[0].Start))
	nightID := s.punctual(window, opens)
	s.do(ctx, "the lines are declared", func(ctx context.Context) error {
		if err := s.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fleetNamespace}}); err != nil {
			return err
		}
		for i := range fleetSize {
			if err := s.fleetLine(ctx, "red", fleetName(i), firstOfFleet+int64(i), nil); err != nil {
				return err
			}
		}
		if err := s.fleetLine(ctx, "night", "night-line", nightID, window); err != nil {
			return err
		}
		var err error
		s.fleetManager, err = s.run(nameManager, nameFleetManager, s.fleetFlags()...)
		return err
	})
	s.check(ctx, line{text: fmt.Sprintf("all %d are in order: nothing is written", fleetSize), expected: "Ready and Synced True, no restart", within: soon,
		look: func(ctx context.Context) (look, error) { return s.fleetLook(ctx, fleetSize, 0, ready) }})
	s.note("Somebody commits incomingWebhook: false for all of them, which the vendor does not keep, and the same for night-line, which it keeps.")
	s.do(ctx, "the commit is bad", func(ctx context.Context) error {
		for i := range fleetSize {
			if err := s.vendor.NeverKeep(ctx, firstOfFleet+int64(i), incomingWebhook); err != nil {
				return err
			}
		}
		night := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: fleetNamespace, Name: "night-line"}}
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"settings":{"incomingWebhook":false}}}`))
		if err := s.admin.Patch(ctx, night, patch); err != nil {
			return err
		}
		return s.commit(ctx, false)
	})
	s.check(ctx, line{text: fmt.Sprintf("two lines restart, one after the other; both end badly, and %d others are not touched: Synced is False (RolloutHalted)", halted),
		expected: fmt.Sprintf("%d lines Synced False with reason RolloutHalted, 2 restarts", halted), within: time.Minute,
		look: func(ctx context.Context) (look, error) {
			return s.fleetLook(ctx, halted, 2, func(i v1alpha1.Instance) bool {
				return shows(i, v1alpha1.SyncedCondition, metav1.ConditionFalse, v1alpha1.ReasonRolloutHalted)
			})
		}})
	s.note("The commit is taken back.")
	s.do(ctx, "the commit is taken back", func(ctx context.Context) error { return s.commit(ctx, true) })
	s.check(ctx, line{text: fmt.Sprintf("all %d are in order again, and nothing more was restarted", fleetSize), expected: "Ready and Synced True, 2 restarts", within: time.Minute,
		look: func(ctx context.Context) (look, error) { return s.fleetLook(ctx, fleetSize, 2, ready) }})
	s.check(ctx, line{text: "night-line is written once its window opens, and not before", expected: "1 setSettings after " + window.Windows[0].Start + " UTC", within: 2 * time.Minute,
		look: func(ctx context.Context) (look, error) { return s.nightLook(ctx, nightID, opens) }})
	s.do(ctx, "the team leaves", func(ctx context.Context) error {
		s.fleetManager.Stop(time.Minute)
		s.fleetManager = nil
		return s.admin.DeleteAllOf(ctx, &v1alpha1.WhatsAppInstance{}, client.InNamespace(fleetNamespace))
	})
}

// punctual is an instance that begins within a second of its window, which others do up to a quarter of an hour later.
func (s *story) punctual(window *v1alpha1.Maintenance, opens time.Time) int64 {
	calendar, err := maintenance.New(window)
	id := int64(firstOfFleet + fleetSize)
	for err == nil && calendar.Next(opens.Add(-time.Second), id).Sub(opens) > time.Second {
		id++
	}
	return id
}

func (s *story) nightLook(ctx context.Context, id int64, opens time.Time) (look, error) {
	calls, err := s.vendor.Calls(ctx, id, "setSettings", 0)
	if err != nil {
		return look{}, err
	}
	seen := look{seen: describe(calls)}
	switch {
	case len(calls) > 1 || len(calls) == 1 && calls[0].Time.Before(opens):
		seen.state = never
	case len(calls) == 1:
		seen.state = holds
	}
	return seen, nil
}
