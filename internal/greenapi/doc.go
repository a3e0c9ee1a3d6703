// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package greenapi is a client of GREEN-API's HTTP API: the few methods that the operator needs, with typed
// answers and typed errors.
//
// Three things make it different from a generic HTTP client. The API token stands in the path of every URL, and the
// vendor echoes it in error bodies, so nothing that leaves this package (errors, texts) is built from a URL, a body
// or an error of net/http; vendor texts that are shown pass through Conceal. The token is a secret of somebody, so it
// is only sent to hosts that are allowed, never along a redirect and never through a proxy of the environment. And a
// call that restarts an instance must be sent at most once, so it goes over a connection of its own and may leave only
// while its Permit is valid.
package greenapi
