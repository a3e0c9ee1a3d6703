// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const number = `[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]*[0-9A-Za-z])?`

var versionForm = regexp.MustCompile(`^v` + number + `$`)

// place is a form in which files state the version of the release that they install.
type place struct {
	// files that this form counts in, nil for all that are looked at.
	files *regexp.Regexp
	// form has two groups: what stands before the version, and the version.
	form *regexp.Regexp
	// need names a file that must have this form.
	need string
}

var places = []place{
	{files: regexp.MustCompile(`^Makefile$`), form: regexp.MustCompile(`(?m)(^RELEASE := )(v` + number + `)$`), need: "Makefile"},
	{files: regexp.MustCompile(`^config/.*kustomization\.yaml$`), form: regexp.MustCompile(`(newTag: )(v` + number + `)`), need: "config/manager/kustomization.yaml"},
	{files: regexp.MustCompile(`^charts/[^/]*/Chart\.yaml$`), form: regexp.MustCompile(`(?m)(^version: "?)(` + number + `)`), need: "charts/*/Chart.yaml"},
	{files: regexp.MustCompile(`^charts/[^/]*/Chart\.yaml$`), form: regexp.MustCompile(`(?m)(^appVersion: "?)(v` + number + `)`), need: "charts/*/Chart.yaml"},
	{form: regexp.MustCompile(`(greenapi-(?:operator|emulator):)(v` + number + `)`)},
	{form: regexp.MustCompile(`(charts/greenapi-operator:)(` + number + `)`)},
	{form: regexp.MustCompile(`(greenapi-operator/releases/download/)(v` + number + `)`)},
	{form: regexp.MustCompile(`(greenapi-operator[^\n?]*\?ref=)(v` + number + `)`)},
	{form: regexp.MustCompile(`(kubectl-greenapi_)(v` + number + `)`)},
	{form: regexp.MustCompile(`(greenapi-operator-)(` + number + `)\.tgz`)},
	{form: regexp.MustCompile(`(charts/greenapi-operator[^\n]* --version )(` + number + `)`)},
	{files: regexp.MustCompile(`^config/flux/.*\.yaml$`), form: regexp.MustCompile(`(tag: "?)(v?` + number + `)`), need: "config/flux/ocirepository.yaml"},
	{files: regexp.MustCompile(`\.yaml$`), form: regexp.MustCompile(`(targetRevision: "?)(v?` + number + `)`)},
}

// looked are the files that may state the version. A changelog states all that ever were.
var looked = regexp.MustCompile(`(^|/)(Makefile|[^/]+\.(md|yaml|yml|txt|sh))$`)

// notLooked are files that speak of versions without installing them.
var notLooked = regexp.MustCompile(`^CHANGELOG\.md$|(^|/)testdata/|^hack/`)

// check compares all places with the version. It returns an error that names each that differs.
func check(root, version string) error {
	var problems []error
	err := visit(root, func(file, text string) error {
		for _, p := range places {
			for _, at := range p.find(file, text) {
				if found := text[at[4]:at[5]]; plain(found) != plain(version) {
					line := strings.Count(text[:at[4]], "\n") + 1
					problems = append(problems, fmt.Errorf("%s:%d says %s, not %s: run make release-prepare VERSION=%s", file, line, found, version, version))
				}
			}
		}
		return nil
	})
	return errors.Join(append(problems, err)...)
}

// prepare writes the version into all places.
func prepare(root, version string) error {
	return visit(root, func(file, text string) error {
		changed := text
		for _, p := range places {
			if p.files == nil || p.files.MatchString(file) {
				changed = p.form.ReplaceAllStringFunc(changed, func(match string) string {
					at := p.form.FindStringSubmatchIndex(match)
					with := version
					if !strings.HasPrefix(match[at[4]:], "v") {
						with = plain(version)
					}
					return match[:at[4]] + with + match[at[5]:]
				})
			}
		}
		if changed == text {
			return nil
		}
		path := filepath.Join(root, file)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "release: wrote", version, "into", file)
		return os.WriteFile(path, []byte(changed), info.Mode())
	})
}

// find returns where a file has this form.
func (p place) find(file, text string) [][]int {
	if p.files != nil && !p.files.MatchString(file) {
		return nil
	}
	return p.form.FindAllStringSubmatchIndex(text, -1)
}

// visit shows every file that may state the version, and fails if one that must does not.
func visit(root string, each func(file, text string) error) error {
	list, err := tracked(root)
	if err != nil {
		return err
	}
	var problems []error
	for _, file := range list {
		if !looked.MatchString(file) || notLooked.MatchString(file) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, file))
		if errors.Is(err, os.ErrNotExist) {
			continue // removed, and not yet from git
		}
		if err != nil {
			return err
		}
		for _, p := range places {
			if needed, _ := filepath.Match(p.need, file); needed && len(p.find(file, string(content))) == 0 {
				problems = append(problems, fmt.Errorf("%s does not say its version as %s: correct the file, or hack/release/version.go", file, p.form))
			}
		}
		if err := each(file, string(content)); err != nil {
			return err
		}
	}
	for _, file := range []string{"Makefile", "config/manager/kustomization.yaml"} {
		if !slices.Contains(list, file) {
			problems = append(problems, fmt.Errorf("there is no %s in %s", file, root))
		}
	}
	return errors.Join(problems...)
}

// tracked are the files of a checkout, those that are not yet in git among them.
func tracked(root string) ([]string, error) {
	output, err := command(root, "git", "ls-files", "-co", "--exclude-standard", "-z").Output()
	if err != nil {
		return nil, fmt.Errorf("git cannot list the files of %s: %w", root, err)
	}
	return strings.Split(strings.TrimSuffix(string(output), "\x00"), "\x00"), nil
}

// checkRelease checks what must be so before the version is released.
func checkRelease(root, version string) error {
	_, err := notes(root, version)
	return errors.Join(check(root, version), err)
}

// notes returns what the changelog says of the version.
func notes(root, version string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return "", fmt.Errorf("the notes of a release are its section of the changelog: %w", err)
	}
	heading := regexp.MustCompile(`(?m)^## +\[?v?` + regexp.QuoteMeta(plain(version)) + `(?:[\]\s].*)?$`)
	at := heading.FindStringIndex(string(content))
	if at == nil {
		return "", fmt.Errorf("CHANGELOG.md has no section for %s: write one, under a heading such as \"## %s\"", version, version)
	}
	section := string(content)[at[1]:]
	if next := regexp.MustCompile(`(?m)^## `).FindStringIndex(section); next != nil {
		section = section[:next[0]]
	}
	// Definitions of links that stand at the end of the file.
	section = strings.TrimSpace(regexp.MustCompile(`(?m)^\[[^\]]+\]: .*$`).ReplaceAllString(section, ""))
	if section == "" {
		return "", fmt.Errorf("CHANGELOG.md says nothing under the heading of %s", version)
	}
	return section + "\n", nil
}
