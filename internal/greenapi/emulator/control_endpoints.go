// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// endpoints are all of the control interface, in the order in which README.md shows them.
func endpoints() []endpoint {
	const instance = `{"idInstance": 7107000001, "apiTokenInstance": "secret"}`
	const fault = `{"method": "setSettings", "status": 502}`
	return append([]endpoint{
		{pattern: "GET /emulator/healthz", serve: (*Server).controlHealth},
		{pattern: "GET /emulator/instances", serve: (*Server).controlList},
		{pattern: "POST /emulator/instances", serve: (*Server).controlCreate, example: instance},
		{pattern: "GET /emulator/instances/{id}", serve: (*Server).controlGet},
		{pattern: "PUT /emulator/instances/{id}", serve: (*Server).controlPut, example: instance},
		{pattern: "PATCH /emulator/instances/{id}", serve: (*Server).controlPatch, example: `{"stateInstance": "blocked"}`},
		{pattern: "DELETE /emulator/instances/{id}", serve: (*Server).controlRemove},
		{pattern: "POST /emulator/instances/{id}/edit", serve: (*Server).controlEdit, example: `{"incomingWebhook": "no"}`},
		{pattern: "POST /emulator/instances/{id}/state", serve: (*Server).controlState,
			example: `{"stateInstance": "blocked"} or {"stateInstance": "starting", "for": "90s", "then": "authorized"}`},
		{pattern: "POST /emulator/instances/{id}/suspend", serve: (*Server).controlSuspend,
			example: `{"for": "1h"}, {"until": 4102444800} (unix seconds), or {} for a suspension whose end is not known`},
		{pattern: "GET /emulator/faults", serve: (*Server).controlFaults},
		{pattern: "POST /emulator/faults", serve: (*Server).controlAddFaults, example: fault + ", or a list of such"},
		{pattern: "DELETE /emulator/faults", serve: (*Server).controlClearFaults},
		{pattern: "GET /emulator/calls", serve: (*Server).controlCalls},
		{pattern: "DELETE /emulator/calls", serve: (*Server).controlResetCalls},
	}, partnerEndpoints()...)
}

func (s *Server) controlHealth(*request) (int, any, error) {
	return http.StatusOK, map[string]string{"status": "ok"}, nil
}

func (s *Server) controlList(*request) (int, any, error) {
	return http.StatusOK, s.Instances(), nil
}

func (s *Server) controlCreate(r *request) (int, any, error) {
	var in Instance
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if _, exists := s.Get(in.ID); exists {
		return 0, nil, &controlError{http.StatusConflict, fmt.Sprintf("instance %d exists; replace it by PUT or change it by PATCH /emulator/instances/%d", in.ID, in.ID)}
	}
	return s.put(in, http.StatusCreated)
}

func (s *Server) controlPut(r *request) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	in := Instance{ID: id}
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	if in.ID != id {
		return 0, nil, errors.New("idInstance is not that of the path")
	}
	return s.put(in, http.StatusOK)
}

func (s *Server) put(in Instance, status int) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.add(in); err != nil {
		return 0, nil, err
	}
	return status, s.lines[in.ID].snapshot(s.options.Now()), nil
}

func (s *Server) controlGet(r *request) (int, any, error) {
	return s.changed(r, func(int64) error { return nil })
}

// changed does something to the instance of the path, under the lock, and answers what the instance is then.
func (s *Server) changed(r *request, change func(id int64) error) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at(id, s.options.Now()) == nil {
		return 0, nil, &controlError{http.StatusNotFound, errNoInstance(id).Error() + "; GET /emulator/instances shows those there are"}
	}
	if err := change(id); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.lines[id].snapshot(s.options.Now()), nil
}

func (s *Server) controlPatch(r *request) (int, any, error) {
	return s.changed(r, func(id int64) error {
		return s.update(id, func(in *Instance) error { return patch(in, r) })
	})
}

