// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	. "github.com/onsi/gomega"
	"github.com/yuin/goldmark/ast"
)

// anchorsOf are the anchors of a page's headings.
func anchorsOf(source []byte) map[string]bool {
	anchors := map[string]bool{}
	for _, anchor := range anchorsInOrder(source) {
		anchors[anchor] = true
	}
	return anchors
}

// anchorsInOrder are the anchors of a page's headings as they follow each other.
func anchorsInOrder(source []byte) []string {
	var anchors []string
	_ = ast.Walk(parse(source), func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if heading, ok := node.(*ast.Heading); ok && entering {
			plain := anchorOf(textOf(heading, source))
			anchor := plain
			for n := 1; slices.Contains(anchors, anchor); n++ {
				anchor = plain + "-" + strconv.Itoa(n)
			}
			anchors = append(anchors, anchor)
		}
		return ast.WalkContinue, nil
	})
	return anchors
}

// anchorOf is the anchor that GitHub gives a heading: in small letters, without punctuation but - and _, with a hyphen for
// each space.
func anchorOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', unicode.IsLetter(r), unicode.IsMark(r), unicode.Is(unicode.Nd, r), unicode.Is(unicode.Pc, r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// textOf is the text of a node without its markup.
func textOf(node ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(node, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Text:
			b.Write(node.Value(source))
			if node.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(node.Value)
		case *ast.AutoLink:
			b.Write(node.Label(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

func TestAnchorsAreAsGitHubMakesThem(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	page := strings.Join([]string{
		"# How we work, and why", "## `kubectl greenapi` — the plugin", "## Что делать, если ничего не работает?",
		"## Ёмкость `--api-qps`", "## Again", "## Again", "Under", "---", "## [A link](there.md) in a_b", "```", "# no heading", "```",
	}, "\n")
	g.Expect(anchorsOf([]byte(page))).To(Equal(map[string]bool{
		"how-we-work-and-why": true, "kubectl-greenapi--the-plugin": true, "что-делать-если-ничего-не-работает": true,
		"ёмкость---api-qps": true, "again": true, "again-1": true, "under": true, "a-link-in-a_b": true,
	}))
}

func TestALinkThatLeadsNowhereIsNoticed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	folder := t.TempDir()
	g.Expect(os.MkdirAll(filepath.Join(folder, "docs"), 0o700)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(folder, "docs", "страница.md"), []byte("# Первый шаг\n"), 0o600)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(folder, "LICENSE"), []byte("Apache"), 0o600)).To(Succeed())
	for link, problem := range map[string]string{
		"страница.md": "", "страница.md#первый-шаг": "", "%D1%81%D1%82%D1%80%D0%B0%D0%BD%D0%B8%D1%86%D0%B0.md": "", "../docs": "", "../LICENSE": "",
		"https://elsewhere.example/x#y": "", home + "issues": "", home + "blob/main/LICENSE": "", home + "blob/main/docs/страница.md#первый-шаг": "",
		"страница.md#второй-шаг": "no heading",
		"other.md":                       "there is no docs/other.md",
		home + "blob/main/NOTICE":        "there is no NOTICE",
		"../LICENSE#top":                 "only a Markdown page",
		"../../elsewhere.md":             "out of the repository",
		"/docs/страница.md":              "the path from the page",
		"http://elsewhere.example":       "write https://",
		"#первый-шаг":                    "there is no docs/page.md",
		home + "tree/main/docs#anything": "only a Markdown page",
	} {
		if problem == "" {
			g.Expect(wrong(folder, "docs/page.md", link)).To(BeEmpty(), link)
		} else {
			g.Expect(wrong(folder, "docs/page.md", link)).To(ContainSubstring(problem), link)
		}
	}
	g.Expect(linksOf([]byte("[a](b.md), ![c](d.png) and [e]\n\n| [f](g.md) |\n|---|\n| [h](i.md) |\n\n`[no](link.md)`\n\n[e]: j.md\n"))).To(
		ConsistOf("b.md", "d.png", "g.md", "i.md", "j.md"))
}
