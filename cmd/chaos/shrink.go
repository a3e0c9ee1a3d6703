// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// shrink looks for a smaller history that breaks a statement as well. breaks plays one; it is asked at most tries times, because
// each answer takes as long as the history does. First whole kinds of events are left out, then ever smaller parts.
func shrink(broken history, tries int, breaks func(history) bool) history {
	smaller := func(without history) bool {
		if tries == 0 || len(without) == len(broken) {
			return false
		}
		tries--
		if !breaks(without) {
			return false
		}
		broken = without
		return true
	}
	for _, what := range broken.byFrequency() {
		smaller(slices.DeleteFunc(slices.Clone(broken), func(e event) bool { return e.What == what }))
	}
	for part := len(broken) / 2; part > 0 && tries > 0; part /= 2 {
		for from := 0; from < len(broken) && tries > 0; {
			if !smaller(slices.Delete(slices.Clone(broken), from, min(from+part, len(broken)))) {
				from += part
			}
		}
	}
	return broken
}
