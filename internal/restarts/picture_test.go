// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package restarts

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
)

var update = flag.Bool("update", false, "write docs/images/rollout.svg anew")

// What is played: a change of so many lines of one namespace, of which a quarter may restart at once.
const (
	changed, turns = 1000, 250
	played         = 36 * time.Minute
)

// change is a change of a fleet, played with the types that decide it in the operator, and a clock that is moved.
type change struct {
	fleets *Fleets
	budget *Budget
	now    time.Time
	bad    func(line int) bool
	lines  []fairqueue.Waiter
	// ready are those who ask at the present time, in the order in which they were woken or fell due.
	ready []int
	// asks is when somebody asks for itself, ends when its restart ends.
	asks, ends map[int]time.Time
	// over are those that were restarted: a line restarts once for one change.
	over map[int]bool
	// begun is how many had been restarted at the end of each second.
	begun []int
}

func playChange(rules Rules, bad func(line int) bool, long time.Duration) *change {
	c := &change{fleets: NewFleets(rules), budget: NewBudget(), now: start, bad: bad, asks: map[int]time.Time{}, ends: map[int]time.Time{}, over: map[int]bool{}}
	for i := range changed {
		c.lines = append(c.lines, asking("shop", i, func(types.NamespacedName) { c.ready = append(c.ready, i) }))
		c.ready = append(c.ready, i)
	}
	for begun := 0; c.now.Before(start.Add(long)); c.now = c.now.Add(time.Second) {
		for i := range changed {
			if at, due := c.ends[i]; due && !c.now.Before(at) {
				c.end(i)
			}
			if at, due := c.asks[i]; due && !c.now.Before(at) {
				delete(c.asks, i)
				c.ready = append(c.ready, i)
			}
		}
		for len(c.ready) > 0 {
			i := c.ready[0]
			if c.ready = c.ready[1:]; c.begin(i) {
				begun++
			}
		}
		c.begun = append(c.begun, begun)
	}
	return c
}

// begin restarts a line if its fleet and its turn let it.
func (c *change) begin(i int) bool {
	line := c.lines[i]
	if _, under := c.ends[i]; under || c.over[i] {
		return false
	}
	answer := c.fleets.Ask(Ask{Waiter: line, Fleet: "shop", First: true}, c.now)
	if !answer.OK {
		if !answer.Again.IsZero() {
			c.asks[i] = answer.Again
		}
		return false
	}
	if _, ok := c.budget.Acquire(line, turns, c.now); !ok {
		return false
	}
	until := c.now.Add(settle + settle/10)
	c.fleets.Begin(line.Resource, until)
	c.budget.Start(line, false, c.now, until)
	c.fleets.Note(line.Resource, Line{Fleet: "shop", Started: c.now, Until: until, First: true})
	// A good one is seen in effect after a while that is not the same for all; a bad one not before the settle time is over.
	c.ends[i] = c.now.Add(80*time.Second + time.Duration(i*37%60)*time.Second)
	if c.bad(i) {
		c.ends[i] = c.now.Add(settle)
	}
	return true
}

// end is the end of a restart. Who ended badly tries again after --retry-apply-after, which is no first attempt and left out here.
func (c *change) end(i int) {
	line := Line{Fleet: "shop", Started: c.ends[i].Add(-time.Minute), Well: c.now}
	if c.bad(i) {
		line.Well, line.Badly, line.Why = time.Time{}, c.now, "SettingsNotPersisted"
	}
	delete(c.ends, i)
	c.over[i] = true
	resource := c.lines[i]
	c.fleets.Note(resource.Resource, line)
	c.fleets.Release(resource.Resource)
	c.budget.Release(resource.Resource, resource.Instance)
	c.fleets.Grant(c.now)
	c.budget.GrantFree(c.now, func() int { return turns })
}

// after is how many had been restarted after so many minutes.
func (c *change) after(minutes int) int { return c.begun[minutes*60-1] }

