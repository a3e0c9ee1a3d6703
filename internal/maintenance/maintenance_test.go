// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package maintenance

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

func spec(zone string, windows ...v1alpha1.MaintenanceWindow) *v1alpha1.Maintenance {
	return &v1alpha1.Maintenance{TimeZone: zone, Windows: windows}
}

func opening(start string, length time.Duration, days ...v1alpha1.Weekday) v1alpha1.MaintenanceWindow {
	return v1alpha1.MaintenanceWindow{Days: days, Start: start, Duration: metav1.Duration{Duration: length}}
}

// nobody is an instance that begins at once: one with the least spread.
func nobody(t interface{ Fatal(...any) }, over time.Duration) int64 {
	for id := int64(1); id < 1_000_000; id++ {
		if spread(id, over) == 0 {
			return id
		}
	}
	t.Fatal("there is none")
	return 0
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestR31TheClockOnTheWall: when a window opens, in zones that set their clocks in every way there is.
func TestR31TheClockOnTheWall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ why, zone, start, now, opens string }{
		{"an ordinary day", "Europe/London", "01:30", "2026-03-27T12:00:00Z", "2026-03-28T01:30:00Z"},
		{"left out in spring, east of Greenwich in summer: the first instant after the gap", "Europe/London", "01:30", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"twice in autumn: the first time", "Europe/London", "01:30", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"left out west of Greenwich", "America/New_York", "02:30", "2026-03-07T12:00:00Z", "2026-03-08T07:00:00Z"},
		{"twice west of Greenwich", "America/New_York", "01:30", "2026-10-31T12:00:00Z", "2026-11-01T05:30:00Z"},
		{"midnight is left out: the day begins at one", "America/Santiago", "00:30", "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z"},
		{"the hour before midnight comes twice", "America/Santiago", "23:30", "2026-04-04T12:00:00Z", "2026-04-05T02:30:00Z"},
		{"midnight is left out on the last Friday of April", "Africa/Cairo", "00:15", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z"},
		{"the hour before midnight comes twice on the last Thursday of October", "Africa/Cairo", "23:45", "2026-10-29T12:00:00Z", "2026-10-29T20:45:00Z"},
		{"midnight is left out", "Asia/Beirut", "00:00", "2026-03-28T12:00:00Z", "2026-03-28T22:00:00Z"},
		{"the hour before midnight comes twice", "Asia/Beirut", "23:15", "2026-10-24T12:00:00Z", "2026-10-24T20:15:00Z"},
		{"half an hour is left out", "Australia/Lord_Howe", "02:15", "2026-10-03T00:00:00Z", "2026-10-03T15:30:00Z"},
		{"half an hour comes twice", "Australia/Lord_Howe", "01:45", "2026-04-04T00:00:00Z", "2026-04-04T14:45:00Z"},
		{"a zone without summer time", "Asia/Almaty", "23:00", "2026-06-01T00:00:00Z", "2026-06-01T18:00:00Z"},
		{"a zone that moved in 2024", "Asia/Almaty", "00:30", "2024-02-29T12:00:00Z", "2024-02-29T19:30:00Z"},
		{"a day that never was: the first instant after it", "Pacific/Apia", "10:00", "2011-12-29T21:00:00Z", "2011-12-30T10:00:00Z"},
		{"the leap day", "UTC", "12:00", "2028-02-28T13:00:00Z", "2028-02-29T12:00:00Z"},
		{"summer time that is no more", "America/Sao_Paulo", "00:30", "2026-10-31T12:00:00Z", "2026-11-01T03:30:00Z"},
		{"as far ahead as there is", "Pacific/Kiritimati", "00:00", "2026-01-01T12:00:00Z", "2026-01-02T10:00:00Z"},
		{"as far behind", "Pacific/Niue", "23:59", "2026-01-01T12:00:00Z", "2026-01-02T10:59:00Z"},
	} {
		t.Run(c.zone+" "+c.start+": "+c.why, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			calendar, err := New(spec(c.zone, opening(c.start, 30*time.Minute)))
			g.Expect(err).NotTo(HaveOccurred())
			id := nobody(t, 15*time.Minute)
			opens := at(t, c.opens)
			g.Expect(calendar.Next(at(t, c.now), id)).To(BeTemporally("==", opens))
			g.Expect(calendar.Next(opens.Add(-time.Second), id)).To(BeTemporally("==", opens))
			g.Expect(calendar.Next(opens, id)).To(BeTemporally("==", opens), "it is open")
			g.Expect(calendar.Next(opens.Add(19*time.Minute), id)).To(BeTemporally("==", opens.Add(19*time.Minute)))
			g.Expect(calendar.Next(opens.Add(20*time.Minute), id)).To(BeTemporally(">", opens.Add(9*time.Hour)), "nothing begins in the last third of it")
		})
	}
}

