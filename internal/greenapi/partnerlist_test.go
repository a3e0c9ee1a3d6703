// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestP4OnlyAWholeListCounts: what is not in a list that is cut, or is none, would be bought again.
func TestP4OnlyAWholeListCounts(t *testing.T) {
	for name, test := range map[string]struct {
		fault emulator.Fault
		want  string
	}{
		"wrong token":      {emulator.Fault{Answer: emulator.AnswerCodeInBody}, "the vendor answered 401"},
		"not found":        {emulator.Fault{Answer: emulator.AnswerCodeInBody, Status: 404}, "the vendor answered 404"},
		"400 of one host":  {emulator.Fault{Status: 400, Host: "127.0.0.1"}, "the vendor answered 400: bad request data"},
		"401":              {emulator.Fault{Status: 401}, "the vendor answered 401"},
		"a failing vendor": {emulator.Fault{Status: 502}, "the vendor answered 502"},
		"half":             {emulator.Fault{Answer: emulator.AnswerTruncated}, "the answer cannot be read: it is not valid JSON"},
		"cut off":          {emulator.Fault{Answer: emulator.AnswerCutOff}, "the answer cannot be read: it is not valid JSON"},
		"empty":            {emulator.Fault{Answer: emulator.AnswerEmpty}, "the answer cannot be read: it is not a list"},
		"null":             {emulator.Fault{Answer: emulator.AnswerNull}, "the answer cannot be read: it is not a list"},
		"a text":           {emulator.Fault{Answer: emulator.AnswerWrongType}, "the answer cannot be read: it is not a list"},
		"an object":        {emulator.Fault{Body: `{}`}, "the answer cannot be read: it is not a list"},
		"HTML":             {emulator.Fault{Body: `<html></html>`}, "the answer cannot be read: it is not a list"},
		"another code":     {emulator.Fault{Body: `[]`, Status: 206}, "the answer cannot be read: its code is not 200"},
		"accepted":         {emulator.Fault{Body: `[{"idInstance":1}]`, Status: 202}, "the answer cannot be read: its code is not 200"},
		"no end":           {emulator.Fault{Body: `[{"idInstance":1}`}, "the answer cannot be read: it is not valid JSON"},
		"a wrong end":      {emulator.Fault{Body: `[{"idInstance":1}}`}, "the answer cannot be read: it is not valid JSON"},
		"a comma too many": {emulator.Fault{Body: `[{"idInstance":1},]`}, "the answer cannot be read: it is not valid JSON"},
		"no number":        {emulator.Fault{Body: `[{"idInstance":1},{"name":"x"}]`}, "the answer cannot be read: an entry of it has no idInstance"},
		"an odd number":    {emulator.Fault{Body: `[{"idInstance":{"x":1}}]`}, "the answer cannot be read: an entry of it has no idInstance"},
		"a null entry":     {emulator.Fault{Body: `[null]`}, "the answer cannot be read: an entry of it has no idInstance"},
		"an odd entry":     {emulator.Fault{Body: `[{"idInstance":1},7]`}, "the answer cannot be read: an entry of it is no object"},
		"something after":  {emulator.Fault{Body: `[{"idInstance":1}]x`}, "the answer cannot be read: there is more after the list"},
		"two lists":        {emulator.Fault{Body: `[{"idInstance":1}] [{"idInstance":2}]`}, "the answer cannot be read: there is more after the list"},
		"a dropped call":   {emulator.Fault{Drop: true, Times: -1}, "the connection broke"},
		"a redirect":       {emulator.Fault{Location: "https://elsewhere.example{path}"}, "the host redirects the call elsewhere, where the token is not sent"},
	} {
		s := openShop(t, emulator.PartnerBehavior{})
		s.bought(lineName)
		test.fault.Method = MethodGetInstances
		s.Fault(test.fault)
		rows, err := s.list(lineName)
		if err == nil || rows != nil || strings.TrimPrefix(err.Error(), MethodGetInstances+": ") != test.want {
			t.Errorf("%s: %+v, %v; want %s", name, rows, err, test.want)
		}
		if found := s.watch.Search(printed(err)); found != "" {
			t.Errorf("%s: the error holds a token: %s", name, found)
		}
	}
}

