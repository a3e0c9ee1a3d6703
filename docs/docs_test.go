// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package docs_test holds the pages of this repository to what is there: links, reasons, messages and forms.
package docs_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// root is the root of the repository, seen from here.
const root = ".."

// home is where the repository's files are on the web; a link to there is a link to a file.
const home = "https://github.com/greenapi-operator/greenapi-operator/"

// parse parses a page as GitHub does.
func parse(source []byte) ast.Node {
	return goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
}

// pages are all Markdown files of the repository by their path from its root.
func pages(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || path == filepath.Join(root, "bin")):
			return filepath.SkipDir
		case !entry.IsDir() && filepath.Ext(path) == ".md":
			name, err := filepath.Rel(root, path)
			list = append(list, name)
			return err
		}
		return nil
	})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return list
}

func TestEveryLinkOfEveryPageLeadsSomewhere(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	list := pages(t)
	g.Expect(list).To(ContainElements("README.md", "docs/README.md", "docs/design/rules.md", "internal/greenapi/emulator/README.md"))
	links := 0
	for _, page := range list {
		source, err := os.ReadFile(filepath.Join(root, page))
		g.Expect(err).NotTo(HaveOccurred())
		for _, link := range linksOf(source) {
			links++
			if problem := wrong(root, page, link); problem != "" {
				t.Errorf("%s links to %s: %s", page, link, problem)
			}
		}
	}
	g.Expect(links).To(BeNumerically(">", 100))
}

// linksOf are the destinations of all links and pictures of a page.
func linksOf(source []byte) []string {
	var links []string
	_ = ast.Walk(parse(source), func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Link:
			links = append(links, string(node.Destination))
		case *ast.Image:
			links = append(links, string(node.Destination))
		}
		return ast.WalkContinue, nil
	})
	return links
}

// wrong says what is wrong with a link of a page, "" if it leads somewhere. Of other sites nothing is asked.
func wrong(root, page, link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return "it is not a URL: " + err.Error()
	}
	target := filepath.Join(filepath.Dir(page), filepath.FromSlash(u.Path))
	switch rest, ours := strings.CutPrefix(link, home); {
	case ours && (strings.HasPrefix(rest, "blob/main/") || strings.HasPrefix(rest, "tree/main/")):
		target = filepath.FromSlash(strings.SplitN(strings.SplitN(rest, "/", 3)[2], "#", 2)[0])
	case u.Scheme == "https" || u.Scheme == "mailto":
		return ""
	case u.Scheme != "" || u.Host != "" || strings.HasPrefix(u.Path, "/"):
		return "write https://, or the path from the page to the file"
	case u.Path == "":
		target = page
	}
	if strings.HasPrefix(target, "..") {
		return "it leads out of the repository"
	}
	info, err := os.Stat(filepath.Join(root, target))
	if err != nil {
		return "there is no " + filepath.ToSlash(target)
	}
	if u.Fragment == "" {
		return ""
	}
	if info.IsDir() || filepath.Ext(target) != ".md" {
		return "only a Markdown page has anchors"
	}
	source, err := os.ReadFile(filepath.Join(root, target))
	if err != nil {
		return err.Error()
	}
	if known := anchorsOf(source); !known[u.Fragment] {
		return fmt.Sprintf("%s has no heading with the anchor %q", filepath.ToSlash(target), u.Fragment)
	}
	return ""
}
