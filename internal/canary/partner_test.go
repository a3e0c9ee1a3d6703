// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package canary

import (
	"strings"
	"testing"
)

const partner = "gac.00112233445566778899aabbccddeeff00112233445566"

// TestR24APartnerTokenIsFoundThoughNobodyAddedIt, wherever it stands and in however many writes it comes.
func TestR24APartnerTokenIsFoundThoughNobodyAddedIt(t *testing.T) {
	for text, want := range map[string]bool{
		"POST /partner/createInstance/" + partner: true, "gac.x gac." + partner: true, partner[:20]: true, "xgac." + strings.Repeat("Z", 16): true,
		partner[:19]: false, "gac.": false, "gac.token-of-the-reseller": false, "gac.…": false, "GAC." + strings.Repeat("1", 16): false,
	} {
		if found := (&Watch{}).Search(text); (found != "") != want {
			t.Errorf("%q: %q", text, found)
		}
	}
	for _, size := range []int{1, 7, 25} {
		watch := &Watch{}
		for rest := strings.Repeat("x", 100) + partner[:20] + " and so on"; rest != ""; rest = rest[min(size, len(rest)):] {
			if _, err := watch.Write([]byte(rest[:min(size, len(rest))])); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.Contains(watch.Hit(), "a partner token") {
			t.Errorf("in writes of %d: %q", size, watch.Hit())
		}
	}
}

func TestR24EveryListedTokenIsASecret(t *testing.T) {
	watch := &Watch{}
	watch.AddListed([]byte(`[{"idInstance":1,"name":"support-line","apiTokenInstance":"token-of-the-first"},{"apiTokenInstance":"token-of-the-second"},{"apiTokenInstance":null},7]`))
	watch.AddListed([]byte(`{"apiTokenInstance":"token-of-a-new-one","accounts":[{"partnerToken":"gac.token-of-the-reseller"}]}`))
	for _, token := range []string{"token-of-the-first", "token-of-the-second", "token-of-a-new-one", "gac.token-of-the-reseller"} {
		if watch.Search("x"+token+"y") == "" {
			t.Errorf("%s is not found", token)
		}
	}
	if found := watch.Search("support-line"); found != "" {
		t.Errorf("a name is a secret: %s", found)
	}
	defer func() {
		if recover() == nil {
			t.Error("what is no JSON is accepted")
		}
	}()
	watch.AddListed([]byte("<html>"))
}
