// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxControlRequest is how much of a body the control interface reads, in bytes; a list of statuses may be long.
const maxControlRequest = 64 << 20

// endpoint is one entry of the control interface.
type endpoint struct {
	// pattern is that of http.ServeMux.
	pattern string
	// example is a good body, for those who sent a bad one; "" if none is read.
	example string
	serve   func(s *Server, r *request) (int, any, error)
}

// request is a request to the control interface with its body read.
type request struct {
	*http.Request
	body []byte
}

// controlError is a refusal of the control interface.
type controlError struct {
	status int
	text   string
}

func (e *controlError) Error() string { return e.text }

// newControl builds the handler of everything under /emulator/.
func (s *Server) newControl() http.Handler {
	mux := http.NewServeMux()
	for _, e := range endpoints() {
		mux.HandleFunc(e.pattern, func(w http.ResponseWriter, r *http.Request) { s.serveControl(w, r, e) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { refuseControl(w, r, mux) })
	return mux
}

func (s *Server) serveControl(w http.ResponseWriter, r *http.Request, e endpoint) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlRequest))
	if err != nil {
		writeControl(w, http.StatusBadRequest, errorBody("cannot read the body: "+err.Error()))
		return
	}
	status, value, err := e.serve(s, &request{Request: r, body: body})
	if err == nil {
		writeControl(w, status, value)
		return
	}
	if refused, ok := errors.AsType[*controlError](err); ok {
		writeControl(w, refused.status, errorBody(refused.text))
		return
	}
	text := err.Error()
	if e.example != "" {
		text += "; send for example " + e.example
	}
	writeControl(w, http.StatusBadRequest, errorBody(text))
}

// refuseControl answers what no endpoint is for, and says which there are.
func refuseControl(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	status, patterns := http.StatusNotFound, []string{}
	for _, e := range endpoints() {
		verb, _, _ := strings.Cut(e.pattern, " ")
		other := r.Clone(r.Context())
		other.Method = verb
		if _, pattern := mux.Handler(other); pattern == e.pattern {
			status = http.StatusMethodNotAllowed
			w.Header().Add("Allow", verb)
		}
		patterns = append(patterns, e.pattern)
	}
	writeControl(w, status, errorBody(fmt.Sprintf("there is no %s %s; there are: %s", r.Method, r.URL.Path, strings.Join(patterns, ", "))))
}

func errorBody(text string) any { return map[string]string{"error": text} }

func writeControl(w http.ResponseWriter, status int, value any) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error": "cannot encode the answer"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// decode reads the body and refuses unknown names.
func (r *request) decode(into any) error {
	if err := decodeStrictly(bytes.NewReader(r.body), into); err != nil {
		return fmt.Errorf("cannot read the body: %w", err)
	}
	return nil
}

// id returns the idInstance of the path.
func (r *request) id() (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, &controlError{http.StatusBadRequest, fmt.Sprintf("%q in the path is not an idInstance; want a positive integer, as in /emulator/instances/7107000001", r.PathValue("id"))}
	}
	return id, nil
}

// checkQuery refuses names that are not known, so that a misspelled filter does not show everything.
func (r *request) checkQuery(known ...string) error {
	for name := range r.URL.Query() {
		if !slices.Contains(known, name) {
			return &controlError{http.StatusBadRequest, fmt.Sprintf("%q in the query is unknown; want %s", name, strings.Join(known, ", "))}
		}
	}
	return nil
}

// number reads a number of the query; 0 if it is not there.
func (r *request) number(name string) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < 0 {
		return 0, &controlError{http.StatusBadRequest, fmt.Sprintf("%s=%s in the query: want a positive integer", name, text)}
	}
	return number, nil
}
