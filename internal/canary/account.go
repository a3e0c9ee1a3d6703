// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package canary

import (
	"crypto/md5"  //nolint:gosec // It is what a program might have made, and must not be found.
	"crypto/sha1" //nolint:gosec // The same.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/fnv"
)

// digestSize is how many characters of a digest are searched for: a short form of one is often its beginning.
const digestSize = 12

// AddAccount makes what tells whose account it is something that must show nowhere (R36), and so must any digest of it: there are so
// few phone numbers that all of them can be tried.
func (w *Watch) AddAccount(values ...string) {
	for _, value := range values {
		w.Add(value)
		for _, digest := range []hash.Hash{md5.New(), sha1.New(), sha256.New(), sha512.New(), fnv.New64(), fnv.New64a()} { //nolint:gosec // As above.
			_, _ = digest.Write([]byte(value))
			sum := digest.Sum(nil)
			w.Add(hex.EncodeToString(sum)[:digestSize], fmt.Sprintf("%X", sum)[:digestSize], base64.RawStdEncoding.EncodeToString(sum)[:Shortest])
		}
	}
}
