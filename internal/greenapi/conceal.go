// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// concealed replaces a vendor text that holds a part of a secret.
const concealed = "(a text with a secret in it, not shown)"

// window is how many characters of a secret in a row make a text secret as well.
const window = 8

// Conceal returns a text of the vendor's, or a fixed one if it holds eight characters in a row of any of the secrets (or
// all of a shorter one), as they are or percent-encoded, in any case.
func Conceal(text string, secrets ...string) string {
	return concealIf(text, secrets, holdsPart)
}

// concealWhole returns a text of the vendor's, or a fixed one if it holds all of any of the secrets, likewise.
func concealWhole(text string, secrets ...string) string {
	return concealIf(text, secrets, strings.Contains)
}

func concealIf(text string, secrets []string, holds func(text, secret string) bool) string {
	form := strings.ToLower(text)
	forms := make([]string, 0, 2*(1+maxDecodings))
	add := func(form string) {
		// Nearly always all forms are the same.
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	add(form)
	add(strings.ReplaceAll(form, "+", " "))
	for range maxDecodings {
		form = strings.ToLower(percentDecoded(form))
		add(form)
		add(strings.ReplaceAll(form, "+", " "))
	}
	for _, secret := range secrets {
		secret = strings.ToLower(secret)
		for _, form := range forms {
			if secret != "" && holds(form, secret) {
				return concealed
			}
		}
	}
	return text
}

// maxDecodings is how often percent signs are decoded: once for an echo of a URL, and once for one that was escaped again.
const maxDecodings = 2

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

func holdsPart(text, secret string) bool {
	if len(secret) <= window {
		return strings.Contains(text, secret)
	}
	for i := 0; i+window <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+window]) {
			return true
		}
	}
	return false
}

// clean makes a vendor text fit for a status field: valid UTF-8 on one line, without characters that do not show or change
// how others read, at most limit characters. It is a copy: what is kept must not keep the whole answer with it.
func clean(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Zs, r):
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			// The first is what bytes become that are no UTF-8, here or where JSON was read.
			return -1
		}
		return r
	}, text)
	if utf8.RuneCountInString(text) <= limit {
		return strings.Clone(text)
	}
	return string([]rune(text)[:limit])
}
