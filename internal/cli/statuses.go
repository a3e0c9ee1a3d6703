// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// The window of statuses: the vendor counts in minutes and keeps them for 30 days.
const (
	leastSince, mostSince = time.Minute, 30 * 24 * time.Hour
)

// statusesFlags are the flags of statuses.
type statusesFlags struct {
	vendor vendorFlags
	since  time.Duration
	output string
}

func newStatuses(s *session) *cobra.Command {
	var flags statusesFlags
	command := &cobra.Command{
		Use:   "statuses NAME",
		Short: "Show the statuses that contacts of a WhatsApp account published",
		Long: `Show the statuses that contacts of a WhatsApp account published, the oldest first.

FROM is what the account's address book calls the contact, else the number. Texts are shown on one line, without
characters that do not show or that would mean something to a terminal.

-o json and -o yaml print an object with these fields, of which empty ones are left out of the statuses:

  instance     namespace/name of the resource
  idInstance   the vendor's number of the instance
  since        how far back was asked, such as 24h0m0s
  statuses     a list, always there, the oldest first:
    time         when it was received, RFC 3339 in UTC
    type         extendedTextMessage, imageMessage, videoMessage, audioMessage or another word of the vendor's
    from         number of the contact
    contactName  what the account's address book calls the contact
    senderName   what the contact calls itself
    text         of a text; at most 4096 characters
    caption      of a picture or video; at most 4096 characters
    downloadUrl, fileName, mimeType   of a picture, a video or a sound
    id           the vendor's idMessage

Statuses are a beta of the vendor's, which its support enables for an account. You need the rights to get the instance
and its Secret.`,
		Example: `  # The statuses of the last 24 hours
  kubectl greenapi statuses support-line

  # All that the vendor keeps, as JSON
  kubectl greenapi statuses support-line --since 720h -o json`,
		Args:              nameOfOne,
		ValidArgsFunction: s.completeNames,
		RunE: func(command *cobra.Command, arguments []string) error {
			return s.statuses(command.Context(), arguments[0], flags)
		},
	}
	flags.vendor.bind(command)
	command.Flags().DurationVar(&flags.since, "since", 24*time.Hour, "How far back, from 1m to 720h")
	command.Flags().StringVarP(&flags.output, "output", "o", "", "json or yaml; a table without it")
	return command
}

func (s *session) statuses(ctx context.Context, name string, flags statusesFlags) error {
	switch {
	case flags.since < leastSince || flags.since > mostSince:
		return failf("Write a time from 1m to 720h, such as --since=24h", "--since=%s is out of range: the vendor counts in minutes and keeps statuses for 30 days", flags.since)
	case !isStructured(flags.output):
		return failf("Write -o json or -o yaml, or leave it out for a table", "-o %s is not known", flags.output)
	}
	cluster, err := s.client()
	if err != nil {
		return err
	}
	resource, err := s.findOne(ctx, cluster, name)
	if err != nil {
		return err
	}
	if instance.KindOf(resource).Messenger != whatsApp {
		return failf("Name a WhatsAppInstance: kubectl get wai -n "+resource.GetNamespace()+" lists them", "%s: only WhatsApp has statuses", advice.Title(resource))
	}
	if err := flags.vendor.settle(ctx, s, cluster); err != nil {
		return err
	}
	if resource, err = withClaim(ctx, cluster, resource); err != nil {
		return err
	}
	vendor, err := s.connect(ctx, cluster, resource, flags.vendor)
	if err != nil {
		return err
	}
	list, err := vendor.ListIncomingStatuses(ctx, flags.since)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if status, ok := errors.AsType[*greenapi.StatusError](err); ok && status.Cause == greenapi.CauseForbidden {
		return failf("Ask GREEN-API's support to enable it", "%s: the beta of statuses is not enabled for this account", advice.Title(resource))
	}
	if err != nil {
		return explainVendor(err, placeOf(resource))
	}
	report := statusReport{Instance: resource.GetNamespace() + "/" + resource.GetName(), ID: instance.Number(resource), Since: flags.since.String(), Statuses: statusLines(list)}
	return s.printStatuses(report, flags)
}

// statusReport is the output of statuses in JSON and YAML, which its help documents.
type statusReport struct {
	Instance string       `json:"instance"`
	ID       int64        `json:"idInstance"`
	Since    string       `json:"since"`
	Statuses []statusLine `json:"statuses"`
}

// statusLine is one status.
type statusLine struct {
	Time        string `json:"time,omitempty"`
	Type        string `json:"type,omitempty"`
	From        string `json:"from,omitempty"`
	ContactName string `json:"contactName,omitempty"`
	SenderName  string `json:"senderName,omitempty"`
	Text        string `json:"text,omitempty"`
	Caption     string `json:"caption,omitempty"`
	DownloadURL string `json:"downloadUrl,omitempty"`
	FileName    string `json:"fileName,omitempty"`
	MIMEType    string `json:"mimeType,omitempty"`
	ID          string `json:"id,omitempty"`
}

// statusLines brings statuses into the order of their times; those without one come first.
func statusLines(list []greenapi.Status) []statusLine {
	lines := make([]statusLine, 0, len(list))
	for _, status := range list {
		from, _, _ := strings.Cut(status.Sender, "@")
		line := statusLine{Type: status.Type, From: from, ContactName: status.ContactName, SenderName: status.SenderName, Text: status.Text,
			Caption: status.Caption, DownloadURL: status.DownloadURL, FileName: status.FileName, MIMEType: status.MIMEType, ID: status.ID}
		if status.Time != nil {
			line.Time = status.Time.Format(time.RFC3339)
		}
		lines = append(lines, line)
	}
	slices.SortStableFunc(lines, func(a, b statusLine) int { return strings.Compare(a.Time, b.Time) })
	return lines
}

func (s *session) printStatuses(report statusReport, flags statusesFlags) error {
	switch {
	case flags.output != "":
		return printStructured(s.Out, flags.output, indentTwo, report)
	case len(report.Statuses) == 0:
		// As kubectl get does where it finds nothing.
		fmt.Fprintf(s.ErrOut, "No statuses of contacts of %s in the last %s.\n", report.Instance, sinceText(flags.since))
		return nil
	}
	s.printStatusTable(report.Statuses)
	return nil
}

// statusKinds are short words for the documented types.
var statusKinds = map[string]string{"extendedTextMessage": "text", "imageMessage": "image", "videoMessage": "video", "audioMessage": "audio"}

// maxFrom and maxType are how wide these columns may become, so that the text has room on a terminal of 80 columns,
// whatever contacts call themselves.
const maxFrom, maxType = 20, 8

func (s *session) printStatusTable(statuses []statusLine) {
	rows := make([][]gridCell, 0, len(statuses))
	for _, status := range statuses {
		from := cut(cmp.Or(status.ContactName, status.From, "-"), maxFrom)
		kind := cut(cmp.Or(statusKinds[status.Type], status.Type, "-"), maxType)
		rows = append(rows, []gridCell{{text: cmp.Or(status.Time, "-")}, {text: from}, {text: kind}, {text: cmp.Or(status.Text, status.Caption, "-")}})
	}
	g := &grid{terminal: terminalOf(s.Out), cutsAll: true, columns: []column{{name: "TIME"}, {name: "FROM"}, {name: "TYPE"}, {name: "TEXT/CAPTION"}}}
	g.print(s.Out, rows)
}

// sinceText writes a duration as a person does: 24h, not 24h0m0s.
func sinceText(since time.Duration) string {
	text := since.String()
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return text
}
