// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"regexp"
	"strconv"
)

// What replaces a phone number, and a text that holds one in another form.
const (
	hiddenNumber     = "(a number, not shown)"
	textWithNumber   = "(a text with a number in it, not shown)"
	shortestOfPhones = 7
)

// phoneLike is what may be a phone number: seven digits or more, with no more between two of them than people write there.
// Messengers write a hyphen at which no line breaks.
var phoneLike = regexp.MustCompile(`\+?\p{Nd}(?:[\p{Zs}\p{Pd}.()/]{0,3}\p{Nd}){` + strconv.Itoa(shortestOfPhones-1) + `,}`)

// HideNumbers takes out of a text what may be a phone number (R36). The number of the instance stays.
func HideNumbers(text string, id int64) string {
	hide := func(text string) string {
		return phoneLike.ReplaceAllStringFunc(text, func(found string) string {
			if found == strconv.FormatInt(id, 10) {
				return found
			}
			return hiddenNumber
		})
	}
	text = hide(text)
	for _, form := range formsOf(text) {
		if hide(form) != form {
			return textWithNumber
		}
	}
	return text
}

// message makes what the vendor says fit to be shown, as text does, and without numbers where those are hidden.
func (d *discretion) message(text string, limit int) string {
	if !d.hidesNumbers {
		return d.text(text, limit)
	}
	return cut(HideNumbers(d.text(text, maxExamined), d.id), limit)
}
