// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	eventsv1 "k8s.io/api/events/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

const (
	// quietTime is how long nothing may happen in the end, quietLooks how often each instance must be looked at then.
	quietTime  = 6 * time.Second
	quietLooks = 2
)

// rest sees that there is nothing more to do.
func (s *story) rest(ctx context.Context) { s.check(ctx, s.quiet(ctx)) }

// accounts sees what was left behind by all that was done. These lines do not build on each other.
func (s *story) accounts(ctx context.Context) {
	for _, l := range []line{{
		text:     "every restart is accounted for: the operator's counts are the emulator's",
		expected: "the same number in status.restarts.total and at the emulator", within: soon,
		look: s.lookForRestarts,
	}, {
		text:     "the API server refused the manager nothing: it has all the rights it needs",
		expected: "no \"" + refusal + "\" in the manager's log", within: soon,
		look: s.lookForRefusals,
	}, {
		text:     "no token stands in a resource, in an event, or in the manager's log",
		expected: "none of the tokens anywhere", within: soon,
		look: s.lookForTokens,
	}} {
		s.skip = false
		s.check(ctx, l)
	}
}

// quiet is a line that holds when for some seconds nothing was written, neither at the vendor nor in Kubernetes, though
// it was looked.
func (s *story) quiet(ctx context.Context) line {
	marks, versions, began := map[string]mark{}, map[string]string{}, time.Now()
	for name := range s.samples {
		marks[name] = s.mark(ctx, name)
		s.do(ctx, "the resources are read", func(ctx context.Context) error {
			i, err := s.resource(ctx, name)
			versions[name] = i.GetResourceVersion()
			return err
		})
	}
	return line{
		text:     fmt.Sprintf("%.0f seconds and %d looks at each: no setSettings, and no write to a resource", quietTime.Seconds(), quietLooks),
		expected: "getSettings only, and the same resourceVersions", within: soon,
		look: func(ctx context.Context) (look, error) {
			all := look{state: holds, seen: fmt.Sprintf("after %.0f seconds", time.Since(began).Seconds())}
			if time.Since(began) < quietTime {
				all.state = notYet
			}
			for name, since := range marks {
				one, err := s.lookForQuiet(ctx, name, since, versions[name])
				if err != nil {
					return look{}, err
				}
				all = all.and(one)
			}
			return all, nil
		},
	}
}

func (s *story) lookForQuiet(ctx context.Context, name string, since mark, version string) (look, error) {
	i, err := s.resource(ctx, name)
	if err != nil {
		return look{}, err
	}
	unwritten, err := s.writes(ctx, name, since, 0, nil)
	if err != nil {
		return look{}, err
	}
	read, err := s.vendor.Calls(ctx, i.Core().IDInstance, sandbox.MethodRead, since.seq)
	if err != nil {
		return look{}, err
	}
	looked := look{seen: fmt.Sprintf("%s: %s", name, plural(len(read), "look"))}
	switch {
	case i.GetResourceVersion() != version:
		looked.state, looked.seen = never, fmt.Sprintf("%s was written: %s", name, summary(i))
	case len(read) >= quietLooks:
		looked.state = holds
	}
	return looked.and(unwritten), nil
}

func (s *story) lookForRestarts(ctx context.Context) (look, error) {
	all := look{state: holds}
	for _, name := range slices.Sorted(maps.Keys(s.samples)) {
		i, err := s.resource(ctx, name)
		if err != nil {
			return look{}, err
		}
		in, err := s.vendor.Get(ctx, i.Core().IDInstance)
		if err != nil {
			return look{}, err
		}
		counted := int64(0)
		if i.InstanceStatus().Restarts != nil {
			counted = i.InstanceStatus().Restarts.Total
		}
		if counted != int64(in.Restarts) {
			all.state = never
		}
		all.seen += fmt.Sprintf("%s %d and %d; ", name, counted, in.Restarts)
	}
	return all, nil
}

// refusal is the API server's word when somebody lacks a right.
const refusal = "forbidden"

func (s *story) lookForRefusals(context.Context) (look, error) {
	log, err := os.ReadFile(s.log(nameManager))
	if err != nil {
		return look{}, err
	}
	for text := range strings.Lines(string(log)) {
		if strings.Contains(text, refusal) {
			return look{state: never, seen: strings.TrimSpace(text)}, nil
		}
	}
	return look{state: holds}, nil
}

// lookForTokens searches all that the operator writes for all tokens that were ever in use.
func (s *story) lookForTokens(ctx context.Context) (look, error) {
	var events eventsv1.EventList
	instances := make([]v1alpha1.Instance, 0, len(s.samples))
	for name := range s.samples {
		i, err := s.resource(ctx, name)
		if err != nil {
			return look{}, err
		}
		instances = append(instances, i)
	}
	if err := s.admin.List(ctx, &events); err != nil {
		return look{}, err
	}
	log, err := os.ReadFile(s.log(nameManager))
	if err != nil {
		return look{}, err
	}
	if len(instances) == 0 || len(events.Items) == 0 || len(log) == 0 {
		return look{seen: "nothing to search"}, nil
	}
	places := map[string][]byte{"the manager's log": log}
	if places["a resource"], err = json.Marshal(instances); err != nil {
		return look{}, err
	}
	if places["an event"], err = json.Marshal(events); err != nil {
		return look{}, err
	}
	var found []string
	for place, text := range places {
		for _, token := range s.say.out.secrets {
			if bytes.Contains(text, []byte(token)) {
				found = append(found, "a token in "+place)
				break
			}
		}
	}
	if len(found) > 0 {
		return look{state: never, seen: strings.Join(found, ", ")}, nil
	}
	return look{state: holds}, nil
}
