// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package instance says what a resource means: its kind, where its instance is served and whose it is, the Secrets that it names,
// and what the operator would decide about it. The operator and kubectl greenapi both ask it. It makes no call, reads no clock,
// and changes nothing that it is given.
package instance
