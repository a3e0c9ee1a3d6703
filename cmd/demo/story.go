// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// pollInterval is how often a line is looked at until it holds.
	pollInterval = 100 * time.Millisecond
	// soon is how long a line usually waits; it is long for a slow machine, for a line that holds costs no more.
	soon = 30 * time.Second
)

// story is what is shown, scene by scene. Within a scene the lines build on each other: once one has failed, the rest
// of the scene is skipped.
type story struct {
	*stage
	skip bool
	// corrected is when the scene of drift was over.
	corrected mark
	// unkept is when nothing was kept any more.
	unkept mark
}

// tell tells the whole story. It returns an error only if it cannot go on; a line that does not hold is counted by the
// narrator.
func (s *story) tell(ctx context.Context) error {
	scenes := []struct {
		title string
		// vital means that without this scene the others make no sense.
		vital bool
		play  func(context.Context)
	}{
		{"The manager runs with its own role only", true, s.rights},
		{"Instances are declared", true, s.declare},
		{"Somebody changes settings in the vendor's console", false, s.drift},
		{"The vendor says yes and does not keep a value", false, s.notKept},
		{"Meanwhile, support-line gets another API token", false, s.rotate},
		{"The messenger suspends an account, and lets it go", false, s.suspend},
		{"A bad commit, and a window that opens", false, s.rollout},
		{"A line is born, and dies", false, s.claim},
		{"Back to sales-line, whose value is not kept", false, s.giveUp},
		{"In the end there is peace", false, s.rest},
		{"And nothing is left to explain", false, s.accounts},
	}
	for _, scene := range scenes {
		s.say.scene(scene.title)
		s.skip = false
		scene.play(ctx)
		if cause := context.Cause(ctx); cause != nil {
			s.say.clear()
			return cause
		}
		if s.skip && scene.vital {
			s.say.note("The rest of the story needs this, so it ends here.")
			break
		}
	}
	if s.say.failed > 0 {
		s.showLogs(nil)
	}
	return nil
}

// state says how far a look got.
type state int

const (
	// notYet: it may hold later.
	notYet state = iota
	// holds: it was seen to hold.
	holds
	// never: it cannot hold any more.
	never
)

// look is what was seen of a line.
type look struct {
	state state
	seen  string
}

// line is one statement of the story.
type line struct {
	// text is what is shown, and detail below it; expected is what is looked for in other words.
	text, detail, expected string
	// timed adds how long it took.
	timed bool
	// within is how long it may take to hold.
	within time.Duration
	// look looks once. An error of asking counts as not yet.
	look func(context.Context) (look, error)
}

// check waits until a line holds, and shows whether it did.
func (s *story) check(ctx context.Context, l line) {
	if s.skip || ctx.Err() != nil {
		return
	}
	s.say.showWaiting(l.text)
	began, last := time.Now(), look{}
	_ = wait.PollUntilContextTimeout(ctx, pollInterval, l.within, true, func(ctx context.Context) (bool, error) {
		seen, err := l.look(ctx)
		switch {
		case err == nil:
			last = seen
		case ctx.Err() == nil:
			last = look{seen: err.Error()}
		}
		return last.state != notYet, nil
	})
	switch {
	case ctx.Err() != nil:
	case last.state == holds:
		if l.timed {
			l.text += fmt.Sprintf(" (after %.1f s)", time.Since(began).Seconds())
		}
		s.say.hold(l.text)
		if l.detail != "" {
			s.say.note("  " + l.detail)
		}
	default:
		s.skip = true
		if last.state == notYet {
			l.expected += ", within " + l.within.String()
		}
		s.say.fail(l.text, l.expected, last.seen)
	}
}

// do does something that the story needs. If that fails, it is shown as a line that did not hold.
func (s *story) do(ctx context.Context, text string, action func(context.Context) error) {
	if s.skip || ctx.Err() != nil {
		return
	}
	if err := action(ctx); err != nil && ctx.Err() == nil {
		s.skip = true
		s.say.fail(text, "no error", err.Error())
	}
}

// note tells of something, unless the scene is over.
func (s *story) note(sentences ...string) {
	if !s.skip {
		s.say.note(sentences...)
	}
}
