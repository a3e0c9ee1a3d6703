// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package canary

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// A partner token begins with partnerMark. Its example is not one: at least so many letters and digits must follow.
const (
	partnerMark  = "gac."
	partnerLeast = 16
)

// partnerToken returns where a text has a partner token, whether it was added or not; -1 if nowhere.
func partnerToken(text []byte) int {
	for from := 0; ; from++ {
		at := bytes.Index(text[from:], []byte(partnerMark))
		if at < 0 {
			return -1
		}
		from += at
		rest := text[from+len(partnerMark):]
		if len(rest) >= partnerLeast && bytes.IndexFunc(rest[:partnerLeast], noDigitOrLetter) < 0 {
			return from
		}
	}
}

func noDigitOrLetter(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// AddListed makes every token in an answer of the vendor one that must show nowhere: of a list of a partner account, of an
// instance that was created, of a token that was rotated. It panics if the answer is no JSON.
func (w *Watch) AddListed(answer []byte) {
	var value any
	if err := json.Unmarshal(answer, &value); err != nil {
		panic(fmt.Sprintf("canary: the answer is no JSON: %v", err))
	}
	w.addIn(value)
}

func (w *Watch) addIn(value any) {
	switch v := value.(type) {
	case []any:
		for _, entry := range v {
			w.addIn(entry)
		}
	case map[string]any:
		for name, entry := range v {
			if token, ok := entry.(string); ok && (name == "apiTokenInstance" || name == "partnerToken") && len(token) >= Shortest {
				w.Add(token)
			}
			w.addIn(entry)
		}
	}
}
