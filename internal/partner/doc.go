// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package partner says what a list of a partner account's instances means. It is pure: whoever uses it reads the list, and
// stores what follows.
package partner
