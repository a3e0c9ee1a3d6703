// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package canary

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// TestR36ANumberAndItsDigestsAreFound, a mask of it is not.
func TestR36ANumberAndItsDigestsAreFound(t *testing.T) {
	const number = "79165550123"
	watch := &Watch{}
	watch.AddAccount(number)
	sum := sha256.Sum256([]byte(number))
	for _, text := range []string{
		`{"phone":79165550123}`, "79165550123:8@s.whatsapp.net", "+79165550123", fmt.Sprintf("account-%x", sum[:8]), fmt.Sprintf("%X", sum), fmt.Sprintf("%x", number),
	} {
		if watch.Search("some text with "+text+" in it") == "" {
			t.Errorf("%s is not found", text)
		}
	}
	for _, text := range []string{"7***23", ":8@s.whatsapp.net", "7107000001"} {
		if found := watch.Search("some text with " + text + " in it"); found != "" {
			t.Errorf("%s is found: %s", text, found)
		}
	}
}
