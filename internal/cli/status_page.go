// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// pageView shows one resource.
type pageView struct {
	*session
	terminal

	cluster  client.Reader
	instance v1alpha1.Instance
	drawn    string
}

// clearScreen moves to the top left and clears from there.
const clearScreen = "\x1b[H\x1b[2J"

// latestEvents is how many events a page shows.
const latestEvents = 5

func (p *pageView) all(ctx context.Context, found []v1alpha1.Instance) error {
	p.instance, p.drawn = found[0], p.draw(ctx, found[0])
	fmt.Fprint(p.Out, p.drawn)
	return nil
}

// changed draws the page anew: over the old one on a terminal, below it elsewhere.
func (p *pageView) changed(ctx context.Context, instance v1alpha1.Instance, deleted bool) error {
	if deleted {
		fmt.Fprintf(p.Out, "%s was deleted\n", advice.Title(instance))
		return errGone
	}
	p.instance = instance
	text := p.draw(ctx, instance)
	if text == p.drawn {
		return nil
	}
	p.drawn = text
	if p.width > 0 {
		fmt.Fprint(p.Out, clearScreen+text)
		return nil
	}
	fmt.Fprint(p.Out, "\n---\n\n"+text)
	return nil
}

// page is a page under construction.
type page struct {
	terminal
	bytes.Buffer

	now      time.Time
	instance v1alpha1.Instance
	status   *v1alpha1.InstanceStatus
}

func (p *pageView) draw(ctx context.Context, instance v1alpha1.Instance) string {
	w := &page{terminal: p.terminal, now: p.clock.Now(), instance: instance, status: instance.InstanceStatus()}
	how, claim := advice.Assess(instance, w.now), claimSeen(ctx, p.cluster, instance, w.now)
	w.heading(advice.Title(instance), how)
	w.facts(claim.text)
	w.differences()
	w.lately()
	events, err := eventsOf(ctx, p.cluster, instance)
	w.events(events, err, func(event eventsv1.Event) bool { return over(instance, event) })
	w.next(append(how.Steps, claim.steps...))
	return w.String()
}

func (w *page) heading(title string, how advice.Assessment) {
	fmt.Fprintln(w, w.paint(shadeBold, wrap(title, w.width, 0, 2)))
	shades := map[advice.Mood]shade{advice.Fine: shadeGood, advice.Waits: shadeBusy, advice.NeedsYou: shadeBad}
	// The color comes after the wrapping, which counts characters.
	word, rest, _ := strings.Cut(wrap(how.Headline, w.width, 0, 2), ":")
	fmt.Fprintln(w, w.paint(shades[how.Mood], word+":")+rest)
}

// fact writes one labeled line.
func (w *page) fact(label, text string) {
	indent := max(12, len(label)+2)
	if text != "" {
		fmt.Fprintf(w, "%-*s%s\n", indent, label+":", wrap(text, w.width, indent, indent))
	}
}

func (w *page) facts(claim string) {
	core, status := w.instance.Core(), w.status
	fmt.Fprintln(w)
	if number := instance.Number(w.instance); number != 0 {
		w.fact("Instance", fmt.Sprintf("%d at %s", number, cmp.Or(status.APIURL, core.APIURL, "the operator's default address")))
	} else {
		w.fact("Instance", "not known yet: its claim has none")
	}
	w.fact("Claim", claim)
	w.fact("State", w.state())
	w.fact("Phone", status.Phone)
	w.fact("Account", w.account())
	if status.HistorySyncProgress != nil {
		w.fact("History", fmt.Sprintf("%d%% of the chats loaded", *status.HistorySyncProgress))
	}
	w.fact("Policy", policyText(core.Policy()))
	w.fact("Manages", cmp.Or(strings.Join(status.ManagedSettings, ", "), "no setting"))
	w.fact("Next window", w.nextWindow())
	w.fact("Age", ago(w.now, w.instance.GetCreationTimestamp().Time))
	if advice.Behind(w.instance) {
		w.fact("Note", "the latest edit of the manifest was not compared with the vendor's settings yet")
	}
}

// account is the account's own name at the vendor, or how much the operator shows of the account where that is not all of it.
func (w *page) account() string {
	limited := map[v1alpha1.AccountDetails]string{
		v1alpha1.AccountMasked: "masked (account details: Masked)",
		v1alpha1.AccountNone:   "not shown (account details: None)",
	}
	return cmp.Or(limited[w.status.AccountDetails], w.status.ChatID, w.status.DeviceID)
}

func (w *page) state() string {
	if len(w.status.Conditions) == 0 {
		return "not known yet"
	}
	text := cmp.Or(w.status.StateInstance, "not known yet")
	if at := w.status.StateChangedTime; at != nil {
		text = cmp.Or(w.status.StateInstance, "creating") + " for " + ago(w.now, at.Time)
	}
	if until := w.status.SuspendedUntil; until != nil {
		text += ", restricted until " + until.UTC().Format(time.RFC3339)
	}
	return text
}

