// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import "testing"

// TestACodeInTheBodyIsFoundHoweverItIsWritten: an answer is searched for a code only if it may have one, and no way to
// write the name escapes that.
func TestACodeInTheBodyIsFoundHoweverItIsWritten(t *testing.T) {
	for body, want := range map[string]int{
		`{"code":401,"description":"Unauthorized"}`:  401,
		`{"statusCode":"466"}`:                       466,
		`{"\u0063ode":401}`:                          401,
		`{"c\u006fde":401}`:                          401,
		`{"cod\u0065":401}`:                          401,
		`{"status\u0043ode":500}`:                    500,
		`{"enableLidMode":"yes","note":"code: 401"}`: 0,
		`{"code":200}`:                               0,
		`{"a":"\u0416"}`:                             0,
		`[401]`:                                      0,
	} {
		if got := codeInBody([]byte(body)); got != want {
			t.Errorf("%s holds the code %d, want %d", body, got, want)
		}
	}
}
