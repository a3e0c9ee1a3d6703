// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

// FormerHash is the hash that earlier releases noted for a wish.
func FormerHash(desired Desired) string { return desired.formerHashes[len(desired.formerHashes)-1] }

// FormerWish is what earlier releases noted of a wish in a record.
func FormerWish(s Setting) string { return s.formerWish }
