// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package canary finds secret values where they must not be (R24). Tests plant values that show nowhere else, and search
// all that the operator writes for them, in every form in which a program might have written them. And they open places
// that no token may come to.
package canary

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

// Shortest is the length of the shortest value that is searched for, in bytes: shorter ones occur by chance.
const Shortest = 8

const (
	// tailSize is how much of the end of what was written is kept, in bytes.
	tailSize = 32 << 10
	// before and after are how much of the neighborhood of a find is shown, in bytes.
	before, after = 500, 100
)

// Watch searches for secret values. Its zero value knows none yet, but whatever looks like a partner token is one. It is safe
// for concurrent use.
type Watch struct {
	mu     sync.Mutex
	forms  map[uint64][]form
	filter [1 << 16]bool
	// longest is the length of the longest form.
	longest int
	hit     string
	tail    []byte
}

// Add makes values ones that must show nowhere, and so must eight bytes in a row of their last fifteen: a dump has a
// secret in pieces. It panics if one is too short to be searched for.
func (w *Watch) Add(secrets ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) < Shortest {
			panic(fmt.Sprintf("canary: %q is shorter than %d bytes", secret, Shortest))
		}
		if w.forms == nil {
			w.forms = map[uint64][]form{}
		}
		for _, f := range formsOf(secret) {
			key := binary.LittleEndian.Uint64([]byte(f.text))
			w.forms[key] = append(w.forms[key], f)
			w.filter[slot(key)] = true
			w.longest = max(w.longest, len(f.text))
		}
	}
}

// Search returns the first secret in a text, its form and its neighborhood, "" if there is none.
func (w *Watch) Search(text string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.search([]byte(text))
}

// search looks at every place of a text, and at the forms that begin with the eight bytes there: a log at the most
// verbose level has many megabytes, and there are many forms.
func (w *Watch) search(text []byte) string {
	if at := partnerToken(text); at >= 0 {
		return fmt.Sprintf("a partner token, plain: …%s…", text[max(0, at-before):min(len(text), at+len(partnerMark)+partnerLeast+after)])
	}
	for i := 0; i+Shortest <= len(text); i++ {
		key := binary.LittleEndian.Uint64(text[i:])
		if !w.filter[slot(key)] {
			continue
		}
		for _, f := range w.forms[key] {
			if end := i + len(f.text); end <= len(text) && string(text[i:end]) == f.text {
				return fmt.Sprintf("%q, %s: …%s…", f.secret, f.name, text[max(0, i-before):min(len(text), end+after)])
			}
		}
	}
	return ""
}

func slot(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> 48 }

// Write searches what a process or a logger writes; see Hit. A secret may come in two parts.
func (w *Watch) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = append(w.tail, text...)
	if w.hit == "" {
		w.hit = w.search(w.tail[max(0, len(w.tail)-len(text)-max(w.longest, len(partnerMark)+partnerLeast)):])
	}
	if excess := len(w.tail) - max(tailSize, w.longest); excess > 0 {
		w.tail = slices.Delete(w.tail, 0, excess)
	}
	return len(text), nil
}

// Hit returns what Search says of the first secret that was written, "" if there was none.
func (w *Watch) Hit() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hit
}

// Forget drops the end that was kept of what was written. A hit stays.
func (w *Watch) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = nil
}

// String returns the end of what was written, for the reader of a failure.
func (w *Watch) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.tail)
}