func TestAWrongPartnerTokenIsKnownOnEveryHost(t *testing.T) {
	s := openShop(t, emulator.PartnerBehavior{})
	wrong := mustPartner(t, s.client, s.api.target.Origin.String(), "gac.another-token-of-somebody")
	_, err := wrong.List(t.Context(), nil)
	s.Fault(emulator.Fault{Method: MethodGetInstances, Host: "127.0.0.1", Status: 400})
	_, onOneHost := wrong.List(t.Context(), nil)
	for _, err := range []error{err, onOneHost} {
		if status, ok := errors.AsType[*StatusError](err); !ok || status.Cause != CauseUnauthorized {
			t.Errorf("a wrong token: %v", err)
		}
	}
}

// TestListsOfEveryKindAreRead: an empty one and a foreign one are lists, of which the caller has to know better.
func TestListsOfEveryKindAreRead(t *testing.T) {
	s := openShop(t, emulator.PartnerBehavior{})
	first, second := s.bought(lineName), s.bought(lineName)
	if rows := s.listed(lineName); len(rows) != 2 || rows[0].ID != first.ID || rows[1].ID != second.ID || rows[1].Token.Reveal() != second.Token.Reveal() {
		t.Errorf("a name that is there twice: %+v", rows)
	}
	for list, want := range map[string]int{emulator.ListEmpty: 0, emulator.ListForeign: 1} {
		s.Fault(emulator.Fault{Method: MethodGetInstances, Partner: &emulator.PartnerBehavior{List: list}})
		if rows := s.listed(lineName); rows == nil || len(rows) != want || want == 1 && rows[0].Name != "Somebody else" {
			t.Errorf("%s: %+v", list, rows)
		}
	}
	for entry, want := range map[string]Row{
		`{"idInstance":1,"name":"x","deleted":false,"isExpired":null}`:                                       {ID: 1, Name: "x"},
		`{"idInstance":"1","name":7,"typeInstance":"","messenger":"v3","deleted":"true","isExpired":"yes"}`:  {ID: 1, Name: "7", Messenger: "v3", Deleted: true, Expired: true},
		`{"idInstance":1e3,"name":{"x":1},"deleted":1,"isExpired":["yes"],"apiTokenInstance":7}`:             {ID: 1000},
		` {"idInstance":1,"name":"a\u200b b","typeInstance":"whats\u200bapp","apiTokenInstance":"no token"}`: {ID: 1, Name: "a\u200b b", Messenger: "whatsapp"},
		`{"idInstance":1,"name":"` + strings.Repeat("x", 1500) + `","deleted":"soon"}`:                       {ID: 1, Name: strings.Repeat("x", 1024)},
	} {
		rows, what, err := decodeRows(strings.NewReader("\n["+entry+" ]\t"), func(Row) bool { return true })
		if len(rows) != 1 || rows[0] != want || what != "" || err != nil {
			t.Errorf("%.80s reads as %+v, %s, %v", entry, rows, what, err)
		}
	}
}

// manyRows is a list of so many instances, as the vendor shows them.
func manyRows(rows int) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		_, _ = fmt.Fprintf(&b, `{"idInstance":%d,"name":"prod-eu/shop-%d/support-line-%d","typeInstance":"whatsapp","typeAccount":"","partnerUserUiid":"",`+
			`"timeCreated":"2026-06-03T18:39:44","timeDeleted":"0001-01-01T00:00:00","apiTokenInstance":"%050x","deleted":false,"tariff":"PARTNER","isFree":false,`+
			`"isPartner":true,"expirationDate":"2026-12-03T18:39:44","isExpired":false,"apiUrl":"https://7107.api.green-api.com"}`, 710700000001+i, i%100, i, i)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// TestP12AnEntryHasNothingOfTheOneBefore: entries are read in one place after the other.
