// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/duration"
)

// ago words how long ago something was, as kubectl does.
func ago(now, then time.Time) string {
	return duration.HumanDuration(max(0, now.Sub(then)))
}

// wrap breaks a text at spaces so that it fits a width. The text begins at one column, its further lines at another.
// Width 0 breaks nothing.
func wrap(text string, width, at, indent int) string {
	if width <= 0 {
		return text
	}
	var b strings.Builder
	used := at
	for i, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+length > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += length
	}
	return b.String()
}
