// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// message is a text in the operator's code.
type message struct {
	// pattern is the text with .+ for what is put into it.
	pattern *regexp.Regexp
	// reasons are those that the code names beside the text, none if it names none there.
	reasons []string
}

// shortest is how much of its own a text must have, so that what is put into it does not match everything.
const shortest = 12

var verbs = regexp.MustCompile(`%[a-z]`)

// operatorMessages are the texts of the operator that may be the message of a condition.
func operatorMessages(t *testing.T) []message {
	t.Helper()
	g := NewWithT(t)
	reasons := reasonConstants(t)
	var files []string
	for _, folder := range []string{"controllers", "controllers/accounts", "controllers/claims", "internal/instance", "internal/states"} {
		some, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		g.Expect(err).NotTo(HaveOccurred())
		files = append(files, some...)
	}
	var all []message
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		g.Expect(err).NotTo(HaveOccurred())
		var above []ast.Node
		ast.Inspect(file, func(node ast.Node) bool {
			if node == nil {
				above = above[:len(above)-1]
				return true
			}
			if expression, ok := node.(ast.Expr); ok {
				if pattern, own := patternOf(expression); own >= shortest {
					all = append(all, message{regexp.MustCompile("^" + pattern + "$"), reasonsAround(above, reasons)})
					return false
				}
			}
			above = append(above, node)
			return true
		})
	}
	return all
}

// patternOf is the pattern of a text that is put together with +, and how many characters of its own it has.
func patternOf(expression ast.Expr) (pattern string, own int) {
	switch e := expression.(type) {
	case *ast.BasicLit:
		value, err := strconv.Unquote(e.Value)
		if e.Kind != token.STRING || err != nil {
			break
		}
		pieces := verbs.Split(value, -1)
		for n, piece := range pieces {
			own += len(piece)
			pieces[n] = regexp.QuoteMeta(piece)
		}
		return strings.Join(pieces, ".+"), own
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			left, a := patternOf(e.X)
			right, b := patternOf(e.Y)
			return left + right, a + b
		}
	}
	return ".+", 0
}

// reasonsAround are the reasons in the innermost of the nodes around a text that names any: the literal, the call or the
// case that the text stands in.
func reasonsAround(above []ast.Node, reasons map[string]string) []string {
	for _, outer := range slices.Backward(above) {
		var named []string
		note := func(node ast.Node) bool {
			if selector, ok := node.(*ast.SelectorExpr); ok && reasons[selector.Sel.Name] != "" {
				named = append(named, reasons[selector.Sel.Name])
			}
			return true
		}
		switch node := outer.(type) {
		case *ast.FuncDecl, *ast.GenDecl:
			return nil
		case *ast.CaseClause:
			// A reason itself, not one that a condition compares with.
			for _, value := range node.List {
				note(value)
			}
		case *ast.CompositeLit, *ast.CallExpr:
			ast.Inspect(node, note)
		}
		if len(named) > 0 {
			return named
		}
	}
	return nil
}
