// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package accounts looks after partner accounts. It reads the list of an account's instances, counts them, and hands the list to
// claims; it buys and deletes nothing.
package accounts
