// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// mark is a point in the story from which calls and restarts of an instance are counted.
type mark struct {
	seq, restarts int
}

// mark marks this point for an instance.
func (s *story) mark(ctx context.Context, name string) mark {
	var m mark
	s.do(ctx, "the emulator tells of its calls", func(ctx context.Context) error {
		in, err := s.vendor.Get(ctx, s.samples[name].id())
		if err != nil {
			return err
		}
		m.restarts = in.Restarts
		m.seq, err = s.vendor.Latest(ctx)
		return err
	})
	return m
}

// writes looks whether exactly so many setSettings came since a mark, each with exactly these settings and each with
// one restart.
func (s *story) writes(ctx context.Context, name string, since mark, count int, settings map[string]any) (look, error) {
	id := s.samples[name].id()
	calls, err := s.vendor.Calls(ctx, id, sandbox.MethodSet, since.seq)
	if err != nil {
		return look{}, err
	}
	in, err := s.vendor.Get(ctx, id)
	if err != nil {
		return look{}, err
	}
	restarts := in.Restarts - since.restarts
	seen := look{seen: fmt.Sprintf("%s and %s", plural(restarts, "restart"), describe(calls))}
	for _, call := range calls {
		if call.Status != 0 && !sameSettings(call.Body, settings) {
			seen.state = never
			seen.seen += ", not all as they should be"
			break
		}
	}
	switch {
	case seen.state == never:
	case len(calls) > count || restarts > count:
		seen.state = never
	case len(calls) == count && restarts == count:
		seen.state = holds
	}
	return seen, nil
}

// sameSettings compares the body of a call with what it should be.
func sameSettings(body any, wanted map[string]any) bool {
	sent, ok := body.(map[string]any)
	return ok && maps.EqualFunc(sent, wanted, same)
}

// same compares two values of JSON: a whole number is an int on one side and a float on the other.
func same(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// describe names the settings of calls, never their values: one of them is a token.
func describe(calls []emulator.Call) string {
	if len(calls) == 0 {
		return "no setSettings"
	}
	parts := make([]string, 0, len(calls))
	for _, call := range calls {
		settings, ok := call.Body.(map[string]any)
		if !ok {
			parts = append(parts, "something that is no JSON object")
			continue
		}
		parts = append(parts, names(settings))
	}
	return fmt.Sprintf("%s with %s", plural(len(calls), sandbox.MethodSet), strings.Join(parts, ", then "))
}

// names lists the names of settings.
func names(settings map[string]any) string {
	return "{" + strings.Join(slices.Sorted(maps.Keys(settings)), ", ") + "}"
}

// plural counts things; the name of a method is the same for any number of calls.
func plural(count int, what string) string {
	if count != 1 && what != sandbox.MethodSet {
		what += "s"
	}
	return fmt.Sprintf("%d %s", count, what)
}

// and joins two looks: the line holds once both do.
func (l look) and(other look) look {
	joined := look{seen: l.seen + "; " + other.seen}
	switch {
	case l.state == never || other.state == never:
		joined.state = never
	case l.state == holds && other.state == holds:
		joined.state = holds
	}
	return joined
}
