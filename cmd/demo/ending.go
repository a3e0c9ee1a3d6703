// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/rest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

// tailLines and tailWidth are how much of a log is shown when something went wrong.
const (
	tailLines = 12
	tailWidth = 240
)

// tables are the resources to show in the end, by the short names that people type.
var tables = []struct{ short, plural string }{{"wai", "whatsappinstances"}, {"maxi", "maxinstances"}, {"tgi", "telegraminstances"}}

// showTables prints what `kubectl get wai -o wide` and so on print: the API server makes the table, kubectl only lays it
// out.
func (s *stage) showTables(ctx context.Context) error {
	for _, t := range tables {
		answer, err := s.getTable(ctx, t.plural)
		if err != nil {
			return fmt.Errorf("cannot get the table of %s: %w", t.plural, err)
		}
		var table metav1.Table
		if err := json.Unmarshal(answer, &table); err != nil {
			return err
		}
		s.say.heading("$ kubectl get " + t.short + " -o wide")
		s.say.block(layOut(table))
	}
	return nil
}

func (s *stage) getTable(ctx context.Context, plural string) ([]byte, error) {
	config := rest.CopyConfig(s.plane.Config)
	config.NegotiatedSerializer = serializer.NewCodecFactory(s.scheme).WithoutConversion()
	server, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		return nil, err
	}
	return server.Get().
		AbsPath("/apis", v1alpha1.GroupVersion.Group, v1alpha1.GroupVersion.Version, "namespaces", namespace, plural).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").
		Do(ctx).Raw()
}

// layOut lays a table out as kubectl does.
func layOut(table metav1.Table) string {
	var text bytes.Buffer
	columns := tabwriter.NewWriter(&text, 6, 4, 3, ' ', 0)
	headings := make([]string, 0, len(table.ColumnDefinitions))
	for _, column := range table.ColumnDefinitions {
		headings = append(headings, strings.ToUpper(column.Name))
	}
	fmt.Fprintln(columns, strings.Join(headings, "\t"))
	for _, row := range table.Rows {
		cells := make([]string, 0, len(row.Cells))
		for _, cell := range row.Cells {
			if cell == nil {
				cell = ""
			}
			cells = append(cells, fmt.Sprint(cell))
		}
		fmt.Fprintln(columns, strings.Join(cells, "\t"))
	}
	_ = columns.Flush()
	return text.String()
}

// showWayIn tells how to look around.
func (s *stage) showWayIn() {
	s.say.heading("Everything stays up. Look around in another terminal:")
	s.say.block("export KUBECONFIG=" + s.kubeconfig(nameAdmin) + "\n" +
		"kubectl get greenapi\n" +
		"kubectl get wai -o wide --watch\n" +
		"kubectl get events --watch")
	s.say.heading("Edit a setting by hand, as in the vendor's console, and see it corrected; again and again, and see that stop:")
	s.say.block("curl -X POST " + s.vendor.InstanceURL(s.samples[supportLine].id()) + `/edit -d '{"incomingWebhook": "no"}'`)
	s.say.heading("What the emulator was asked:")
	s.say.block("curl '" + s.vendor.Origin + "/emulator/calls?method=setSettings'\n" +
		"tail -f " + s.log(nameManager) + " " + s.log(nameEmulator))
	fmt.Fprintln(s.say.out, "\nCtrl-C stops everything and removes it.")
}

// showLogs shows the end of the log that tells most: that of what died, else of what was started last.
func (s *stage) showLogs(err error) {
	names := []string{nameManager, nameEmulator, sandbox.NameServer, sandbox.NameEtcd}
	if dead, ok := errors.AsType[*sandbox.DiedError](err); ok {
		names = []string{dead.Name}
	}
	for _, name := range names {
		log, err := os.ReadFile(s.log(name))
		if err != nil || len(log) == 0 {
			continue
		}
		lines := strings.Split(strings.TrimRight(string(log), "\n"), "\n")
		s.say.heading(fmt.Sprintf("The last lines of %s:", s.log(name)))
		for _, line := range lines[max(0, len(lines)-tailLines):] {
			s.say.block(shorten(line, tailWidth))
		}
		return
	}
}

// shorten cuts text that is too long for a person to read in passing.
func shorten(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text
}
