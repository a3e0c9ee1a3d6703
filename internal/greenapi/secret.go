// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

// Secret is a token that was read from an answer. However it is printed, logged or encoded, it does not show; Reveal alone
// returns it. The zero value is none.
type Secret struct {
	// text is behind a pointer, so that what prints a field that it may not call prints an address.
	text *string
}

// NewSecret returns a secret; the zero value for "".
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the token, "" if there is none.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns a fixed text.
func (s Secret) String() string {
	if s.text == nil {
		return "(none)"
	}
	return "(a secret, not shown)"
}

// GoString returns what String does.
func (s Secret) GoString() string { return s.String() }

// MarshalText writes what String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
