// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	markdown "github.com/yuin/goldmark/ast"
)

// reasonConstants are the constants Reason… of the API package by their names in Go, from its source so that none is
// forgotten.
func reasonConstants(t *testing.T) map[string]string {
	t.Helper()
	g := NewWithT(t)
	reasons := map[string]string{}
	for _, spec := range constants(t, "conditions.go", "Reason") {
		literal, ok := spec.Values[0].(*ast.BasicLit)
		g.Expect(ok).To(BeTrue())
		value, err := strconv.Unquote(literal.Value)
		g.Expect(err).NotTo(HaveOccurred())
		reasons[spec.Names[0].Name] = value
	}
	g.Expect(len(reasons)).To(BeNumerically(">", 40))
	return reasons
}

// constants are the constants of a file of the API package whose names begin so.
func constants(t *testing.T, name, prefix string) []*ast.ValueSpec {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "api", "v1alpha1", name), nil, 0)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var specs []*ast.ValueSpec
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, prefix) {
			specs = append(specs, spec)
		}
		return true
	})
	return specs
}

// entry is what the page has about one reason.
type entry struct {
	messages []string
	text     string
}

// entries are the entries of the page by their headings, in the order in which they stand there.
func entries(t *testing.T) (order []string, entries map[string]*entry) {
	t.Helper()
	g := NewWithT(t)
	source, err := os.ReadFile("troubleshooting.md")
	g.Expect(err).NotTo(HaveOccurred())
	entries = map[string]*entry{}
	var current *entry
	page := parse(source)
	for node := page.FirstChild(); node != nil; node = node.NextSibling() {
		if heading, ok := node.(*markdown.Heading); ok {
			current = nil
			if heading.Level == 3 {
				name := textOf(heading, source)
				current = &entry{}
				order, entries[name] = append(order, name), current
			}
			continue
		}
		if current == nil {
			continue
		}
		if quote, ok := node.(*markdown.Blockquote); ok {
			for message := quote.FirstChild(); message != nil; message = message.NextSibling() {
				current.messages = append(current.messages, textOf(message, source))
			}
			continue
		}
		current.text += textOf(node, source) + "\n"
	}
	return order, entries
}

func TestEveryReasonHasAnEntryInTroubleshooting(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var reasons []string
	for _, reason := range reasonConstants(t) {
		reasons = append(reasons, reason)
	}
	order, found := entries(t)
	slices.Sort(reasons)
	slices.Sort(order)
	g.Expect(order).To(Equal(reasons), "docs/troubleshooting.md needs one heading ### for each constant Reason… of the API, and none beside")
	for reason, entry := range found {
		g.Expect(entry.messages).NotTo(BeEmpty(), "quote (> ...) the message that comes with %s", reason)
		for _, part := range []string{"Why.", "What to do."} {
			g.Expect(entry.text).To(ContainSubstring(part), reason)
		}
	}
}

func TestEveryReasonToAbandonASettingHasAnEntryInTroubleshooting(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	_, found := entries(t)
	specs := constants(t, "status_types.go", "Abandon")
	g.Expect(specs).NotTo(BeEmpty())
	for _, spec := range specs {
		conversion, ok := spec.Values[0].(*ast.CallExpr)
		g.Expect(ok).To(BeTrue(), "%s is made from a constant Reason…", spec.Names[0].Name)
		name, ok := conversion.Args[0].(*ast.Ident)
		g.Expect(ok).To(BeTrue())
		reason := reasonConstants(t)[name.Name]
		g.Expect(found).To(HaveKey(reason))
		g.Expect(found[reason].text).To(ContainSubstring("status.abandoned"), reason)
	}
}

func TestEveryMessageInTroubleshootingIsTheOperatorsOwn(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	all := operatorMessages(t)
	g.Expect(len(all)).To(BeNumerically(">", 40))
	_, found := entries(t)
	for reason, entry := range found {
		for _, quoted := range entry.messages {
			if !slices.ContainsFunc(all, func(m message) bool {
				return m.pattern.MatchString(quoted) && (len(m.reasons) == 0 || slices.Contains(m.reasons, reason))
			}) {
				t.Errorf("the operator never says so with the reason %s: %s", reason, quoted)
			}
		}
	}
}

func TestTheIndexNamesEveryPage(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	source, err := os.ReadFile("README.md")
	g.Expect(err).NotTo(HaveOccurred())
	links := linksOf(source)
	list, err := filepath.Glob("*.md")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(list)).To(BeNumerically(">", 5))
	for _, page := range list {
		if page != "README.md" {
			g.Expect(links).To(ContainElement(page), "docs/README.md names every page of docs/")
		}
	}
}
