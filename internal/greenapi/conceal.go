// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// concealed replaces a vendor text that holds a part of a secret.
const concealed = "(a text with a secret in it, not shown)"

// window is how many characters of a secret in a row make a text secret as well.
const window = 8

// conceal returns the text, or a fixed one if it holds eight characters in a row of any of the secrets (or all of a
// shorter one), as they are or percent-encoded, in any case.
func conceal(text string, secrets []string) string {
	if text == "" {
		return text
	}
	forms := []string{strings.ToLower(text)}
	if plain, err := url.PathUnescape(text); err == nil && plain != text {
		forms = append(forms, strings.ToLower(plain))
	}
	for _, secret := range secrets {
		secret = strings.ToLower(secret)
		for _, form := range forms {
			if holdsPart(form, secret) {
				return concealed
			}
		}
	}
	return text
}

func holdsPart(text, secret string) bool {
	if len(secret) <= window {
		return secret != "" && strings.Contains(text, secret)
	}
	for i := 0; i+window <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+window]) {
			return true
		}
	}
	return false
}

// clean makes a vendor text fit for a status field: valid UTF-8, no control characters, at most limit characters.
func clean(text string, limit int) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit])
}
