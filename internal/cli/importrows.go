// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// importRow is one instance to import, or why it cannot be.
type importRow struct {
	id                int64
	origin            greenapi.Origin
	secret, key, name string
	kind              string
	where             importPlace
	err               error
}

// importPlace is a place with two more: where the kind and the name are given.
type importPlace struct {
	place
	kind, name string
}

// columns of the CSV file; the first three are needed.
var columns = []string{"id", "apiUrl", "secret", "name", "kind"}

const neededColumns = 3

// rows are what is to be imported, from the flags or from the file.
func (i *importer) rows() ([]importRow, error) {
	if i.list != "" {
		return i.rowsOfFile()
	}
	values := map[string]string{"id": strconv.FormatInt(i.id, 10), "apiUrl": i.apiURL, "secret": i.secret, "name": i.name, "kind": i.kind}
	if i.createSecret && i.secret == "" {
		values["secret"] = cmp.Or(i.name, "instance-"+values["id"]) + "-token"
	}
	row := newImportRow(values, func(column string) string {
		return map[string]string{"id": "--id", "apiUrl": "--api-url", "secret": "--secret", "name": "--name", "kind": "--kind"}[column]
	}, "")
	return []importRow{row}, row.err
}

func (i *importer) rowsOfFile() ([]importRow, error) {
	text, err := i.readInput(i.list)
	if err != nil {
		return nil, failf("Name a CSV file, or - for standard input", "The list of instances cannot be read: %s", err)
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	reader.FieldsPerRecord, reader.TrimLeadingSpace, reader.Comment = -1, true, '#'
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, failf("Begin with a header line: "+strings.Join(columns, ","), "The list of instances is empty")
	}
	if err != nil {
		return nil, failf("Write CSV: commas between the values, quotes around a value that holds one", "The list of instances cannot be read: %s", err)
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	var rows []importRow
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, failf("Write CSV: commas between the values, quotes around a value that holds one", "The list of instances cannot be read: %s", err)
		}
		line, _ := reader.FieldPos(0)
		rows = append(rows, i.rowOf(header, record, line))
	}
	if len(rows) == 0 {
		return nil, failf("Write a line for each instance below the header", "The list of instances has no lines")
	}
	refuseTwins(rows)
	return rows, nil
}

// readInput reads a file, or standard input for "-".
func (i *importer) readInput(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(i.In)
	}
	return os.ReadFile(name)
}

// checkHeader writes the names of the columns in one way, and refuses others.
func checkHeader(header []string) error {
	for at, name := range header {
		name = strings.TrimSpace(name)
		known := slices.IndexFunc(columns, func(column string) bool { return strings.EqualFold(column, name) })
		if known < 0 {
			return failf("Write the columns "+strings.Join(columns, ",")+" (the last two may be missing), separated by commas", "Line 1, column %d: there is no column %q", at+1, name)
		}
		if slices.Contains(header[:at], columns[known]) {
			return failf("Leave one of them out", "Line 1, column %d: %s is there twice", at+1, name)
		}
		header[at] = columns[known]
	}
	for _, name := range columns[:neededColumns] {
		if !slices.Contains(header, name) {
			return failf("Begin with a header line: "+strings.Join(columns, ","), "Line 1: column %s is missing", name)
		}
	}
	return nil
}

func (i *importer) rowOf(header, record []string, line int) importRow {
	prefix := fmt.Sprintf("Line %d", line)
	if len(record) != len(header) {
		return importRow{err: failf("Write "+strings.Join(header, ","), "%s has %d values, and the header %d", prefix, len(record), len(header))}
	}
	values := map[string]string{"kind": i.kind}
	for at, column := range header {
		if value := strings.TrimSpace(record[at]); value != "" {
			values[column] = value
		}
	}
	return newImportRow(values, func(column string) string { return "column " + column }, prefix)
}

// newImportRow checks the values of an instance to import. named says how a message calls a value, line where it stands.
func newImportRow(values map[string]string, named func(column string) string, line string) importRow {
	row := importRow{}
	wrong := func(column, next, format string, arguments ...any) importRow {
		prefix := named(column)
		if line != "" {
			prefix = line + ", " + prefix
		}
		return importRow{err: failf(next, "%s: %s", prefix, fmt.Sprintf(format, arguments...))}
	}
	var err error
	if row.id, err = strconv.ParseInt(values["id"], 10, 64); err != nil || row.id < 1 || row.id > 1<<53-1 {
		return wrong("id", "Write the number of the instance as the vendor's console shows it, such as 7107000001", "%q is no number of an instance", values["id"])
	}
	if row.origin, err = greenapi.ParseOrigin(values["apiUrl"]); err != nil {
		return wrong("apiUrl", "Write it as the vendor's console shows it, such as https://7107.api.greenapi.com", "%s", err)
	}
	secret, key, hasKey := strings.Cut(values["secret"], "/")
	if len(validation.IsDNS1123Subdomain(secret)) > 0 || hasKey && len(validation.IsConfigMapKey(key)) > 0 {
		return wrong("secret", "Write the name of the Secret, or NAME/KEY", "%q names no Secret", values["secret"])
	}
	row.secret, row.key = secret, cmp.Or(key, v1alpha1.DefaultAPITokenKey)
	row.name = cmp.Or(values["name"], fmt.Sprintf("instance-%d", row.id))
	if len(validation.IsDNS1123Subdomain(row.name)) > 0 {
		return wrong("name", "Write small letters, digits, - and ., such as support-line", "%q cannot be the name of a resource", row.name)
	}
	var known bool
	if row.kind, known = canonicalKind(values["kind"]); !known {
		return wrong("kind", "Write WhatsAppInstance, MaxInstance or TelegramInstance, or leave it out", "there is no kind %q", values["kind"])
	}
	row.where = importPlace{kind: named("kind"), name: named("name"), place: place{
		subject: fmt.Sprintf("Instance %d", row.id), id: named("id"), address: named("apiUrl"), token: fmt.Sprintf("key %q of Secret %q", row.key, row.secret)}}
	if line != "" {
		row.where.subject = fmt.Sprintf("%s, instance %d", line, row.id)
	}
	return row
}

// refuseTwins refuses the second of two lines for one instance or one name.
func refuseTwins(rows []importRow) {
	seen := map[string]string{}
	for i := range rows {
		row := &rows[i]
		if row.err != nil {
			continue
		}
		for _, key := range []string{fmt.Sprintf("%d at %s", row.id, row.origin.Identity()), row.name} {
			if first, taken := seen[key]; taken && row.err == nil {
				row.err = failf("Delete one of the two, or give it another name", "%s: %s has the same instance or name", row.where.subject, first)
			}
			seen[key] = row.where.subject
		}
	}
}
