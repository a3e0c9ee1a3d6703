// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import "regexp"

// tokenPattern is wider than the vendor's tokens (50 hexadecimal digits in every example), and holds no character that
// could mean anything in a URL or a header.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,255}$`)

// webhookTokenPattern is one line of printable ASCII: the vendor sends the token in a header.
var webhookTokenPattern = regexp.MustCompile(`^[ -~]*$`)

const maxWebhookToken = 1024

// ValidToken reports whether a text can be an API token. Only such a text may become a Target's Token.
func ValidToken(text string) bool { return tokenPattern.MatchString(text) }

// ValidWebhookToken reports whether a text can be a webhook token: empty, or one line of up to 1024 printable ASCII
// characters.
func ValidWebhookToken(text string) bool {
	return len(text) <= maxWebhookToken && webhookTokenPattern.MatchString(text)
}
