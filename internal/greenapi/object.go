// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"bytes"
	"encoding/json"

	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
)

// mostNames is how many names an object may have; the vendor's longest answer has some sixty. Each costs many times what
// it takes in the answer, so that more are no answer of the vendor's.
const mostNames = 512

// jsonSpace is the white space of JSON. What else Unicode calls so makes a body unreadable.
const jsonSpace = " \t\r\n"

// What is wrong with a body that says nothing at all.
const emptyBody, nullBody = "it is empty", "it is null"

// decodeObject reads a JSON object and tells, in words of this package, why it cannot. A name that is missing has the Type
// 0, and no Text; of one that is there twice the last value counts. Whether it is JSON is for encoding/json to say. What
// is, is then cut into its members here: that is a fourth of the work of having them decoded by reflection.
func decodeObject(body []byte) (map[string]jsonvalue.Value, string) {
	trimmed, problem := trimBody(body, '{', "it is not an object")
	if string(bytes.Trim(body, jsonSpace)) == "null" {
		problem = nullBody
	}
	if problem != "" {
		return nil, problem
	}
	if !json.Valid(trimmed) {
		return nil, "it is not valid JSON"
	}
	text := string(trimmed)
	object := make(map[string]jsonvalue.Value, min(bytes.Count(trimmed, []byte(`":`)), mostNames))
	for at, names := afterSpace(text, 1), 1; text[at] != '}'; names++ {
		if names > mostNames {
			return nil, "it has more than 512 names"
		}
		if text[at] == ',' {
			at = afterSpace(text, at+1)
		}
		name := text[at:afterValue(text, at)]
		colon := afterSpace(text, at+len(name))
		at = afterSpace(text, colon+1)
		value := text[at:afterValue(text, at)]
		object[decodeValue(name).Text] = decodeValue(value)
		at = afterSpace(text, at+len(value))
	}
	return object, ""
}

// trimBody takes the white space off a body that begins with a character, or tells why it cannot be read.
func trimBody(body []byte, begins byte, otherwise string) (trimmed []byte, problem string) {
	trimmed = bytes.Trim(body, jsonSpace)
	switch {
	case len(trimmed) == 0:
		return nil, emptyBody
	case trimmed[0] == '<':
		return nil, "it is HTML"
	case trimmed[0] != begins:
		return nil, otherwise
	}
	return trimmed, ""
}

// afterSpace returns where the next character is that is no white space of JSON.
func afterSpace(valid string, at int) int {
	for valid[at] == ' ' || valid[at] == '\t' || valid[at] == '\n' || valid[at] == '\r' {
		at++
	}
	return at
}

// afterValue returns where a value that begins at a place of valid JSON ends.
func afterValue(valid string, at int) int {
	for depth := 0; ; {
		switch valid[at] {
		case '"':
			at = afterText(valid, at)
		case '{', '[':
			depth++
			at++
		case '}', ']':
			depth--
			at++
		case ',', ':', ' ', '\t', '\n', '\r':
			at++
		default:
			at = afterWord(valid, at)
		}
		if depth == 0 {
			return at
		}
	}
}

// afterText returns where a text ends, which begins with its quotation mark.
func afterText(valid string, at int) int {
	for at++; valid[at] != '"'; at++ {
		if valid[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// afterWord returns where a number, true, false or null ends.
func afterWord(valid string, at int) int {
	for {
		switch valid[at] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return at
		}
		at++
	}
}
