// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// suspensionTime is how long the messenger restricts the account; in earnest it is hours or days.
const suspensionTime = 4 * time.Second

// suspend lets the messenger restrict an account for a while.
func (s *story) suspend(ctx context.Context) {
	s.note("MAX restricts the account of news-line for " + suspensionTime.String() + ", as messengers do for hours or days.")
	before := s.mark(ctx, newsLine)
	s.do(ctx, "the account is suspended", func(ctx context.Context) error {
		return s.vendor.Suspend(ctx, s.samples[newsLine].id(), suspensionTime)
	})
	s.check(ctx, line{
		text:     "news-line: Available is False (Suspended) with the end in status.suspendedUntil, and Ready stays True",
		expected: "Available False with reason Suspended, suspendedUntil set, Ready True", within: soon,
		look: func(ctx context.Context) (look, error) {
			i, err := s.resource(ctx, newsLine)
			if err != nil {
				return look{}, err
			}
			return lookAt(i, ready(i) && i.InstanceStatus().SuspendedUntil != nil &&
				shows(i, v1alpha1.AvailableCondition, metav1.ConditionFalse, v1alpha1.ReasonSuspended)), nil
		},
	})
	s.check(ctx, line{
		text:     "news-line: the suspension is over, and Available is True again; nothing was written and nothing restarted",
		expected: "Available True, no suspendedUntil, no setSettings", within: soon,
		look: func(ctx context.Context) (look, error) {
			i, err := s.resource(ctx, newsLine)
			if err != nil {
				return look{}, err
			}
			written, err := s.writes(ctx, newsLine, before, 0, nil)
			if err != nil {
				return look{}, err
			}
			return written.and(lookAt(i, i.InstanceStatus().SuspendedUntil == nil &&
				shows(i, v1alpha1.AvailableCondition, metav1.ConditionTrue, v1alpha1.ReasonAuthorized))), nil
		},
	})
}
