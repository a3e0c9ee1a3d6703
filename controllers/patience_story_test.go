// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// slow is a vendor's API whose state takes some time, which passes on the story's clock.
type slow struct {
	controllers.Vendor
	s     *story
	takes *time.Duration
	given *[]time.Duration
	// handed: a poll had no answer in time, which is handed over.
	handed *bool
}

// wait takes the time that the state takes.
func (v slow) wait(ctx context.Context) error {
	given := greenapi.TimeoutOf(ctx)
	*v.given = append(*v.given, given)
	v.s.clock.SetTime(v.s.clock.Now().Add(min(given, *v.takes)))
	if *v.takes > given {
		return &greenapi.TransportError{Method: greenapi.MethodGetStateInstance, What: "no answer in time", Begun: true, TimedOut: true}
	}
	return nil
}

func (v slow) State(ctx context.Context) (string, error) {
	if *v.handed {
		*v.handed = false
	} else if err := v.wait(ctx); err != nil {
		return "", err
	}
	return v.Vendor.State(ctx)
}

func (v slow) Peek(ctx context.Context, method string) *greenapi.Answer {
	if method == greenapi.MethodGetStateInstance {
		if err := v.wait(ctx); err != nil {
			*v.handed = true
			return greenapi.NoAnswer(err)
		}
	}
	return v.Vendor.Peek(ctx, method)
}

// TestR39AnAnswerMayTakeAMinute: the time-out of reads grows with time-outs, before the resource is called stale; it stays
// while answers are slow, and is the usual one again once they are not.
func TestR39AnAnswerMayTakeAMinute(t *testing.T) {
	for _, usual := range []time.Duration{time.Second, 15 * time.Second} {
		t.Run(usual.String(), func(t *testing.T) {
			s := newStory(t)
			s.options.CallTimeout = usual
			takes, given := time.Duration(0), []time.Duration{}
			s.wrapVendor = func(vendor controllers.Vendor) controllers.Vendor {
				return slow{Vendor: vendor, s: s, takes: &takes, given: &given, handed: new(bool)}
			}
			s.restart()
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.forward(5 * time.Minute)

			takes, given = 58*time.Second, nil
			answered := func() bool { return slices.Contains(given, greenapi.LongestRead) }
			s.Expect(s.until(15*time.Minute, func() bool {
				s.Expect(s.ready("line").Reason).NotTo(Equal(v1alpha1.ReasonObservationStale), "after %v", given)
				return answered()
			})).To(BeTrue())
			s.Expect(given[0]).To(Equal(usual))
			s.Expect(slices.IsSorted(given)).To(BeTrue(), "%v", given)
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))

			given = nil
			s.forward(10 * time.Minute)
			s.Expect(given).To(HaveEach(greenapi.LongestRead), "while answers are slow, none is given up too soon")
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))

			takes = 0
			s.forward(5 * time.Minute)
			given = nil
			s.forward(5 * time.Minute)
			s.Expect(given).To(HaveEach(usual))

			takes = time.Hour
			s.forward(20 * time.Minute)
			s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonObservationStale), "more than a minute is not waited")
		})
	}
}
