// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package canary

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
)

// form is one way to write a secret.
type form struct{ secret, name, text string }

// formsOf returns the forms in which a secret is searched for, without duplicates.
func formsOf(secret string) []form {
	var forms []form
	known := map[string]bool{}
	add := func(name, text string) {
		if len(text) >= Shortest && !known[text] {
			known[text] = true
			forms = append(forms, form{secret, name, text})
		}
	}
	add("plain", secret)
	add("as a Go string", strings.Trim(strconv.Quote(secret), `"`))
	if quoted, err := json.Marshal(secret); err == nil {
		add("as a JSON string", strings.Trim(string(quoted), `"`))
	}
	add("escaped for HTML", html.EscapeString(secret))
	add("escaped for a path", url.PathEscape(secret))
	add("escaped for a query", url.QueryEscape(secret))
	upper, lower := strings.ToUpper(hex.EncodeToString([]byte(secret))), hex.EncodeToString([]byte(secret))
	add("in hexadecimal", lower)
	add("in hexadecimal", upper)
	add("percent-encoded", separated("%", upper))
	add("percent-encoded", separated("%", lower))
	add("as a list of bytes", strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"))
	inDump := func(text string) {
		// A dump has lines of sixteen bytes in two halves: a half that lies within the end of the text, wherever a line begins.
		end := text[max(0, len(text)-2*Shortest+1):]
		for i := 0; i+Shortest <= len(end); i++ {
			add("in a hexadecimal dump", separated(" ", hex.EncodeToString([]byte(end[i:i+Shortest])))[1:])
		}
	}
	inDump(secret)
	for shift := range 3 {
		text := withinBase64(base64.RawStdEncoding, secret, shift)
		add("in base64", text)
		add("in base64 for URLs", withinBase64(base64.RawURLEncoding, secret, shift))
		inDump(text)
	}
	return forms
}

// separated writes a separator before each two digits.
func separated(separator, digits string) string {
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		b.WriteString(separator + digits[i:i+2])
	}
	return b.String()
}

// withinBase64 is what base64 makes of a secret that stands in a longer text, so many bytes after a multiple of three:
// the digits that do not depend on its neighbors.
func withinBase64(encoding *base64.Encoding, secret string, shift int) string {
	text := encoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + secret))
	first := []int{0, 2, 3}[shift]
	last := len(text)
	if (shift+len(secret))%3 != 0 {
		last--
	}
	return text[first:last]
}