func policyText(policy v1alpha1.ReconcilePolicy) string {
	switch policy {
	case v1alpha1.PolicyOnSpecChange:
		return "OnSpecChange (changes are written, drift is only reported)"
	case v1alpha1.PolicyObserve:
		return "Observe (nothing is ever written)"
	case v1alpha1.PolicyEnforce:
		return "Enforce (changes are written, drift is corrected)"
	default:
		return string(policy)
	}
}

// section writes a heading of its own.
func (w *page) section(name string) {
	fmt.Fprintf(w, "\n%s\n", w.paint(shadeBold, name))
}

// item writes a line of a section.
func (w *page) item(text string) { fmt.Fprint(w, w.itemText(text)) }

func (w *page) itemText(text string) string { return "  " + wrap(text, w.width, 2, 4) + "\n" }

// differences are what is not as the manifest wants it.
func (w *page) differences() {
	if changes := w.status.PendingChanges; len(changes) > 0 {
		w.section("What differs")
		g := &grid{terminal: w.terminal, indent: 2, columns: []column{{name: "SETTING"}, {name: "MANIFEST"}, {name: "VENDOR"}}}
		g.narrow = func(row []gridCell) string {
			return w.itemText(fmt.Sprintf("%s: %s in the manifest, %s at the vendor", row[0].text, row[1].text, row[2].text))
		}
		var rows [][]gridCell
		for _, c := range changes {
			rows = append(rows, []gridCell{{text: c.Setting}, {text: quoteEmpty(c.Desired)}, {text: quoteEmpty(c.Observed)}})
		}
		g.print(w, rows)
	}
	if len(w.status.Abandoned) > 0 {
		w.section("No longer written")
		for _, entry := range w.status.Abandoned {
			w.item(fmt.Sprintf("%s, since %s: %s (%s)", entry.Setting, ago(w.now, entry.Time.Time), abandonText(entry.Reason), entry.Reason))
		}
	}
}

// quoteEmpty makes an empty value visible.
func quoteEmpty(value string) string {
	if value == "" {
		return `""`
	}
	return value
}

func abandonText(reason v1alpha1.AbandonReason) string {
	switch reason {
	case v1alpha1.AbandonNotPersisted:
		return "the vendor said yes and kept the old value every time"
	case v1alpha1.AbandonNotSupported:
		return "the vendor does not show it even after it was written"
	case v1alpha1.AbandonFlapping:
		return "something else keeps changing it back"
	default:
		return "see the message of condition Synced"
	}
}

// lately is the last write and the restarts.
func (w *page) lately() {
	apply, restarts, rotation := w.status.Apply, w.status.Restarts, rotationsOf(w.status)
	if apply == nil && (restarts == nil || restarts.Total == 0) && len(rotation) == 0 {
		return
	}
	w.section("What happened lately")
	if apply != nil {
		w.item(fmt.Sprintf("%s ago: wrote %s (%s, attempt %d)", ago(w.now, apply.StartedTime.Time), strings.Join(writtenSettings(apply), ", "), apply.Reason, apply.Attempt))
		at := ""
		if apply.FinishedTime != nil {
			at = ago(w.now, apply.FinishedTime.Time) + " ago: "
		}
		w.item(at + advice.LowerFirst(outcomeText(apply.Outcome)) + fmt.Sprintf(" (%s)", apply.Outcome))
	}
	if restarts != nil && restarts.Total > 0 {
		text := fmt.Sprintf("Restarts that this operator caused: %d", restarts.Total)
		if restarts.LastTime != nil {
			text += fmt.Sprintf(", the last %s ago (%s)", ago(w.now, restarts.LastTime.Time), restarts.LastReason)
		}
		w.item(text)
	}
	for _, h := range rotation {
		w.item(fmt.Sprintf("%s ago: %s (%s)", ago(w.now, h.Time.Time), advice.LowerFirst(h.Message), h.Reason))
	}
}

// events are the latest events, or why there are none.
func (w *page) events(events []eventsv1.Event, err error, over func(eventsv1.Event) bool) {
	switch {
	case err != nil:
		w.section("Events")
		w.item("not shown: " + strings.ReplaceAll(explain(err, "Events").Error(), "\n", ". "))
	case len(events) > 0:
		w.section("Events")
		if len(events) > latestEvents {
			events = events[len(events)-latestEvents:]
		}
		for _, event := range events {
			end := ""
			if over(event) {
				end = " (over)"
			}
			w.item(fmt.Sprintf("%s ago: %s%s", ago(w.now, eventTime(event)), event.Note, end))
		}
	}
}

func (w *page) next(steps []string) {
	if len(steps) == 0 {
		return
	}
	w.section("What to do")
	for _, step := range steps {
		w.item(step)
	}
}
