// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// concealed replaces a vendor text that holds a part of a secret.
const concealed = "(a text with a secret in it, not shown)"

// window is how many characters of a secret in a row make a text secret as well; urlWindow those of a part of a URL, in
// which words stand more often than not.
const window, urlWindow = 8, 16

// maxExamined is up to how many bytes a text is searched. Of a longer one nothing is shown: what would be cut off could
// hold the rest of a secret by which it is recognized.
const maxExamined = 16 << 10

// Conceal returns a text of the vendor's, or a fixed one if it holds eight characters in a row of any of the secrets (or
// all of a shorter one) in any case, as they are or encoded, or what begins as a partner token; see formsOf.
func Conceal(text string, secrets ...string) string {
	if forms := formsOf(text); holdsAny(forms, secrets, window) || slices.ContainsFunc(forms, likePartnerToken.MatchString) {
		return concealed
	}
	return text
}

// discretion is what no text of the vendor's may show.
type discretion struct {
	// tokens are secrets as they are.
	tokens []string
	// parts are those of the wished webhook URL, and other values that the vendor may quote; see SecretParts.
	parts []string
	// hidesNumbers: what the vendor says is shown without phone numbers, of which id is none.
	hidesNumbers bool
	id           int64
}

// text makes a vendor's text fit to be shown: concealed or with its URLs shortened, and only then cut.
func (d *discretion) text(text string, limit int) string { return d.fit(text, limit, true) }

// link does the same for what may hold URLs by its nature: they stay as they are.
func (d *discretion) link(text string, limit int) string { return d.fit(text, limit, false) }

func (d *discretion) fit(text string, limit int, shorten bool) string {
	text = printable(text)
	if len(text) > maxExamined {
		return concealed
	}
	forms := formsOf(text)
	if holdsAny(forms, d.tokens, window) || slices.ContainsFunc(forms, likePartnerToken.MatchString) {
		return concealed
	}
	if shorten {
		if shorter := shortenURLs(text); shorter != text {
			text, forms = shorter, formsOf(shorter)
		}
		// A URL that is escaped or encoded otherwise is not told from what is around it.
		for _, form := range forms {
			if shortenURLs(form) != form {
				return concealed
			}
		}
	}
	if holdsAny(forms, d.parts, urlWindow) {
		return concealed
	}
	return cut(text, limit)
}

func holdsAny(forms, secrets []string, window int) bool {
	for _, secret := range secrets {
		secret = strings.ToLower(secret)
		for _, form := range forms {
			if secret != "" && holdsPart(form, secret, window) {
				return true
			}
		}
	}
	return false
}

// holdsPart reports whether a text holds so many characters in a row of a secret, or all of a shorter one.
func holdsPart(text, secret string, window int) bool {
	if len(secret) <= window {
		return strings.Contains(text, secret)
	}
	if len(text) < len(secret) {
		text, secret = secret, text
	}
	for i := 0; i+window <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+window]) {
			return true
		}
	}
	return false
}

// printable makes a vendor text one line of valid UTF-8, without characters that do not show or change how others read.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Zs, r):
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			// The first is what bytes become that are no UTF-8, here or where JSON was read.
			return -1
		}
		return r
	}, text)
}

// cut leaves at most so many characters of a text. It is a copy: what is kept must not keep the whole answer with it.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return strings.Clone(text)
	}
	return string([]rune(text)[:limit])
}
