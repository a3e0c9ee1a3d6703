// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestIncomingStatusesAreSummedUp(t *testing.T) {
	body := `[
		{"type":"incoming","idMessage":"A","timestamp":1710232595,"typeMessage":"extendedTextMessage","textMessage":"Прекрасное утро!"},
		{"type":"incoming","timestamp":"1710232636","typeMessage":"imageMessage","jpegThumbnail":"` + strings.Repeat("x", 100000) + `"},
		{"typeMessage":"imageMessage","timestamp":99999999999},
		{"typeMessage":"somethingNew","timestamp":"soon"},
		{"typeMessage":{"x":1},"timestamp":[1]},
		{}, 5, "text", ["list"], true
	]`
	var query string
	instance := dial(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		_, _ = io.WriteString(w, body)
	})
	summary, err := instance.IncomingStatuses(t.Context(), 90*time.Minute+59*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if query != "minutes=90" {
		t.Errorf("query %q, want minutes=90", query)
	}
	if summary.Total != 6 || summary.ByType["imageMessage"] != 2 || summary.ByType["extendedTextMessage"] != 1 || summary.ByType[OtherStatusType] != 3 {
		t.Errorf("summary %+v", summary)
	}
	if summary.Latest == nil || summary.Latest.Unix() != 1710232636 {
		t.Errorf("latest %v", summary.Latest)
	}
}

func TestIncomingStatusesThatCannotBeRead(t *testing.T) {
	for name, body := range map[string]string{"an object": `{"code":1}`, "null": "null", "HTML": "<html>", "empty": "", "truncated": `[{"typeMessage":"imageMessage"},{"type`, "no end": `[{}`} {
		_, err := dial(t, answer(200, body)).IncomingStatuses(t.Context(), time.Hour)
		if _, ok := errors.AsType[*UnreadableError](err); !ok {
			t.Errorf("%s: %v (%T), want an UnreadableError", name, err, err)
		}
	}
	_, err := dial(t, answer(403, `{"message":"Forbidden"}`)).IncomingStatuses(t.Context(), time.Hour)
	if status, ok := errors.AsType[*StatusError](err); !ok || status.Cause != CauseForbidden {
		t.Errorf("403: %v", err)
	}
	_, err = dial(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "[")
		for range maxStatusesBody / (1 << 16) {
			_, _ = fmt.Fprintf(w, `{"jpegThumbnail":"%s"},`, strings.Repeat("x", 1<<16))
		}
		_, _ = io.WriteString(w, "{}]")
	}).IncomingStatuses(t.Context(), time.Hour)
	if unreadable, ok := errors.AsType[*UnreadableError](err); !ok || !strings.Contains(unreadable.What, "32 MiB") {
		t.Errorf("too long: %v", err)
	}
}
