// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"regexp"
	"strings"
)

// A token is of letters, digits and these marks, and does not begin with one. That is wider than the vendor's tokens (50
// hexadecimal digits in every example), and holds no character that could mean anything in a URL or a header.
const (
	tokenMarks = "._~-"
	maxToken   = 256
)

// webhookTokenPattern is one line of printable ASCII: the vendor sends the token in a header.
var webhookTokenPattern = regexp.MustCompile(`^[ -~]*$`)

const maxWebhookToken = 1024

// ValidToken reports whether a text can be an API token. Only such a text may become a Target's Token.
func ValidToken(text string) bool {
	// It is asked three times in every pass, in whose profile a regular expression would show.
	for i := range len(text) {
		if !alphanumeric(text[i]) && (i == 0 || strings.IndexByte(tokenMarks, text[i]) < 0) {
			return false
		}
	}
	return text != "" && len(text) <= maxToken
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// ValidWebhookToken reports whether a text can be a webhook token: empty, or one line of up to 1024 printable ASCII
// characters.
func ValidWebhookToken(text string) bool {
	return len(text) <= maxWebhookToken && webhookTokenPattern.MatchString(text)
}
