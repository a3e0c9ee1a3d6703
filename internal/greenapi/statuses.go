// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
)

// maxStatusesBody is how much of the answer of getIncomingStatuses is read, in bytes. It is read as a stream: the
// entries hold texts and pictures, of which nothing is kept.
const maxStatusesBody = 32 << 20

// maxStatusEntry is how much one entry may take of it: that much is held in memory at once.
const maxStatusEntry = 1 << 20

// OtherStatusType counts statuses whose type is not one of the documented ones.
const OtherStatusType = "other"

// statusTypes are the values of typeMessage that the vendor documents for getIncomingStatuses.
var statusTypes = map[string]bool{"extendedTextMessage": true, "imageMessage": true, "videoMessage": true, "audioMessage": true}

// StatusSummary sums up statuses of contacts.
type StatusSummary struct {
	// Total is the number of statuses. Entries that are no objects are skipped.
	Total int64
	// ByType counts them by documented type, and the others as OtherStatusType.
	ByType map[string]int64
	// Latest is when the newest was received; nil if none shows a time.
	Latest *time.Time
}

// statusEntry is an entry of getIncomingStatuses (documented; jpegThumbnail is skipped). Whatever the types of its fields,
// it can be read.
type statusEntry struct {
	Type        json.RawMessage `json:"typeMessage"`
	Time        json.RawMessage `json:"timestamp"`
	ID          json.RawMessage `json:"idMessage"`
	Chat        json.RawMessage `json:"chatId"`
	Sender      json.RawMessage `json:"senderId"`
	SenderName  json.RawMessage `json:"senderName"`
	ContactName json.RawMessage `json:"senderContactName"`
	Text        json.RawMessage `json:"textMessage"`
	Extended    json.RawMessage `json:"extendedTextMessage"`
	Caption     json.RawMessage `json:"caption"`
	DownloadURL json.RawMessage `json:"downloadUrl"`
	FileName    json.RawMessage `json:"fileName"`
	MIMEType    json.RawMessage `json:"mimeType"`
}

// IncomingStatuses calls getIncomingStatuses for the given time back from now, in whole minutes and at least one.
func (i *Instance) IncomingStatuses(ctx context.Context, window time.Duration) (StatusSummary, error) {
	summary := StatusSummary{ByType: map[string]int64{}}
	err := i.eachStatus(ctx, window, func(entry statusEntry) string {
		summary.count(decodeValue(string(entry.Type)).Text, decodeValue(string(entry.Time)).Text)
		return ""
	})
	return summary, err
}

// eachStatus calls getIncomingStatuses and visits its entries one by one, so that memory holds one at a time. visit may
// say what makes the answer unreadable, which ends it.
func (i *Instance) eachStatus(ctx context.Context, window time.Duration, visit func(statusEntry) string) error {
	return i.call(ctx, i.client.reading, request{
		method: MethodGetIncomingStatuses,
		query:  "?minutes=" + strconv.FormatInt(max(int64(window/time.Minute), 1), 10),
		consume: func(body io.Reader) error {
			what, err := decodeStatuses(body, visit)
			switch {
			case err != nil:
				return callError(MethodGetIncomingStatuses, err, nil)
			case what != "":
				return &UnreadableError{Method: MethodGetIncomingStatuses, What: what}
			}
			return nil
		},
	})
}

// decodeStatuses visits the entries one by one. It returns what makes the answer unreadable, in words of this package, or
// the error of the connection.
func decodeStatuses(body io.Reader, visit func(statusEntry) string) (what string, err error) {
	limited := &limitedEntries{body: body, total: maxStatusesBody, entry: maxStatusEntry}
	if what, err = decodeEntries(json.NewDecoder(limited), limited, visit); what != "" && limited.exceeded != "" {
		return limited.exceeded, nil
	}
	return what, err
}

// limitedEntries is a body that ends when it, or what was read of it since the latest entry, is too long.
type limitedEntries struct {
	body         io.Reader
	total, entry int
	exceeded     string
}

// Read reads no more than both limits leave.
func (l *limitedEntries) Read(b []byte) (int, error) {
	switch {
	case l.total <= 0:
		l.exceeded = "it is longer than 32 MiB"
		return 0, io.ErrUnexpectedEOF
	case l.entry <= 0:
		l.exceeded = "an entry of it is longer than 1 MiB"
		return 0, io.ErrUnexpectedEOF
	}
	n, err := l.body.Read(b[:min(len(b), l.total, l.entry)])
	l.total, l.entry = l.total-n, l.entry-n
	return n, err
}

func decodeEntries(decoder *json.Decoder, limited *limitedEntries, visit func(statusEntry) string) (what string, err error) {
	opening, err := decoder.Token()
	if err != nil {
		return "it is not valid JSON", connectionError(err)
	}
	if opening != json.Delim('[') {
		return "it is not a list", nil
	}
	for decoder.More() {
		limited.entry = maxStatusEntry
		var entry statusEntry
		if err := decoder.Decode(&entry); err != nil {
			if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd {
				continue
			}
			return "it is not valid JSON", connectionError(err)
		}
		if what := visit(entry); what != "" {
			return what, nil
		}
	}
	if _, err := decoder.Token(); err != nil {
		return "it is not valid JSON", connectionError(err)
	}
	return "", nil
}

func (s *StatusSummary) count(kind, received string) {
	if !statusTypes[kind] {
		kind = OtherStatusType
	}
	s.Total++
	s.ByType[kind]++
	if at := unixTime(received); at != nil && (s.Latest == nil || at.After(*s.Latest)) {
		s.Latest = at
	}
}

// connectionError returns an error unless it is about the text itself: bad syntax, or its end where more should follow.
func connectionError(err error) error {
	if _, bad := errors.AsType[*json.SyntaxError](err); bad || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
