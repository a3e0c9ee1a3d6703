// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package restarts

import (
	"github.com/greenapi-operator/greenapi-operator/internal/fairqueue"
	"github.com/greenapi-operator/greenapi-operator/internal/keys"
)

// of is a fleet, a new one where nobody was in it.
func (f *Fleets) of(name string) *fleet {
	in := f.fleets[name]
	if in == nil {
		in = &fleet{lines: map[keys.Resource]*Line{}, admitted: map[keys.Resource]*admission{}, queue: fairqueue.New()}
		f.fleets[name] = in
	}
	return in
}

// tidy forgets a fleet in which there is nothing.
func (f *Fleets) tidy(name string) {
	if in := f.fleets[name]; in != nil && len(in.lines)+len(in.admitted) == 0 && in.queue.Empty() {
		delete(f.fleets, name)
	}
}

func (f *Fleets) drop(resource keys.Resource) {
	line := f.lines[resource]
	if line == nil {
		return
	}
	delete(f.lines, resource)
	in := f.fleets[line.Fleet]
	delete(in.lines, resource)
	in.standing = nil
	f.tidy(line.Fleet)
}

func (f *Fleets) leaveQueue(resource keys.Resource) {
	known := f.waiters[resource]
	if known == nil {
		return
	}
	delete(f.waiters, resource)
	f.fleets[known.fleet].queue.Leave(&known.Waiter)
	f.tidy(known.fleet)
}

func (f *Fleets) admit(resource keys.Resource, a *admission) {
	f.admitted[resource], f.of(a.fleet).admitted[resource] = a, a
}

func (f *Fleets) dismiss(resource keys.Resource) {
	known := f.admitted[resource]
	if known == nil {
		return
	}
	delete(f.admitted, resource)
	delete(f.fleets[known.fleet].admitted, resource)
	f.tidy(known.fleet)
}

// Place is where a resource stands in its fleet.
type Place string

// The places. Told is who waits and was woken because it waits for another thing by now.
const (
	Nowhere    Place = ""
	Waiting    Place = "Waiting"
	Told       Place = "Told"
	Admitted   Place = "Admitted"
	Restarting Place = "Restarting"
)

// Look finds where a resource stands.
func (f *Fleets) Look(resource keys.Resource) Place {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch known := f.admitted[resource]; {
	case known != nil && known.until.IsZero():
		return Admitted
	case known != nil:
		return Restarting
	case f.waiters[resource] != nil && f.waiters[resource].news:
		return Told
	case f.waiters[resource] != nil:
		return Waiting
	default:
		return Nowhere
	}
}
