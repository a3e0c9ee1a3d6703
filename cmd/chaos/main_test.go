// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

func TestFlagsThatMakeNoSenseAreExplained(t *testing.T) {
	for arguments, want := range map[string]string{
		"":                        "run `make chaos`",
		"--assets=x --duration=0": "--duration must be 1s or more",
		"--assets=x --lines=0":    "--lines must be 1 to 2000",
		"--assets=x --tries=-1":   "0 looks for no smaller history",
		"--assets=x 30m":          "there are no arguments, only flags",
		"--assets=x --seed=luck":  "invalid value",
	} {
		if _, err := parse(strings.Fields(arguments), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", arguments, err, want)
		}
	}
	if _, err := parse([]string{"--help"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Error("--help:", err)
	}
}

func TestAHistoryThatCannotBePlayedIsExplained(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.json")
	for content, want := range map[string]string{
		"{}":                          "is no history",
		`[{"what": "the sky falls"}]`: `nothing is called "the sky falls"; there is "a commit changes settings"`,
		`[{"what": "a host hangs", "lines": [3]}]`:              "line 3 is not one of --lines=3",
		`[{"what": "a host hangs", "lines": [2], "for": 1000}]`: "",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := read(file, 3)
		if want == "" && (err != nil || len(h) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, %v; want %q", content, h, err, want)
		}
	}
	if _, err := read(file+"x", 3); err == nil {
		t.Error("a file that is not there is a history")
	}
}

// short returns the folder of the programs, and the flags of a short run on few lines. Nothing comes of setting a clock: that
// needs a manager that hack/steppedclock built.
func short(t *testing.T, more ...string) (programs string, flags []string) {
	t.Helper()
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test`, or set it to what `make envtest` prints")
	}
	programs, err := testenv.Programs(t.TempDir(), "manager", "chaos")
	if err != nil {
		t.Fatal(err)
	}
	return programs, append([]string{"--assets=" + assets, "--stepped=" + programs, "--lines=12", "--duration=20s"}, more...)
}

// TestThreeSeedsHold plays three short runs of everything at once.
func TestThreeSeedsHold(t *testing.T) {
	t.Parallel()
	programs, flags := short(t, "--tries=0")
	for seed := range 3 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), filepath.Join(programs, "chaos"), slices.Concat(flags, []string{fmt.Sprint("--seed=", seed)})...)
			command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
			text, err := command.CombinedOutput()
			t.Logf("%s", text)
			if err != nil || !strings.Contains(string(text), "everything holds") {
				t.Error("not everything holds:", err)
			}
		})
	}
}

// TestARestartTooManyIsFound: somebody writes settings of a line past the operator, which the ledger shows; and the smallest history
// says what it was.
func TestARestartTooManyIsFound(t *testing.T) {
	t.Parallel()
	const rogue = "a script writes what is there already"
	kinds = append(kinds, kind{name: rogue, lines: 1, act: func(ctx context.Context, w *world, e event) (ending, error) {
		l := w.lines[e.Lines[0]]
		_, token := l.wanted()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s%s/waInstance%d/setSettings/%s", w.origin, l.kind.Prefix, l.id, token), strings.NewReader(`{"incomingWebhook": "yes"}`))
		if err != nil {
			return nil, err
		}
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			return nil, err
		}
		return nil, response.Body.Close()
	}})
	defer func() { kinds = kinds[:len(kinds)-1] }()
	_, flags := short(t, "--tries=1")
	o, err := parse(flags, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	o.file = filepath.Join(t.TempDir(), "history.json")
	if err := os.WriteFile(o.file, fmt.Appendf(nil, `[{"at": 0, "what": "connections to the API server are cut"}, {"at": %d, "what": %q, "lines": [1]}]`, time.Second, rogue), 0o600); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	broken, err := run(t.Context(), o, &text)
	t.Log(text.String())
	if err != nil || !broken {
		t.Fatalf("broken: %t, error: %v", broken, err)
	}
	_, smallest, _ := strings.Cut(text.String(), "The smallest history")
	if !strings.Contains(text.String(), "line-1 restarted 2 times, and what happened to it justifies 1") || !strings.Contains(smallest, rogue) || strings.Contains(smallest, "are cut") {
		t.Error("what broke it is not told")
	}
	directory := regexp.MustCompile(`/\S*greenapi-chaos-\d+`).FindString(text.String())
	if again, err := read(filepath.Join(directory, "history.json"), o.lines); err != nil || len(again) != 1 {
		t.Errorf("the history in %s: %v, %v", directory, again, err)
	}
	_ = os.RemoveAll(directory)
}
