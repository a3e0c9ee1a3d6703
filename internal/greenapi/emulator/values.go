// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"encoding/json"
	"math"
)

// normalized returns a deep copy of a JSON-like value in which whole numbers are int, whatever Go type or way of
// decoding they came from, so that they compare.
func normalized(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return copied(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = normalized(v[i])
		}
		return out
	case int64:
		return int(v)
	case int32:
		return int(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) <= 1<<53 {
			return int(v)
		}
	case json.Number:
		if whole, err := v.Int64(); err == nil {
			return int(whole)
		}
		if number, err := v.Float64(); err == nil {
			return normalized(number)
		}
		return v.String()
	}
	return value
}

// copied returns a deep copy of a map; nil stays nil.
func copied(m map[string]any) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for name, value := range m {
		out[name] = normalized(value)
	}
	return out
}

// merge lays values over a map; null removes, as in a JSON merge patch.
func merge(into, values map[string]any) {
	for name, value := range values {
		if value == nil {
			delete(into, name)
		} else {
			into[name] = normalized(value)
		}
	}
}