// TestR31WhatComesTwiceOpensOnce: what a summer time hides in the hour that comes twice does not open a second time.
func TestR31WhatComesTwiceOpensOnce(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	calendar, err := New(spec("Europe/London", opening("01:00", 30*time.Minute)))
	g.Expect(err).NotTo(HaveOccurred())
	id := nobody(t, 15*time.Minute)
	g.Expect(calendar.Next(at(t, "2026-10-25T00:45:00Z"), id)).To(BeTemporally("==", at(t, "2026-10-26T01:00:00Z")))
}

// TestR31TheMarginsOfAWindow: nothing begins in its last third or last ten minutes, whichever is shorter, and begins are spread over
// half of it or half an hour.
func TestR31TheMarginsOfAWindow(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	noon := at(t, "2026-06-03T12:00:00Z") // a Wednesday
	for length, want := range map[time.Duration]struct{ over, until time.Duration }{
		30 * time.Minute: {15 * time.Minute, 20 * time.Minute},
		45 * time.Minute: {22*time.Minute + 30*time.Second, 35 * time.Minute},
		5 * time.Hour:    {30 * time.Minute, 5*time.Hour - 10*time.Minute},
		24 * time.Hour:   {30 * time.Minute, 24*time.Hour - 10*time.Minute},
	} {
		calendar, err := New(spec("UTC", opening("12:00", length, "Wed")))
		g.Expect(err).NotTo(HaveOccurred())
		least, most := time.Hour, time.Duration(0)
		for id := int64(7100000000); id < 7100002000; id++ {
			from := calendar.Next(noon.Add(-time.Hour), id).Sub(noon)
			least, most = min(least, from), max(most, from)
			g.Expect(calendar.Next(noon.Add(want.until-time.Second), id)).To(BeTemporally("==", noon.Add(want.until-time.Second)), "it has its chance")
			g.Expect(calendar.Next(noon.Add(want.until), id)).To(BeTemporally(">", noon.Add(6*24*time.Hour)))
		}
		g.Expect(least).To(BeNumerically("<", want.over/50), length.String())
		g.Expect(most).To(And(BeNumerically("<", want.over), BeNumerically(">", want.over*49/50)), length.String())
	}
}

// TestR31WindowsThatOverlapAreOne: there is one begin and one end, and no margin in between.
func TestR31WindowsThatOverlapAreOne(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	calendar, err := New(spec("UTC", opening("23:00", 3*time.Hour), opening("01:00", 2*time.Hour), opening("03:00", time.Hour)))
	g.Expect(err).NotTo(HaveOccurred())
	id := nobody(t, 30*time.Minute)
	for _, open := range []string{"2026-06-03T23:00:00Z", "2026-06-04T00:55:00Z", "2026-06-04T01:05:00Z", "2026-06-04T02:59:00Z", "2026-06-04T03:49:59Z"} {
		g.Expect(calendar.Next(at(t, open), id)).To(BeTemporally("==", at(t, open)))
	}
	g.Expect(calendar.Next(at(t, "2026-06-04T03:50:00Z"), id)).To(BeTemporally("==", at(t, "2026-06-04T23:00:00Z")))

	always, err := New(spec("UTC", opening("00:00", 24*time.Hour)))
	g.Expect(err).NotTo(HaveOccurred())
	for _, open := range []string{"2026-06-03T23:59:59Z", "2026-06-04T00:00:00Z", "2026-06-04T00:05:00Z"} {
		g.Expect(always.Next(at(t, open), 7100000000)).To(BeTemporally("==", at(t, open)), "24 hours on all days")
	}
}

