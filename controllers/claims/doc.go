// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package claims looks after claims for instances of partner accounts: it finds the instance that has a claim's name, buys one if
// there is none, keeps its token in a Secret, and deletes it where a claim that is deleted says so. What a list means is for
// internal/partner to say.
package claims
