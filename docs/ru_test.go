// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	. "github.com/onsi/gomega"
)

// translated are the pages of docs/ that must have a translation in docs/ru.
var translated = []string{
	"README.md", "design/rollout.md", "faq.md", "installation.md", "instanceclaim.md", "kubectl-greenapi.md", "migration.md",
	"partneraccount.md", "resellers.md", "token-rotation.md", "troubleshooting.md", "whatsappinstance.md",
}

// russianPages are the translations by their path from docs/ru, which is that of the page in docs/.
func russianPages(t *testing.T) []string {
	t.Helper()
	var list []string
	NewWithT(t).Expect(fs.WalkDir(os.DirFS("ru"), ".", func(name string, _ fs.DirEntry, err error) error {
		if path.Ext(name) == ".md" {
			list = append(list, name)
		}
		return err
	})).To(Succeed())
	return list
}

// inEnglish is where a link of a page leads, as a path from the root, of a translated page as that of the English page and heading.
// Of one that leads to another site nothing is changed.
func inEnglish(page, link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "" {
		return link
	}
	target := path.Join(path.Dir(page), u.Path)
	if u.Path == "" {
		target = page
	}
	english, ok := englishOf(target)
	if !ok || u.Fragment == "" {
		return strings.TrimSuffix(english+"#"+u.Fragment, "#")
	}
	theirs, err1 := os.ReadFile(filepath.Join(root, target))
	ours, err2 := os.ReadFile(filepath.Join(root, english))
	n := slices.Index(anchorsInOrder(theirs), u.Fragment)
	if anchors := anchorsInOrder(ours); err1 == nil && err2 == nil && n >= 0 && n < len(anchors) {
		return english + "#" + anchors[n]
	}
	return english + "#" + u.Fragment
}

// englishOf is the path of the page that this one translates, the path itself if it is no translation.
func englishOf(page string) (string, bool) {
	if page == "README.ru.md" {
		return "README.md", true
	}
	rest, ok := strings.CutPrefix(page, "docs/ru/")
	if !ok {
		return page, false
	}
	return "docs/" + rest, true
}

// russianOf is the path of the translation of a page, "" if there is none.
func russianOf(page string) string {
	if page == "README.md" {
		return "README.ru.md"
	}
	if rest, ok := strings.CutPrefix(page, "docs/"); ok {
		if info, err := os.Stat(filepath.Join("ru", rest)); err == nil && !info.IsDir() {
			return "docs/ru/" + rest
		}
	}
	return ""
}

// behind says in what a translation is behind the page in English.
func behind(page string, english, russian []byte, known, reasons map[string]bool) []string {
	name, _ := englishOf(page)
	ours, theirs := sections(name, english, known), sections(page, russian, known)
	var list []string
	for n := range max(len(ours), len(theirs)) {
		if n >= len(ours) || n >= len(theirs) || ours[n].level != theirs[n].level ||
			len(ours) != len(theirs) && ours[n].named(reasons) && ours[n].heading != theirs[n].heading {
			return []string{fmt.Sprintf("%s: other headings from number %d on: %s", page, n+1, headings(n, ours, theirs))}
		}
		one, other := ours[n], theirs[n]
		same := func(what string, want, have []string) {
			if slices.Equal(want, have) {
				return
			}
			lacks, more := without(want, have), without(have, want)
			if len(lacks)+len(more) == 0 { // in another order, or not as often
				lacks, more = want, have
			}
			list = append(list, fmt.Sprintf("%s, %q: other %s\n  lacks %q\n  has more %q", page, other.heading, what, lacks, more))
		}
		if one.named(reasons) && one.heading != other.heading {
			same("name, which is not translated", []string{one.heading}, []string{other.heading})
		}
		leave := func(links []string) []string {
			return slices.DeleteFunc(slices.Clone(links), func(link string) bool { return link == name })
		}
		same("blocks, cells, bold", one.shape, other.shape)
		same("code", one.code, other.code)
		same("messages", one.quotes, other.quotes)
		same("in backticks", one.spans, other.spans)
		same("names", one.names, other.names)
		same("numbers", one.numbers, other.numbers)
		same("links", leave(one.links), leave(other.links))
	}
	return list
}

// named says whether the heading of a section is a name, which is not translated.
func (s *section) named(reasons map[string]bool) bool {
	return unicode.IsLower([]rune(s.heading)[0]) || s.level == 3 && reasons[s.heading]
}

// headings are the n-th ones of two pages.
func headings(n int, pages ...[]*section) string {
	var both []string
	for _, page := range pages {
		if n < len(page) {
			both = append(both, strings.Repeat("#", page[n].level)+" "+page[n].heading)
		} else {
			both = append(both, "none")
		}
	}
	return strings.Join(both, " / ")
}

