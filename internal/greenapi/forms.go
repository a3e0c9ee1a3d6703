// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxDecodings is how often a text is unescaped: once for an echo of a URL, and once for one that was escaped again.
const maxDecodings = 2

// formsOf returns what a text may mean, in lower case: itself, with percent signs, HTML and JSON unescaped up to twice, and
// what is base64 or hexadecimal in any of these. What a secret is searched for in must not depend on how it was written.
func formsOf(text string) []string {
	// Nearly always all forms are the same.
	var forms []string
	add := func(form string) {
		if form = strings.ToLower(form); !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	for range 1 + maxDecodings {
		add(text)
		add(strings.ReplaceAll(text, "+", " "))
		for _, decoded := range decodedRuns(text) {
			add(decoded)
			add(percentDecoded(decoded))
		}
		unescaped := jsonUnescaped(html.UnescapeString(percentDecoded(text)))
		if unescaped == text {
			break
		}
		text = unescaped
	}
	return forms
}

// percentDecoded decodes what is percent-encoded and leaves everything else as it is, even a percent sign that encodes
// nothing: a text need not be a URL.
func percentDecoded(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	decoded := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if b, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				decoded = append(decoded, byte(b))
				i += 2
				continue
			}
		}
		decoded = append(decoded, text[i])
	}
	return string(decoded)
}

var jsonEscape = regexp.MustCompile(`\\(?:u[0-9A-Fa-f]{4}|["\\/])`)

// jsonUnescaped decodes what JSON in a text has escaped. Escapes of characters that do not show become nothing.
func jsonUnescaped(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	return jsonEscape.ReplaceAllStringFunc(text, func(escape string) string {
		if len(escape) == 2 {
			return escape[1:]
		}
		r, err := strconv.ParseUint(escape[2:], 16, 16)
		if err != nil {
			return escape
		}
		return printable(string(rune(r)))
	})
}

// Runs that are shorter than eight bytes encoded hold no part of a secret.
const shortestBase64, shortestHex = 11, 16

// decodedRuns decodes every run of characters that can be base64, of either alphabet, or hexadecimal. It does so from each
// of the places where a group may begin: what stands before a secret, in the run or encoded with it, is not known.
func decodedRuns(text string) []string {
	var decoded []string
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && base64Value[text[end]] >= 0 {
			end++
		}
		for shift := 0; shift < 4 && end-start-shift >= shortestBase64; shift++ {
			decoded = append(decoded, groups(text[start+shift:end], base64Value, 6))
		}
		start = end + 1
	}
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && hexValue[text[end]] >= 0 {
			end++
		}
		for shift := 0; shift < 2 && end-start-shift >= shortestHex; shift++ {
			decoded = append(decoded, groups(text[start+shift:end], hexValue, 4))
		}
		start = end + 1
	}
	return decoded
}

// groups puts together the bytes of digits of so many bits each.
func groups(digits string, values [256]int, bits int) string {
	bytes := make([]byte, 0, len(digits)*bits/8)
	sum, have := 0, 0
	for i := range len(digits) {
		sum, have = (sum<<bits|values[digits[i]])&0xffff, have+bits
		if have >= 8 {
			have -= 8
			bytes = append(bytes, byte(sum>>have))
		}
	}
	return string(bytes)
}

// base64Value and hexValue are the values of digits, -1 for what is none.
var (
	base64Value = digitValues("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
	hexValue    = digitValues("0123456789abcdef", "0123456789ABCDEF")
)

func digitValues(alphabets ...string) (values [256]int) {
	for i := range values {
		values[i] = -1
	}
	for _, alphabet := range alphabets {
		for i := range len(alphabet) {
			values[alphabet[i]] = i
		}
	}
	return values
}