func TestP12AnEntryHasNothingOfTheOneBefore(t *testing.T) {
	body := `[{"idInstance":1,"name":"prod-eu/shop/a","typeInstance":"telegram","deleted":true,"isExpired":true,"apiTokenInstance":"t0ken-of-the-first","apiUrl":"https://7107.api.greenapi.com"},{"idInstance":2}]`
	rows, err := partnerOf(answering(t, canned{code: 200, body: []byte(body)})).List(t.Context(), func(Row) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	if want := (Row{ID: 2, Messenger: rows[1].Messenger}); rows[1] != want || rows[1].Messenger == rows[0].Messenger {
		t.Errorf("the second is %+v", rows[1])
	}
}

// TestP12AListOfTenThousandStaysSmall: all that reading it allocates is less than 16 MiB, freed or not, and what is kept of
// it far less, though the caller asks for a token.
func TestP12AListOfTenThousandStaysSmall(t *testing.T) {
	const instances = 10_000
	body := manyRows(instances)
	p := partnerOf(answering(t, canned{code: 200, body: body}))
	var rows []Row
	before := live()
	used := allocated(func() {
		var err error
		if rows, err = p.List(t.Context(), func(r Row) bool { return r.ID == 710700009999 }); err != nil {
			t.Fatal(err)
		}
	})
	kept := int64(live()) - int64(before)
	runtime.KeepAlive(p)
	if len(rows) != instances || rows[9998].Token.Reveal() != fmt.Sprintf("%050x", 9998) || rows[9997].Token != (Secret{}) {
		t.Fatalf("%d rows", len(rows))
	}
	t.Logf("a list of %d KiB: %d KiB allocated, %d KiB kept", len(body)>>10, used>>10, kept>>10)
	if used > 16<<20 || kept > 3<<20 {
		t.Errorf("reading %d KiB allocates %d KiB and keeps %d KiB; at most 16 MiB and 3 MiB are allowed", len(body)>>10, used>>10, kept>>10)
	}
}

// TestRowsAreReadOneAtATime: neither an entry, nor what stands around entries, nor the list may be of any length.
func TestRowsAreReadOneAtATime(t *testing.T) {
	const tooLong = "an entry of it is longer than 1 MiB"
	for name, test := range map[string]struct{ before, unit, want string }{
		"an endless name":         {`[{"idInstance":1,"name":"`, "x", tooLong},
		"endless spaces":          {`[`, " ", tooLong},
		"endless spaces behind":   {`[{"idInstance":1}]`, " ", tooLong},
		"endless big entries":     {`[{"idInstance":1}`, `,{"idInstance":1,"x":"` + strings.Repeat("x", 65536) + `"}`, "it is longer than 32 MiB"},
		"endless entries":         {`[{"idInstance":1}`, `,{"idInstance":1}`, "it has more than 50000 entries"},
		"endless spaces in front": {``, " ", "it is not a list"},
	} {
		var err error
		instance := answering(t, canned{code: 200})
		instance.client.reading = streamed{canned{code: 200}, io.MultiReader(strings.NewReader(test.before), &endless{unit: test.unit})}
		used := allocated(func() { _, err = partnerOf(instance).List(t.Context(), nil) })
		if unreadable, ok := errors.AsType[*UnreadableError](err); !ok || unreadable.What != test.want && test.before != "" {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if most := uint64(48 << 20); used > most {
			t.Errorf("%s: %d MiB are allocated, at most %d MiB are allowed", name, used>>20, most>>20)
		}
	}
}

// TestAListThatHangsEndsInTime: one that stops in its middle is no list, and no list of what came.
func TestAListThatHangsEndsInTime(t *testing.T) {
	instance := dial(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `[{"idInstance":1},`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	soon, stop := WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	rows, err := partnerOf(instance).List(soon, nil)
	if transport, ok := errors.AsType[*TransportError](err); !ok || !transport.TimedOut || rows != nil {
		t.Errorf("%+v, %v; want no answer in time", rows, err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := partnerOf(instance).List(canceled, nil); err == nil {
		t.Error("a call that was canceled came back with a list")
	}
}
