// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// allocated returns how many bytes a function allocates, whether they are freed meanwhile or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// live returns how many bytes are in use.
func live() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// manyKeys is an object of about 1 MiB with as many keys as fit.
func manyKeys() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < maxBody-32; i++ {
		_, _ = fmt.Fprintf(&b, ",%q:1", fmt.Sprintf("%x", i))
	}
	return append([]byte("{"), append(b.Bytes()[1:], '}')...)
}

// TestHostileAnswersCostLittle: an answer of 1 MiB never takes more than a few dozen times as much to be read.
func TestHostileAnswersCostLittle(t *testing.T) {
	fill := func(before, unit, after string) []byte {
		return []byte(before + strings.Repeat(unit, (maxBody-len(before)-len(after))/len(unit)) + after)
	}
	for name, body := range map[string][]byte{
		"many keys":       manyKeys(),
		"one long text":   fill(`{"message":"`, "x", `","stateInstance":"authorized"}`),
		"escapes":         fill(`{"message":"`, `\u0001`, `"}`),
		"encoded bytes":   fill(`{"message":"`, `%25`, `"}`),
		"one long number": fill(`{"stateInstance":`, "9", `}`),
		"an exponent":     fill(`{"stateInstance":1e`, "9", `}`),
		"one long name":   fill(`{"`, "n", `":1}`),
		"nested":          fill(`{"a":`, "[", ``),
		"duplicates":      fill(`{"a":1`, `,"a":1`, `}`),
		"spaces":          fill(`{`, " ", `}`),
		"HTML":            fill(`<html>`, "<b>", ``),
	} {
		for _, code := range []int{200, 500} {
			instance := answering(t, canned{code: code, body: body})
			used := allocated(func() {
				_, _ = instance.State(t.Context())
				_, _ = instance.Settings(t.Context())
				_, _ = instance.Account(t.Context())
			})
			if most := uint64(3 * 40 * maxBody); used > most {
				t.Errorf("%s with %d: reading 1 MiB three times allocates %d MiB, at most %d MiB are allowed", name, code, used>>20, most>>20)
			}
		}
	}
}

// endless is a body without an end.
type endless struct {
	unit string
	at   int
}

// Read fills the buffer.
func (e *endless) Read(b []byte) (int, error) {
	for n := 0; n < len(b); e.at %= len(e.unit) {
		copied := copy(b[n:], e.unit[e.at:])
		n, e.at = n+copied, e.at+copied
	}
	return len(b), nil
}

// TestStatusesAreReadOneAtATime: neither an entry nor what stands between entries may be of any length.
func TestStatusesAreReadOneAtATime(t *testing.T) {
	const tooLong = "an entry of it is longer than 1 MiB"
	for name, test := range map[string]struct{ before, unit, want string }{
		"an endless text":        {`[{"typeMessage":"`, "x", tooLong},
		"an endless list inside": {`[{"typeMessage":[1`, ",1", tooLong},
		"endless spaces":         {`[`, " ", tooLong},
		"endless spaces between": {`[{}`, " ", tooLong},
		"endless spaces at once": {``, " ", tooLong},
		"endless small entries":  {`[{"typeMessage":"imageMessage"}`, `,{"typeMessage":"imageMessage","x":"` + strings.Repeat("x", 65536-38) + `"}`, "it is longer than 32 MiB"},
	} {
		var what string
		var err error
		used := allocated(func() {
			what, err = decodeStatuses(io.MultiReader(strings.NewReader(test.before), &endless{unit: test.unit}), func(statusEntry) string { return "" })
		})
		if what != test.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, what, err, test.want)
		}
		if most := uint64(16 << 20); test.want == tooLong && used > most {
			t.Errorf("%s: %d MiB are allocated, at most %d MiB are allowed", name, used>>20, most>>20)
		}
	}
}

// TestLongAnswersAreCut: of an answer without an end 1 MiB is read, whatever its code, and nothing is concluded from it.
func TestLongAnswersAreCut(t *testing.T) {
	for _, code := range []int{200, 400, 502} {
		var read int
		instance := answering(t, canned{code: code})
		instance.client.reading = streamed{canned{code: code}, io.TeeReader(io.MultiReader(strings.NewReader(`{"a":1}`), &endless{unit: " "}), counter{&read})}
		_, err := instance.Settings(t.Context())
		if err == nil || read > 2*maxBody {
			t.Errorf("%d: %v after %d bytes", code, err, read)
		}
		if _, ok := errors.AsType[*UnreadableError](err); code == 200 && !ok {
			t.Errorf("%d: %v, want an UnreadableError", code, err)
		}
	}
}

// TestAYesIsReadLeniently: text or flag, but nothing is concluded from what is neither.
func TestAYesIsReadLeniently(t *testing.T) {
	for body, want := range map[string]string{
		`{"saveSettings":true}`: "true", `{"saveSettings":"yes"}`: "true", `{"saveSettings":" True "}`: "true",
		`{"saveSettings":false}`: "false", `{"saveSettings":"no"}`: "false", `{"saveSettings":null}`: "false", `{}`: "false", `{"saveSettings":1}`: "false",
		`{"saveSettings":{"x":1}}`: "unreadable", `{"saveSettings":[true]}`: "unreadable", `null`: "unreadable", `true`: "unreadable",
	} {
		yes, err := dial(t, answer(200, body)).SetSettings(t.Context(), map[string]any{"a": "b"}, NewPermit(time.Minute))
		got := fmt.Sprint(yes)
		if _, ok := errors.AsType[*UnreadableError](err); ok {
			got = "unreadable"
		}
		if got != want {
			t.Errorf("%s reads as %s (%v), want %s", body, got, err, want)
		}
	}
}

// TestR15AShortTokenHidesNoState: "starting" must be understood, whatever the webhook token is.
func TestR15AShortTokenHidesNoState(t *testing.T) {
	for _, secret := range []string{"a", "start", "starting", "Bearer starting"} {
		hide := func(_ *Options, target *Target) { target.Conceal = []string{secret} }
		if state, err := dial(t, answer(200, `{"stateInstance":"starting"}`), hide).State(t.Context()); state != "starting" {
			t.Errorf("with the webhook token %q the state is %q, %v", secret, state, err)
		}
		if state, _ := dial(t, answer(200, `{"stateInstance":"xx`+secret+`"}`), hide).State(t.Context()); state != concealed {
			t.Errorf("with the webhook token %q the state is %q", secret, state)
		}
	}
}
