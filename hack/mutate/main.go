// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command mutate holds what gremlins found out about a package's tests against the kept list of mutants that may live: make mutate.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	least := flag.Float64("least", 95, "how many percent of the mutants have to be killed")
	kept := flag.String("survivors", "hack/mutate/survivors.txt", "the list of mutants that may live")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "mutate: name the package's folder and the file that gremlins wrote")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Arg(1), *kept, *least, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// results are what gremlins writes.
type results struct {
	Files []struct {
		Name      string     `json:"file_name"`
		Mutations []mutation `json:"mutations"`
	} `json:"files"`
}

type mutation struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Type   string `json:"type"`
	Status string `json:"status"`
}

// killed, lives and untried say what a status means; others say that the mutant is none, such as one that does not compile. Not tried is what
// Go's coverage does not count, such as constants and what stands behind a case, and what only tests of other packages reach.
func (m mutation) killed() bool  { return m.Status == "KILLED" || m.Status == "TIMED OUT" }
func (m mutation) lives() bool   { return m.Status == "LIVED" }
func (m mutation) untried() bool { return m.Status == "NOT COVERED" }

// survivor is a mutant that lives: where, what was changed, and the line as it is. Numbers of lines change with every edit, so they are
// no part of it.
type survivor struct{ file, kind, line string }

func (s survivor) String() string { return s.file + " | " + s.kind + " | " + s.line }

// tally is what came of all mutants.
type tally struct {
	killed, all, untried int
	// living are the survivors with a place where each is, touched the files that have mutants.
	living  map[survivor]string
	touched map[string]bool
}

// count counts the mutants of the results, and finds the lines of those that live.
func count(folder string, found results) (tally, error) {
	t := tally{living: map[survivor]string{}, touched: map[string]bool{}}
	for _, f := range found.Files {
		// gremlins names files as they are called in the folder that it was given.
		name := filepath.ToSlash(filepath.Join(folder, f.Name))
		t.touched[name] = true
		source, err := os.ReadFile(name)
		if err != nil {
			return t, err
		}
		lines := strings.Split(string(source), "\n")
		for _, m := range f.Mutations {
			switch {
			case m.untried():
				t.untried++
			case m.killed():
				t.killed++
				t.all++
			case m.lives():
				t.all++
				t.living[survivor{name, m.Type, strings.TrimSpace(lines[m.Line-1])}] = fmt.Sprintf("%s:%d:%d", name, m.Line, m.Column)
			}
		}
	}
	if t.all == 0 {
		return t, errors.New("there is no mutant: name a package with code")
	}
	return t, nil
}

// against says where a tally is not as the list of survivors says.
func (t tally) against(kept map[survivor]string) []string {
	var problems []string
	for s, place := range t.living {
		if kept[s] == "" {
			problems = append(problems, fmt.Sprintf("%s lives and is not in the list. Write a test that kills it, or add it with why it may live:\n\t%s | why", place, s))
		}
	}
	for s := range kept {
		if _, lives := t.living[s]; !lives && t.touched[s.file] {
			problems = append(problems, fmt.Sprintf("the list has a mutant that does not live: take it out:\n\t%s", s))
		}
	}
	slices.Sort(problems)
	return problems
}

// run judges the results, and says what to do about those that are not as the list says.
func run(folder, file, list string, least float64, out io.Writer) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var found results
	if err := json.Unmarshal(content, &found); err != nil {
		return fmt.Errorf("%s is not what gremlins writes: %w", file, err)
	}
	kept, err := read(list)
	if err != nil {
		return err
	}
	t, err := count(folder, found)
	if err != nil {
		return err
	}
	problems := t.against(kept)
	share := 100 * float64(t.killed) / float64(t.all)
	if share < least {
		problems = append(problems, fmt.Sprintf("%.1f %% of the mutants are killed, %.0f %% are wanted", share, least))
	}
	_, _ = fmt.Fprintf(out, "%d of %d mutants killed (%.1f %%), %d kinds of survivors; %d were not tried\n", t.killed, t.all, share, len(t.living), t.untried)
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	return nil
}

// read reads the list: file | kind of mutant | the line | why it may live. Lines that begin with # are comments.
func read(list string) (map[survivor]string, error) {
	file, err := os.Open(filepath.Clean(list))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	kept := map[survivor]string{}
	scanner := bufio.NewScanner(file)
	for number := 1; scanner.Scan(); number++ {
		text := strings.TrimSpace(scanner.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		// The line itself may hold the separator: the first two parts and the last one are what is around it.
		parts := strings.Split(text, " | ")
		last := len(parts) - 1
		if last < 3 || strings.TrimSpace(parts[last]) == "" {
			return nil, fmt.Errorf("%s:%d: want file | kind of mutant | the line | why it may live", list, number)
		}
		kept[survivor{parts[0], parts[1], strings.Join(parts[2:last], " | ")}] = parts[last]
	}
	return kept, scanner.Err()
}
