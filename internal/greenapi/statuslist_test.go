// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestIncomingStatusesAreListed(t *testing.T) {
	at := time.Unix(1710232595, 0).UTC()
	body := `[
		{"type":"incoming","idMessage":"A1","timestamp":1710232595,"typeMessage":"extendedTextMessage","chatId":"70000000001@c.us","textMessage":"Прекрасное\n утро!",
			"extendedTextMessage":{"text":"other"},"senderId":"70000000002@c.us","senderName":"Николай","senderContactName":"Коля"},
		{"typeMessage":"extendedTextMessage","extendedTextMessage":{"text":"from inside"},"chatId":70000000001},
		{"typeMessage":"imageMessage","caption":"\u001b]0;title\u0007","downloadUrl":"https://x.example/1","fileName":"1.jpg","mimeType":"image/jpeg","jpegThumbnail":"` + strings.Repeat("x", 100000) + `"},
		{"typeMessage":{"x":1},"textMessage":["x"],"senderName":true,"caption":"` + strings.Repeat("ё", 5000) + `"},
		{"textMessage":"see ` + testToken + `"},
		{}, null, 5, "text", ["list"], true
	]`
	var query string
	list, err := dial(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		_, _ = io.WriteString(w, body)
	}).ListIncomingStatuses(t.Context(), 24*time.Hour)
	want := []Status{
		{Time: &at, ID: "A1", Type: "extendedTextMessage", Sender: "70000000002@c.us", SenderName: "Николай", ContactName: "Коля", Text: "Прекрасное утро!"},
		{Type: "extendedTextMessage", Sender: "70000000001", Text: "from inside"},
		{Type: "imageMessage", Caption: "]0;title", DownloadURL: "https://x.example/1", FileName: "1.jpg", MIMEType: "image/jpeg"},
		{Caption: strings.Repeat("ё", 4096)},
		{Text: concealed},
		{}, {},
	}
	if err != nil || query != "minutes=1440" || !reflect.DeepEqual(list, want) {
		t.Errorf("%s: %v\n got %+v\nwant %+v", query, err, list, want)
	}
}

func TestAListOfStatusesThatCannotBeReadIsNoList(t *testing.T) {
	for name, body := range map[string]string{"an object": `{"code":1}`, "HTML": "<html>", "truncated": `[{"typeMessage":"imageMessage"},{"type`, "no end": `[{}`} {
		list, err := dial(t, answer(200, body)).ListIncomingStatuses(t.Context(), time.Hour)
		if _, ok := errors.AsType[*UnreadableError](err); !ok || list != nil {
			t.Errorf("%s: %v, %v; want an UnreadableError", name, list, err)
		}
	}
	for want, unit := range map[string]string{"more than 100000 entries": "{},", "longer than 32 MiB": `{"jpegThumbnail":"` + strings.Repeat("x", 1<<16) + `"},`} {
		_, err := dial(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "[")
			for range max(100_001*3, maxStatusesBody)/len(unit) + 2 {
				if _, err := fmt.Fprint(w, unit); err != nil {
					return
				}
			}
			_, _ = io.WriteString(w, "{}]")
		}).ListIncomingStatuses(t.Context(), time.Hour)
		if unreadable, ok := errors.AsType[*UnreadableError](err); !ok || !strings.Contains(unreadable.What, want) {
			t.Errorf("%v, want an UnreadableError that says %s", err, want)
		}
	}
}
