// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	tables "github.com/yuin/goldmark/extension/ast"
)

// section is what stands under one heading, of what a translation leaves as it is.
type section struct {
	level   int
	heading string
	// shape is which blocks there are, with the items of lists, the cells of tables and what is bold.
	shape []string
	// code are the blocks of code, without comments where the language has them; quotes are the messages.
	code, quotes []string
	// spans, names, numbers and links are each sorted, and have nothing twice.
	spans, names, numbers, links []string
}

var (
	// camel is a name that is no word of a language, such as setSettings or a ServiceAccount, which may be several.
	camel = regexp.MustCompile(`\b(?:[A-Z][a-z0-9]+(?:[A-Z]+[a-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+)\b`)
	word  = regexp.MustCompile(`\b[A-Za-z]+\b`)
	// opening is a word that is also a reason, at the beginning of a sentence.
	opening = regexp.MustCompile(`(?m)(^|[.:?] )(?:Created|Deleted|Deleting|Paused) [a-z]`)
	// thousands is what may stand in a number between three digits and three; decimals have a comma in Russian.
	thousands = regexp.MustCompile(`(\d)[,\x{a0} ](\d{3})\b`)
	decimals  = regexp.MustCompile(`(\d),(\d)`)
	digits    = regexp.MustCompile(`\d+(?:[.:]\d+)*`)
)

// sections are what a page consists of. Its path is that from the root of the repository, known are the reasons and conditions.
func sections(page string, source []byte, known map[string]bool) []*section {
	var list []*section
	for node := parse(source).FirstChild(); node != nil; node = node.NextSibling() {
		if heading, ok := node.(*ast.Heading); ok {
			list = append(list, &section{level: heading.Level, heading: textOf(heading, source)})
		}
		if len(list) > 0 {
			list[len(list)-1].add(page, node, source, known)
		}
	}
	for _, s := range list {
		for _, some := range []*[]string{&s.spans, &s.names, &s.numbers, &s.links} {
			slices.Sort(*some)
			*some = slices.Compact(*some)
		}
	}
	return list
}

// add notes what one block has.
func (s *section) add(page string, block ast.Node, source []byte, known map[string]bool) {
	_ = ast.Walk(block, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.FencedCodeBlock:
			language := string(node.Language(source))
			s.shape = append(s.shape, "code "+language)
			code := string(node.Lines().Value(source))
			if language == "sh" || language == "yaml" || language == "yml" {
				code = comment.ReplaceAllString(code, "")
			}
			s.code = append(s.code, code)
		case *ast.Blockquote:
			s.shape = append(s.shape, "quote")
			s.quotes = append(s.quotes, textOf(node, source))
			return ast.WalkSkipChildren, nil
		case *ast.CodeSpan:
			s.spans = append(s.spans, textOf(node, source))
		case *ast.Link:
			s.links = append(s.links, inEnglish(page, string(node.Destination)))
		case *ast.Image:
			s.links = append(s.links, inEnglish(page, string(node.Destination)))
		case *ast.Heading, *ast.Paragraph, *ast.List, *ast.ListItem, *tables.Table, *tables.TableRow, *tables.TableCell:
			s.shape = append(s.shape, node.Kind().String())
		case *ast.Emphasis:
			if node.Level > 1 {
				s.shape = append(s.shape, "bold")
			}
		}
		return ast.WalkContinue, nil
	})
	text := opening.ReplaceAllString(proseOf(block, source), "$1")
	for _, name := range camel.FindAllString(text, -1) {
		s.names = append(s.names, strings.TrimSuffix(name, "s"))
	}
	heading, ok := block.(*ast.Heading)
	title := ok && heading.Level < 3 // a word of the language, such as Deleting
	for _, name := range word.FindAllString(text, -1) {
		if known[name] && !title {
			s.names = append(s.names, name)
		}
	}
	s.numbers = append(s.numbers, digits.FindAllString(decimals.ReplaceAllString(thousands.ReplaceAllString(text, "$1$2"), "$1.$2"), -1)...)
}

// proseOf is the text of a block without what is in backticks; a cell, an item or a paragraph is a line.
func proseOf(block ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(block, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		switch node := node.(type) {
		case *ast.CodeSpan:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			if entering {
				b.Write(node.Value(source))
			}
			if node.SoftLineBreak() {
				b.WriteByte(' ')
			}
		default:
			if node.Type() == ast.TypeBlock {
				b.WriteByte('\n')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
