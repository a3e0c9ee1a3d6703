// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"strings"
	"testing"
)

// TestR24EscapedURLsAreConcealed: as HTML and JSON escape them, once or twice, as libraries for validation do, and encoded. What
// follows the host need not be long enough to be known as a secret by itself.
func TestR24EscapedURLsAreConcealed(t *testing.T) {
	const wished = "https://a.example/hook/s3-Key"
	inHTML := strings.NewReplacer("/", "&#x2F;", ":", "&#58;").Replace(wished)
	for how, text := range map[string]string{
		"HTML": inHTML, "HTML, the slashes only": strings.ReplaceAll(wished, "/", "&#x2F;"), "HTML twice": html.EscapeString(inHTML), "named HTML": strings.ReplaceAll(wished, "/", "&sol;"),
		"JSON": strings.ReplaceAll(wished, "/", `\u002f`), "JSON twice": strings.ReplaceAll(wished, "/", `\\u002f`),
		"base64": base64.StdEncoding.EncodeToString([]byte(wished)), "hex": hex.EncodeToString([]byte(wished)),
	} {
		if got := refusal(t, "bad: "+text, wished); got != concealed {
			t.Errorf("%s is shown: %q", how, got)
		}
	}
	const harmless = "bad: https:&#x2F;&#x2F;a.example&#x2F;"
	if got := refusal(t, harmless, wished); got != harmless {
		t.Errorf("%q is shown as %q", harmless, got)
	}
}
