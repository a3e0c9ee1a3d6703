// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// form is an issue form as GitHub documents it; it refuses other keys.
type form struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Title       string    `json:"title"`
	Type        string    `json:"type"`
	Labels      []string  `json:"labels"`
	Assignees   []string  `json:"assignees"`
	Projects    []string  `json:"projects"`
	Body        []element `json:"body"`
}

type element struct {
	Type        string          `json:"type"`
	ID          string          `json:"id"`
	Attributes  attributes      `json:"attributes"`
	Validations map[string]bool `json:"validations"`
}

type attributes struct {
	Value       string `json:"value"`
	Label       string `json:"label"`
	Description string `json:"description"`
	Placeholder string `json:"placeholder"`
	Render      string `json:"render"`
	Multiple    bool   `json:"multiple"`
	Options     []any  `json:"options"`
}

// strictly reads YAML into a struct: no key that it lacks, no key twice, no number or yes where it has a text.
func strictly(source []byte, into any) error {
	converted, err := yaml.YAMLToJSONStrict(source)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(converted))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

var identifier = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// mistakes are what GitHub would refuse about a form.
func mistakes(source []byte) []string {
	var f form
	if err := strictly(source, &f); err != nil {
		return []string{err.Error()}
	}
	var list []string
	complain := func(wrong bool, format string, args ...any) {
		if wrong {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	complain(strings.TrimSpace(f.Name) == "", "name is missing")
	complain(strings.TrimSpace(f.Description) == "", "description is missing")
	complain(!slices.ContainsFunc(f.Body, func(e element) bool { return e.Type != "markdown" }), "body asks for nothing")
	seen := map[string]bool{}
	for n, e := range f.Body {
		list = append(list, e.mistakes(n)...)
		if e.Type == "markdown" {
			continue
		}
		label := "label " + strings.ToLower(e.Attributes.Label)
		complain(seen[label], "body[%d]: another element has this label", n)
		complain(e.ID != "" && seen[e.ID], "body[%d]: another element has the id %s", n, e.ID)
		seen[label], seen[e.ID] = true, true
	}
	return list
}

// mistakes are what GitHub would refuse about one element, whatever the others are.
func (e element) mistakes(n int) []string {
	var list []string
	complain := func(wrong bool, what string) {
		if wrong {
			list = append(list, fmt.Sprintf("body[%d]: %s", n, what))
		}
	}
	a := e.Attributes
	for key := range e.Validations {
		complain(key != "required", "validations has "+key)
	}
	complain(a.Render != "" && e.Type != "textarea", "render is for a textarea")
	complain(a.Multiple && e.Type != "dropdown", "multiple is for a dropdown")
	if e.Type == "markdown" {
		complain(strings.TrimSpace(a.Value) == "", "value is missing")
		complain(e.ID != "" || e.Validations != nil || a.Label != "" || a.Description != "" || a.Options != nil, "markdown has a value only")
		return list
	}
	complain(strings.TrimSpace(a.Label) == "", "label is missing")
	complain(strings.Contains(strings.ToLower(a.Label), "password"), "a label must not ask for such a word")
	complain(e.ID != "" && !identifier.MatchString(e.ID), "id is letters, digits, - and _")
	switch e.Type {
	case "input", "textarea":
		complain(a.Options != nil, "options are for a dropdown or checkboxes")
	case "dropdown", "checkboxes":
		complain(len(a.Options) == 0, "options are missing")
		complain(a.Value != "" || a.Placeholder != "", "value and placeholder are for an input or a textarea")
		known := map[string]bool{}
		for _, option := range a.Options {
			label, ok := optionLabel(e.Type, option)
			complain(!ok, "an option is a text for a dropdown, and has a label and required for checkboxes")
			complain(known[label], "an option is there twice")
			known[label] = true
		}
	default:
		complain(true, "there is no type "+e.Type)
	}
	return list
}

// optionLabel is the text of an option, and whether the option has the form that its element wants.
func optionLabel(kind string, option any) (string, bool) {
	if kind == "dropdown" {
		label, ok := option.(string)
		return label, ok && label != "" && !strings.EqualFold(label, "none")
	}
	box, ok := option.(map[string]any)
	if !ok {
		return "", false
	}
	label, ok := box["label"].(string)
	for key, value := range box {
		_, yes := value.(bool)
		ok = ok && (key == "label" || key == "required" && yes)
	}
	return label, ok && label != ""
}

func TestGitHubTakesTheIssueForms(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	list, err := filepath.Glob(filepath.Join(root, ".github", "ISSUE_TEMPLATE", "*"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(list).To(HaveLen(3))
	for _, name := range list {
		source, err := os.ReadFile(name)
		g.Expect(err).NotTo(HaveOccurred())
		if filepath.Base(name) != "config.yml" {
			g.Expect(filepath.Ext(name)).To(Equal(".yml"))
			g.Expect(mistakes(source)).To(BeEmpty(), name)
			for _, element := range formOf(t, source).Body {
				for _, link := range linksOf([]byte(element.Attributes.Value + "\n\n" + element.Attributes.Description)) {
					g.Expect(wrong(root, ".github/ISSUE_TEMPLATE/form.md", link)).To(BeEmpty(), "%s links to %s", name, link)
				}
			}
			continue
		}
		var chooser struct {
			BlankIssuesEnabled *bool `json:"blank_issues_enabled"`
			ContactLinks       []struct {
				Name  string `json:"name"`
				URL   string `json:"url"`
				About string `json:"about"`
			} `json:"contact_links"`
		}
		g.Expect(strictly(source, &chooser)).To(Succeed())
		g.Expect(chooser.ContactLinks).NotTo(BeEmpty())
		for _, link := range chooser.ContactLinks {
			g.Expect([]string{link.Name, link.About}).NotTo(ContainElement(""), link.URL)
			g.Expect(wrong(root, ".github/ISSUE_TEMPLATE/config.yml", link.URL)).To(BeEmpty(), link.URL)
		}
	}
}

func formOf(t *testing.T, source []byte) form {
	t.Helper()
	var f form
	NewWithT(t).Expect(strictly(source, &f)).To(Succeed())
	return f
}

func TestTheBugFormAsksForWhatHelpsAndWarnsOfTokens(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	source, err := os.ReadFile(filepath.Join(root, ".github", "ISSUE_TEMPLATE", "bug.yml"))
	g.Expect(err).NotTo(HaveOccurred())
	f := formOf(t, source)
	g.Expect(f.Body[0].Attributes.Value).To(HavePrefix("**Never paste a token**"))
	required := map[string]bool{}
	for _, e := range f.Body {
		required[e.ID] = e.Validations["required"]
	}
	g.Expect(required).To(And(HaveKeyWithValue("doctor", true), HaveKeyWithValue("versions", true), HaveKey("resource")))
}

func TestAMistakeInAFormIsNoticed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const head = "name: A\ndescription: B\nbody:\n"
	for source, mistake := range map[string]string{
		head + "- {type: input, id: a, attributes: {label: L}}":                                                                 "",
		"description: B\nbody:\n- {type: input, id: a, attributes: {label: L}}":                                                 "name is missing",
		head + "- {type: markdown, attributes: {value: V}}":                                                                     "asks for nothing",
		head + "- {type: input, id: a, attributes: {label: L}, hidden: true}":                                                   "hidden",
		head + "- {type: input, id: a b, attributes: {label: L}}":                                                               "id is letters",
		head + "- {type: number, attributes: {label: L}}":                                                                       "no type number",
		head + "- {type: input, attributes: {}}":                                                                                "label is missing",
		head + "- {type: dropdown, attributes: {label: L}}":                                                                     "options are missing",
		head + "- {type: dropdown, attributes: {label: L, options: [a, a]}}":                                                    "twice",
		head + "- {type: dropdown, attributes: {label: L, options: [yes, b]}}":                                                  "an option is a text",
		head + "- {type: checkboxes, attributes: {label: L, options: [a]}}":                                                     "an option is a text",
		head + "- {type: input, attributes: {label: L, render: text}}":                                                          "render is for",
		head + "- {type: input, id: a, attributes: {label: L}}\n- {type: input, id: a, attributes: {label: M}}":                 "the id a",
		head + "- {type: input, attributes: {label: L}}\n- {type: input, attributes: {label: l}}":                               "has this label",
		head + "- {type: input, attributes: {label: L}, validations: {min: true}}":                                              "validations has min",
		head + "- {type: markdown, id: x, attributes: {value: V}}\n- {type: input, attributes: {label: L}}":                     "a value only",
		"name: A\ndescription: true\nbody:\n- {type: input, attributes: {label: L}}":                                            "description",
		head + "- {type: checkboxes, attributes: {label: L, options: [{label: a, required: true}, {label: b, checked: true}]}}": "an option is a text",
	} {
		if mistake == "" {
			g.Expect(mistakes([]byte(source))).To(BeEmpty(), source)
		} else {
			g.Expect(mistakes([]byte(source))).To(ContainElement(ContainSubstring(mistake)), source)
		}
	}
}
