// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestLogGetsALineAtEachInterval(t *testing.T) {
	var out bytes.Buffer
	m := NewWriter(&out, 5*time.Millisecond)
	failure := errors.New("failed")
	err := m.Run("etcd", func() string { return "half way" }, func() error {
		time.Sleep(60 * time.Millisecond)
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
	if !regexp.MustCompile(`^(controlplane: etcd: 0s, half way\n){2,}$`).MatchString(out.String()) {
		t.Errorf("wrote %q", out.String())
	}
}

func TestTerminalLineIsRewrittenAndNeverWraps(t *testing.T) {
	var out bytes.Buffer
	m := NewWriter(&out, 5*time.Millisecond)
	m.rewrite = true
	_ = m.Run("etcd", func() string { return strings.Repeat("x", 200) }, func() error {
		time.Sleep(30 * time.Millisecond)
		return nil
	})
	m.Say("done")
	text := out.String()
	for part := range strings.SplitSeq(text, clearLine) {
		if len(part) > lineWidth {
			t.Errorf("%d characters in one line", len(part))
		}
	}
	if !strings.HasSuffix(text, clearLine+"controlplane: done\n") || strings.Count(text, "\n") != 1 {
		t.Errorf("wrote %q", text)
	}
}

func TestElapsed(t *testing.T) {
	for d, text := range map[time.Duration]string{
		400 * time.Millisecond: "0s", 59 * time.Second: "59s", 125 * time.Second: "2m05s", time.Hour: "60m00s",
	} {
		if got := Elapsed(d); got != text {
			t.Errorf("%v: %q, expected %q", d, got, text)
		}
	}
}
