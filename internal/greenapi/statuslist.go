// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

// maxListed is how many statuses are listed; an answer with more is unreadable. The vendor shows those of at most 1024
// contacts (documented).
const maxListed = 100_000

// maxTextLength is how much of a text of a status is kept, in characters. maxNameLength that of names, types and the like.
const (
	maxTextLength = 4096
	maxNameLength = 256
)

// Status is one status of a contact as the vendor shows it. What it does not show is empty. All texts are on one line,
// without characters that do not show or that would mean something to a terminal, and concealed.
type Status struct {
	// Time is when it was received; nil if not shown.
	Time *time.Time
	// ID is idMessage.
	ID string
	// Type is typeMessage: extendedTextMessage, imageMessage, videoMessage or audioMessage (documented), or another word.
	Type string
	// Sender is senderId, or chatId where that is missing, such as 79001234567@c.us.
	Sender string
	// SenderName is what the sender is called by itself, ContactName by the account's address book.
	SenderName, ContactName string
	// Text is that of a text, Caption that of a picture or a video.
	Text, Caption string
	// DownloadURL, FileName and MIMEType are those of a file.
	DownloadURL, FileName, MIMEType string
}

// ListIncomingStatuses calls getIncomingStatuses as IncomingStatuses does, and returns the entries in the vendor's order.
// Thumbnails are left out. Entries that are no objects are skipped.
func (i *Instance) ListIncomingStatuses(ctx context.Context, window time.Duration) ([]Status, error) {
	list := []Status{}
	err := i.eachStatus(ctx, window, func(entry statusEntry) string {
		if len(list) == maxListed {
			return "it has more than 100000 entries"
		}
		list = append(list, entry.status(&i.hidden))
		return ""
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// status reads an entry.
func (e *statusEntry) status(hidden *discretion) Status {
	text := func(raw json.RawMessage, limit int) string {
		value := decodeValue(string(raw))
		if value.Type != jsonvalue.String && value.Type != jsonvalue.Number {
			return ""
		}
		// Lines become words of one line; printable would run them together.
		return hidden.link(strings.Join(strings.Fields(value.Text), " "), limit)
	}
	out := Status{
		Time: unixTime(decodeValue(string(e.Time)).Text), ID: text(e.ID, maxNameLength), Type: text(e.Type, maxStateLength),
		Sender:     cmp.Or(text(e.Sender, maxChatIDLength), text(e.Chat, maxChatIDLength)),
		SenderName: text(e.SenderName, maxNameLength), ContactName: text(e.ContactName, maxNameLength),
		Text: text(e.Text, maxTextLength), Caption: text(e.Caption, maxTextLength),
		DownloadURL: text(e.DownloadURL, maxAvatarLength), FileName: text(e.FileName, maxNameLength), MIMEType: text(e.MIMEType, maxNameLength),
	}
	if out.Text == "" {
		var extended struct {
			Text json.RawMessage `json:"text"`
		}
		if json.Unmarshal(e.Extended, &extended) == nil {
			out.Text = text(extended.Text, maxTextLength)
		}
	}
	return out
}
