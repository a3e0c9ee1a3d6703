// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"strings"
)

// publish tells of what a pass changed, once it is stored: in the log, in events and in metrics.
func (r *Reconciler) publish(ctx context.Context, p *pass) {
	facts := p.facts()
	logFacts(ctx, facts)
	r.recordEvents(p, facts)
	if p.reboot.news {
		p.memory.stuckTold = true
	}
	r.Metrics.count(r.Kind.Name, p)
}

// recordEvents makes the events about facts.
func (r *Reconciler) recordEvents(p *pass, facts []fact) {
	for _, f := range facts {
		if e := f.event; e.reason != "" {
			r.Recorder.Eventf(p.instance, nil, e.eventType, e.reason, e.action, "%s", cut(e.note))
		}
	}
}

// maxNote is how many bytes the note of an event may have; the API server refuses a longer one.
const maxNote = 1024

// cut makes a note fit that names very many settings.
func cut(note string) string {
	const more = " …"
	if len(note) <= maxNote {
		return note
	}
	return strings.ToValidUTF8(note[:maxNote-len(more)], "") + more
}