// without is what of a list the other one does not have.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// namesOfConditions are the reasons, and with the types of conditions all names that a translation leaves as they are.
func namesOfConditions(t *testing.T) (known, reasons map[string]bool) {
	t.Helper()
	known, reasons = map[string]bool{}, map[string]bool{}
	for _, reason := range reasonConstants(t) {
		known[reason], reasons[reason] = true, true
	}
	for _, spec := range constants(t, "conditions.go", "") {
		if name, ok := strings.CutSuffix(spec.Names[0].Name, "Condition"); ok {
			known[name] = true
		}
	}
	return known, reasons
}

func TestEveryRussianPageSaysWhatTheEnglishOneSays(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	known, reasons := namesOfConditions(t)
	list := russianPages(t)
	g.Expect(list).To(ContainElements(translated))
	for _, name := range list {
		english, err := os.ReadFile(name)
		g.Expect(err).NotTo(HaveOccurred(), "docs/ru/%s translates no page of docs/", name)
		russian, err := os.ReadFile(filepath.Join("ru", name))
		g.Expect(err).NotTo(HaveOccurred())
		for _, problem := range behind("docs/ru/"+name, english, russian, known, reasons) {
			t.Error(problem)
		}
		up := strings.Repeat("../", strings.Count(name, "/"))
		g.Expect(firstParagraph(english)).To(Equal("English | [Русский]("+up+"ru/"+name+")"), "docs/"+name)
		g.Expect(firstParagraph(russian)).To(Equal("[English]("+up+"../"+name+") | Русский"), "docs/ru/"+name)
	}
}

// firstParagraph is what follows the title of a page.
func firstParagraph(source []byte) string {
	return strings.Split(string(source), "\n\n")[1]
}

// TestRussianPagesLinkToRussianPages where there is one: whoever reads Russian is not led to English in between.
func TestRussianPagesLinkToRussianPages(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	list := []string{"README.ru.md"}
	for _, name := range russianPages(t) {
		list = append(list, "docs/ru/"+name)
	}
	for _, page := range list {
		source, err := os.ReadFile(filepath.Join(root, page))
		g.Expect(err).NotTo(HaveOccurred())
		english, _ := englishOf(page)
		for _, link := range linksOf(source) {
			u, err := url.Parse(link)
			g.Expect(err).NotTo(HaveOccurred())
			target := path.Join(path.Dir(page), u.Path)
			if u.Scheme == "" && u.Path != "" && target != english {
				g.Expect(russianOf(target)).To(BeEmpty(), "%s links to %s, which is there in Russian", page, link)
			}
		}
	}
}

func TestATranslationThatIsBehindIsNoticed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	known, reasons := namesOfConditions(t)
	english := []byte(strings.Join([]string{
		"# Page", "Ready is False: `Enforce` waits 5 minutes, and 1,000 Secrets, see [here](faq.md).", "## status", "### Expired", "> Renew it",
		"**Why.** Synced is ApplyPending.", "```sh\nkubectl get wai # all\n```", "```\n# said\n```", "- one\n- two", "| a | b |\n|---|---|\n| c | 1.5 |",
	}, "\n\n"))
	russian := strings.Join([]string{
		"# Страница", "Ready — False: `Enforce` ждёт 5 минут и 1000 Secret, см. [тут](../faq.md).", "## status", "### Expired", "> Renew it",
		"**Почему.** Synced — ApplyPending.", "```sh\nkubectl get wai # все\n```", "```\n# said\n```", "- раз\n- два", "| а | б |\n|---|---|\n| в | 1,5 |",
	}, "\n\n")
	g.Expect(behind("docs/ru/page.md", english, []byte(russian), known, reasons)).To(BeEmpty())
	for _, change := range [][]string{
		{"## status\n\n", "", "other headings"}, {"### Expired", "#### Expired", "other headings"},
		{"## status", "## состояние", "not translated"}, {"### Expired", "### Истёк", "not translated"},
		{"get wai", "get tgi", "code"}, {"# said", "# сказано", "code"}, {"```sh", "```yaml", "blocks"}, {"> Renew", "> Продлите", "messages"},
		{"`Enforce`", "`Observe`", "in backticks"}, {"`Enforce`", "политика", "in backticks"}, {"Ready — False", "Неготово", "names"},
		{"ApplyPending", "ApplyPendng", "names"}, {"5 минут", "6 минут", "numbers"}, {"1000", "100", "numbers"}, {"1,5", "1,6", "numbers"},
		{"../faq.md", "../access.md", "links"}, {"- раз\n", "", "blocks"}, {" б |", " б | д |", "blocks"}, {"**Почему.**", "Почему.", "blocks"},
	} {
		g.Expect(russian).To(ContainSubstring(change[0]))
		g.Expect(behind("docs/ru/page.md", english, []byte(strings.Replace(russian, change[0], change[1], 1)), known, reasons)).To(
			ContainElement(ContainSubstring(change[2])), "%q", change)
	}
}