// patch lays the body over an instance. Lists are replaced, and a setting that is null is removed.
func patch(in *Instance, r *request) error {
	id, settings, statuses := in.ID, in.Settings, in.IncomingStatuses
	in.Settings, in.IncomingStatuses = nil, nil
	if err := r.decode(in); err != nil {
		return err
	}
	if in.ID != id {
		return errors.New("idInstance cannot be changed")
	}
	merge(settings, in.Settings)
	in.Settings = settings
	if in.IncomingStatuses == nil {
		in.IncomingStatuses = statuses
	}
	return nil
}

func (s *Server) controlRemove(r *request) (int, any, error) {
	if _, _, err := s.changed(r, func(int64) error { return nil }); err != nil {
		return 0, nil, err
	}
	id, err := r.id()
	s.Remove(id)
	return http.StatusNoContent, nil, err
}

func (s *Server) controlEdit(r *request) (int, any, error) {
	var settings map[string]any
	if err := r.decode(&settings); err != nil {
		return 0, nil, err
	}
	if len(settings) == 0 {
		return 0, nil, errors.New("there are no settings in the body")
	}
	return s.changed(r, func(id int64) error {
		return s.withLine(id, func(l *line, _ time.Time) { l.edit(settings) })
	})
}

func (s *Server) controlState(r *request) (int, any, error) {
	var wanted struct {
		State string       `json:"stateInstance"`
		For   durationText `json:"for"`
		Then  string       `json:"then"`
	}
	if err := r.decode(&wanted); err != nil {
		return 0, nil, err
	}
	switch {
	case wanted.State == "":
		return 0, nil, errors.New("stateInstance is missing")
	case (wanted.For != 0) != (wanted.Then != ""), wanted.For < 0:
		return 0, nil, errors.New("for (a positive duration) and then go together")
	}
	return s.changed(r, func(id int64) error {
		if wanted.For == 0 {
			return s.setState(id, wanted.State)
		}
		return s.setStateFor(id, wanted.State, time.Duration(wanted.For), wanted.Then)
	})
}

func (s *Server) controlSuspend(r *request) (int, any, error) {
	var wanted struct {
		Until int64        `json:"until"`
		For   durationText `json:"for"`
	}
	if err := r.decode(&wanted); err != nil {
		return 0, nil, err
	}
	if wanted.Until < 0 || wanted.For < 0 || wanted.Until != 0 && wanted.For != 0 {
		return 0, nil, errors.New("want one of until and for, and not a negative one")
	}
	var until time.Time
	switch {
	case wanted.Until != 0:
		until = time.Unix(wanted.Until, 0)
	case wanted.For != 0:
		until = s.options.Now().Add(time.Duration(wanted.For))
	}
	return s.changed(r, func(id int64) error { return s.suspend(id, until) })
}

func (s *Server) controlFaults(*request) (int, any, error) {
	return http.StatusOK, s.Faults(), nil
}

func (s *Server) controlAddFaults(r *request) (int, any, error) {
	list := make([]Fault, 1)
	var into any = &list[0]
	if bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("[")) {
		into = &list
	}
	if err := r.decode(into); err != nil {
		return 0, nil, err
	}
	if err := s.addFaults(list...); err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, s.Faults(), nil
}

func (s *Server) controlClearFaults(*request) (int, any, error) {
	s.ClearFaults()
	return http.StatusNoContent, nil, nil
}

// controlCalls shows the calls of one instance and method, or all, and with since only those after that seq.
func (s *Server) controlCalls(r *request) (int, any, error) {
	if err := r.checkQuery("id", "method", "since"); err != nil {
		return 0, nil, err
	}
	id, err := r.number("id")
	if err != nil {
		return 0, nil, err
	}
	since, err := r.number("since")
	if err != nil {
		return 0, nil, err
	}
	list := s.Calls(id, r.URL.Query().Get("method"))
	for len(list) > 0 && int64(list[0].Seq) <= since {
		list = list[1:]
	}
	return http.StatusOK, list, nil
}

func (s *Server) controlResetCalls(*request) (int, any, error) {
	s.ResetCalls()
	return http.StatusNoContent, nil, nil
}
