// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package canary

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const secret = `c4nary/"<0123>+456`

// TestR24EveryFormOfASecretIsFound writes a secret as programs do, at each distance from the beginning of a text.
func TestR24EveryFormOfASecretIsFound(t *testing.T) {
	ways := map[string]func(text string) string{
		"plain":           func(text string) string { return text },
		"quoted":          func(text string) string { return fmt.Sprintf("%q", text) },
		"a Go value":      func(text string) string { return fmt.Sprintf("%#v", struct{ Text string }{text}) },
		"bytes":           func(text string) string { return fmt.Sprintf("%d", []byte(text)) },
		"hexadecimal":     func(text string) string { return fmt.Sprintf("%x", text) },
		"capital letters": func(text string) string { return fmt.Sprintf("%X", text) },
		"a dump":          func(text string) string { return hex.Dump([]byte(text)) },
		"a dump of base64": func(text string) string {
			return hex.Dump([]byte(base64.StdEncoding.EncodeToString([]byte(text))))
		},
		"base64":          func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) },
		"base64 for URLs": func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) },
		"a path":          url.PathEscape,
		"a query":         url.QueryEscape,
		"percents":        func(text string) string { return separated("%", hex.EncodeToString([]byte(text))) },
		"an error":        func(text string) string { return fmt.Errorf("wrapped: %w", errors.New(text)).Error() },
		"JSON": func(text string) string {
			out, err := json.Marshal(map[string]string{"text": text})
			if err != nil {
				t.Fatal(err)
			}
			return string(out)
		},
	}
	for name, write := range ways {
		for distance := range 17 {
			watch := &Watch{}
			watch.Add("another-canary", secret)
			text := write(strings.Repeat("x", distance) + secret + "yz")
			if watch.Search(text) == "" {
				t.Errorf("%s: not found in %s", name, text)
			}
			if found := watch.Search(write(strings.Repeat("x", distance) + secret[:len(secret)/2])); found != "" {
				t.Errorf("%s: half of it is found: %s", name, found)
			}
		}
	}
}

func TestR24ASecretInTwoWritesIsFound(t *testing.T) {
	watch := &Watch{}
	watch.Add(secret)
	text := strings.Repeat("x", 3*tailSize) + secret + "y"
	for _, size := range []int{1, 7, 4096} {
		watch.hit = ""
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := watch.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if !strings.Contains(watch.Hit(), "plain") {
			t.Errorf("in writes of %d: %q", size, watch.Hit())
		}
		if kept := len(watch.String()); kept > tailSize {
			t.Errorf("%d bytes are kept", kept)
		}
	}
	watch.Forget()
	if watch.String() != "" || watch.Hit() == "" {
		t.Error("Forget must drop the end and keep the hit")
	}
}

func TestAShortSecretIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a secret of seven bytes is accepted")
		}
	}()
	(&Watch{}).Add("1234567")
}
