// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package accounts looks after partner accounts. It reads the list of an account's instances and counts them; it buys nothing,
// deletes nothing, and knows no method that could.
package accounts