// TestR31TheDayIsTheOneOnWhichItStarts, past midnight too, and the day of the zone.
func TestR31TheDayIsTheOneOnWhichItStarts(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	calendar, err := New(spec("Europe/Moscow", opening("23:00", 5*time.Hour, "Mon", "Tue", "Wed", "Thu")))
	g.Expect(err).NotTo(HaveOccurred())
	id := nobody(t, 30*time.Minute)
	for now, next := range map[string]string{
		"2026-06-04T21:30:00Z": "2026-06-04T21:30:00Z", // Friday at half past midnight, of Thursday's
		"2026-06-05T12:00:00Z": "2026-06-08T20:00:00Z", // Friday: the next is Monday's
		"2026-06-07T21:30:00Z": "2026-06-08T20:00:00Z", // Monday at half past midnight is nobody's
	} {
		g.Expect(calendar.Next(at(t, now), id)).To(BeTemporally("==", at(t, next)), now)
	}
}

// TestR31EveryProcessFindsTheSame, however often it is asked: what is next stays next until it comes, and then it is open.
func TestR31EveryProcessFindsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := NewWithT(t)
		zone := rapid.SampledFrom([]string{"UTC", "Europe/London", "America/Santiago", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia", "America/St_Johns"}).Draw(t, "zone")
		var windows []v1alpha1.MaintenanceWindow
		for range rapid.IntRange(1, 4).Draw(t, "windows") {
			var days []v1alpha1.Weekday
			for _, day := range []v1alpha1.Weekday{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"} {
				if rapid.Bool().Draw(t, string(day)) {
					days = append(days, day)
				}
			}
			start := time.Duration(rapid.IntRange(0, 24*60-1).Draw(t, "start")) * time.Minute
			length := time.Duration(rapid.IntRange(30, 24*60).Draw(t, "length")) * time.Minute
			windows = append(windows, opening(time.Time{}.Add(start).Format("15:04"), length, days...))
		}
		calendar, err := New(spec(zone, windows...))
		g.Expect(err).NotTo(HaveOccurred())
		id := rapid.Int64Range(1, 1<<40).Draw(t, "id")
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 400*24*60).Draw(t, "now")) * time.Minute)
		next := calendar.Next(now, id)
		g.Expect(next).To(And(BeTemporally(">=", now), BeTemporally("<=", now.Add(8*24*time.Hour+2*time.Hour))))
		g.Expect(calendar.Next(next, id)).To(BeTemporally("==", next), "then it is open")
		if wait := next.Sub(now); wait > 0 {
			between := now.Add(time.Duration(rapid.Int64Range(0, int64(wait)-1).Draw(t, "between")))
			g.Expect(calendar.Next(between, id)).To(BeTemporally("==", next))
		}
	})
}

// TestR31WhatCannotBeReadIsAnError, of a spec that the API server has not seen.
func TestR31WhatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for want, wrong := range map[string]*v1alpha1.Maintenance{
		`time zone "Mars/Base" is not known`: spec("Mars/Base", opening("12:00", time.Hour)),
		`"25:00"`:                            spec("UTC", opening("25:00", time.Hour)),
		"not positive":                       spec("UTC", opening("12:00", 0)),
		"no window":                          spec("UTC"),
	} {
		_, err := New(wrong)
		g.Expect(err).To(MatchError(ContainSubstring(want)))
	}
}

// BenchmarkNext is what it costs to know when a window opens: far less than a call.
func BenchmarkNext(b *testing.B) {
	calendar, err := New(spec("Europe/London", opening("23:00", 5*time.Hour, "Mon", "Tue"), opening("10:00", time.Hour)))
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		calendar.Next(now, 7100000000)
	}
}
