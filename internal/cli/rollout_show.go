// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// shownFailures is how many failures are named to people; -o json names all.
const shownFailures = 10

// part is a number and what it counts.
type part struct {
	count int
	text  string
	shade shade
	// more is what else is known of it at some time, nil for nothing.
	more func(now time.Time) string
}

// parts are the numbers, in the order in which a change goes through them.
func (p progressOfAll) parts() []part {
	return []part{
		{p.InEffect, "in effect", shadeGood, nil},
		{p.Restarting, "restarting", shadeBusy, nil},
		{p.WaitingForWindow, "waiting for a window", shadeBusy, p.windowText},
		{p.WaitingForTurn, "waiting for a turn", shadeBusy, p.aboutText},
		{p.NotCompared, "not compared yet", shadeBusy, nil},
		{p.Halted, "halted", shadeBad, nil},
		{p.Failed, "failed", shadeBad, nil},
		{p.LeftAsItIs, "left as they are (paused, or by their policy)", shadeFaint, nil},
	}
}

// show prints everything that is known.
func (v *rolloutVerb) show(p progressOfAll) error {
	if v.output != "" {
		return printStructured(v.Out, v.output, indentTwo, p)
	}
	fmt.Fprint(v.Out, p.block(terminalOf(v.Out), v.clock.Now()))
	return nil
}

// block is a page about a rollout.
func (p progressOfAll) block(on terminal, now time.Time) string {
	w := &page{terminal: on, now: now}
	words := map[string]struct {
		text  string
		shade shade
	}{rolloutComplete: {"Complete", shadeGood}, rolloutUnderWay: {"Under way", shadeBusy}, rolloutHalted: {"Halted", shadeBad}, rolloutFailed: {"Failed", shadeBad}}
	word := words[p.Outcome]
	fmt.Fprintf(w, "%s %d of %d in effect\n\n", w.paint(word.shade, word.text+":"), p.InEffect, p.Total)
	width := len(fmt.Sprint(p.Total))
	for _, part := range p.parts() {
		if part.count > 0 {
			text := part.text
			if part.more != nil {
				text += part.more(now)
			}
			fmt.Fprintf(w, "  %*d  %s\n", width, part.count, wrap(text, w.width, width+4, width+4))
		}
	}
	if len(p.Failures) > 0 {
		w.section("Failed")
		for _, failure := range p.Failures[:min(len(p.Failures), shownFailures)] {
			w.item(p.failureText(failure, now))
		}
		if more := len(p.Failures) - shownFailures; more > 0 {
			w.item(fmt.Sprintf("and %d more, which -o json names", more))
		}
	}
	if p.haltedText != "" {
		w.section("Halted")
		w.item(p.haltedText)
	}
	w.next(p.steps())
	return w.String()
}

// windowText is when the windows open, as far as that is known.
func (p progressOfAll) windowText(now time.Time) string {
	if p.NextWindow == nil {
		return ""
	}
	first, last := p.NextWindow.First.Time, p.NextWindow.Last.Time
	text := ": it opens on " + windowText(p.soonest, first) + ", " + untilText(now, first)
	if last.After(first) {
		text += "; for the last of them on " + windowText(p.last, last)
	}
	return text
}

// aboutText is how long it takes at the present pace, if there is one.
func (p progressOfAll) aboutText(time.Time) string {
	if p.AboutSeconds == 0 {
		return ""
	}
	return ": about " + duration.HumanDuration(time.Duration(p.AboutSeconds)*time.Second) + " at the pace of the last ten minutes"
}

// failureText names who failed and why.
func (p progressOfAll) failureText(failure failureOf, now time.Time) string {
	name := failure.Namespace + "/" + failure.Name
	if p.mixed {
		name = instance.KindOf(failure.resource).ShortName + " " + name
	}
	text := fmt.Sprintf("%s, %s ago: %s", name, ago(now, failure.Time.Time), failure.Reason)
	if failure.Message != "" {
		text += ": " + strings.TrimSuffix(failure.Message, ".")
	}
	return text
}

// steps are what to do next.
func (p progressOfAll) steps() []string {
	var steps []string
	if len(p.Failures) > 0 {
		steps = append(steps, "See one that failed: kubectl greenapi status "+advice.Argument(p.Failures[0].resource))
	}
	if p.Halted > 0 {
		steps = append(steps, "Take the change back, or put right what failed. One instance is tried from time to time (--retry-apply-after of the manager), and it goes on once that ends well")
	}
	return steps
}

// settleBeforeLine is how long a watch gathers what changes before it counts anew.
const settleBeforeLine = time.Second

// watch prints when the numbers change, until the change is complete or the context ends.
func (v *rolloutVerb) watch(ctx context.Context, cluster client.WithWatch, found []v1alpha1.Instance, shown progressOfAll) error {
	looking := &statusVerb{session: v.session, selection: v.selection}
	options, err := looking.watched()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	seen := make(chan sighting)
	for _, kind := range instance.Kinds {
		looking.inform(ctx, source{cluster, kind, options, seen}, found)
	}
	all := newGathering(found)
	var count <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case s := <-seen:
			if s.err != nil {
				return s.err
			}
			all.note(s)
			if count == nil {
				count = v.clock.After(settleBeforeLine)
			}
		case <-count:
			count = nil
			p := progressOver(all.list(), v.clock.Now())
			if p.line() != shown.line() || p.haltedText != shown.haltedText {
				shown = p
				if err := v.showChange(p); err != nil {
					return err
				}
			}
			if p.Outcome == rolloutComplete {
				return nil
			}
		}
	}
}

// showChange prints new numbers: a line for people, the whole for programs. Who failed is said in full.
func (v *rolloutVerb) showChange(p progressOfAll) error {
	if v.output != "" {
		if v.output == "yaml" {
			fmt.Fprintln(v.Out, "---")
		}
		return v.show(p)
	}
	if p.Halted+p.Failed > 0 || p.Outcome == rolloutComplete {
		fmt.Fprintln(v.Out, "\n---")
		fmt.Fprintln(v.Out)
		return v.show(p)
	}
	fmt.Fprintf(v.Out, "%s  %s\n", v.clock.Now().Format(time.TimeOnly), p.line())
	return nil
}