// TestThePictureOfAChange plays a change of 1,000 lines, good and bad, with the defaults and with --restart-slow-start=0, and holds
// docs/images/rollout.svg to it.
func TestThePictureOfAChange(t *testing.T) {
	g := NewWithT(t)
	slow := Rules{SlowStart: 1, BrakeAfter: 2, ProbeAfter: probe}
	none, all := func(int) bool { return false }, func(int) bool { return true }
	good, goodAtOnce := playChange(slow, none, played), playChange(Rules{}, none, played)
	bad, badAtOnce := playChange(slow, all, played), playChange(Rules{}, all, played)
	some := playChange(slow, func(line int) bool { return line%100 == 57 }, 3*time.Hour)

	g.Expect(good.begun[0]).To(Equal(1))
	g.Expect(good.begun[len(good.begun)-1]).To(Equal(changed), "all of them go out")
	g.Expect([]int{bad.after(6), bad.after(12), bad.after(27), bad.after(28), bad.after(36)}).To(Equal([]int{1, 2, 2, 3, 3}), "two, and one that is tried 15 minutes later")
	g.Expect(badAtOnce.begun[0]).To(Equal(turns))
	g.Expect([]int{badAtOnce.after(7), badAtOnce.after(13), badAtOnce.after(19)}).To(Equal([]int{500, 750, changed}))
	// What docs/design/rollout.md says, in minutes.
	g.Expect(first(good.begun, changed/2)).To(BeNumerically("<=", 15*time.Minute))
	g.Expect(first(good.begun, changed)).To(BeNumerically("<=", 19*time.Minute))
	g.Expect(first(goodAtOnce.begun, changed)).To(BeNumerically("<=", 7*time.Minute))
	g.Expect(first(some.begun, changed)).To(BeNumerically("<=", 21*time.Minute))
	g.Expect(some.begun[len(some.begun)-1]).To(Equal(changed), "some bad ones stop nobody for ever")

	picture := draw([]plot{
		{"A good change: lines restarted", []curve{{"slow start", "#1f6fb2", good.begun}, {"--restart-slow-start=0", "#c0392b", goodAtOnce.begun}}, ""},
		{"A bad change: lines restarted", []curve{{"slow start and brake", "#1f6fb2", bad.begun}, {"--restart-slow-start=0", "#c0392b", badAtOnce.begun}}, fmt.Sprintf("%d of %d", bad.begun[len(bad.begun)-1], changed)},
	})
	file := filepath.Join("..", "..", "docs", "images", "rollout.svg")
	if *update {
		g.Expect(os.WriteFile(file, []byte(picture), 0o600)).To(Succeed())
	}
	stored, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(stored)).To(Equal(picture), "write it anew: go test ./internal/restarts -run TestThePictureOfAChange -update")
}

// first is after how long so many had begun.
func first(begun []int, many int) time.Duration {
	return time.Duration(slices.IndexFunc(begun, func(n int) bool { return n >= many })) * time.Second
}

// plot is one of the two pictures, curve a line in it. note stands at the end of the first curve.
type plot struct {
	title  string
	curves []curve
	note   string
}

type curve struct {
	name, color string
	begun       []int
}

// draw draws plots side by side.
func draw(plots []plot) string {
	const wide, high, top, step = 300.0, 180.0, 60.0, 390.0
	var b strings.Builder
	line := func(format string, arguments ...any) { fmt.Fprintf(&b, format+"\n", arguments...) }
	line(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 770 320" width="770" height="320" font-family="sans-serif" font-size="11" role="img">`)
	line(`<title>The first minutes of a change of %d lines</title>`, changed)
	line(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	line(`<text x="20" y="22" font-size="14" font-weight="bold" fill="#222222">The first minutes of a change of %d lines</text>`, changed)
	for i, p := range plots {
		left := 55 + float64(i)*step
		x := func(second int) float64 { return left + wide*float64(second)/played.Seconds() }
		y := func(n int) float64 { return top + high*(1-float64(n)/changed) }
		line(`<text x="%.1f" y="%.1f" dy="-10" font-weight="bold" fill="#222222">%s</text>`, left, top, p.title)
		for n := 0; n <= changed; n += 250 {
			line(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#dddddd"/>`, left, left+wide, y(n), y(n))
			line(`<text x="%.1f" y="%.1f" dx="-6" dy="4" text-anchor="end" fill="#444444">%d</text>`, left, y(n), n)
		}
		for minute := 0; minute <= int(played.Minutes()); minute += 6 {
			line(`<text x="%.1f" y="%.1f" dy="16" text-anchor="middle" fill="#444444">%d min</text>`, x(minute*60), top+high, minute)
		}
		for j, c := range p.curves {
			var path []string
			for second, n := range c.begun {
				if edge := second == 0 || second == len(c.begun)-1; edge || n != c.begun[second-1] || n != c.begun[second+1] {
					path = append(path, fmt.Sprintf("%.1f,%.1f", x(second), y(n)))
				}
			}
			line(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, strings.Join(path, " "), c.color)
			under := top + high + 40 + float64(j)*18
			line(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="2"/>`, left, left+24, under-4, under-4, c.color)
			line(`<text x="%.1f" y="%.1f" fill="#222222">%s</text>`, left+30, under, c.name)
		}
		if begun := p.curves[0].begun; p.note != "" {
			line(`<text x="%.1f" y="%.1f" dy="-7" text-anchor="end" fill="%s">%s</text>`, left+wide, y(begun[len(begun)-1]), p.curves[0].color, p.note)
		}
	}
	line(`</svg>`)
	return b.String()
}
