// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"slices"
	"time"
)

// createsWindow is within which creates count for the limit of an hour.
const createsWindow = time.Hour

// Create is a call that bought an instance, or may have.
type Create struct {
	Name string
	Time time.Time
	// Claim is the UID of the claim, and Attempt counts its calls. They tell creates apart where several records have them.
	Claim   string
	Attempt int
}

// Same reports whether two records are of one call.
func (c Create) Same(other Create) bool { return c.Claim == other.Claim && c.Attempt == other.Attempt }

// WithinHour reports whether a create counts for the limit of an hour still. One in the future does: a clock was set back.
func WithinHour(create, now time.Time) bool { return now.Sub(create) < createsWindow }

// Room says whether one more instance may be bought (P7): how many live or may come to live by the list and by the creates that it
// does not show, and when the limit of an hour lets another pass, which is now or before if it does.
func Room(list *List, creates []Create, createsPerHour int, now time.Time) (instances int, next time.Time) {
	creates = recent(creates, now)
	instances = list.Owned()
	bought := map[string]int{}
	for _, create := range creates {
		bought[create.Name]++
	}
	for name, n := range bought {
		// What was refused, or deleted since, counts for the hour too: it cannot be told from what comes late.
		instances += max(0, n-len(list.Living(name)))
	}
	if over := len(creates) - createsPerHour; over >= 0 {
		return instances, nthOldest(creates, over).Add(createsWindow)
	}
	return instances, now
}

// recent are the creates that still count.
func recent(creates []Create, now time.Time) []Create {
	var kept []Create
	for _, create := range creates {
		if WithinHour(create.Time, now) {
			kept = append(kept, create)
		}
	}
	return kept
}

// nthOldest is the time of the nth oldest create, from 0.
func nthOldest(creates []Create, n int) time.Time {
	times := make([]time.Time, 0, len(creates))
	for _, create := range creates {
		times = append(times, create.Time)
	}
	slices.SortFunc(times, time.Time.Compare)
	return times[n]
}
