// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package jsonvalue holds a simple value of a JSON object as the vendor shows it. The vendor's client reads it, and a decision
// compares it, without knowing each other.
package jsonvalue

// Type is the JSON type of a value. The zero Type is that of a name that is not there.
type Type int

// The types of a Value.
const (
	String Type = iota + 1
	Number
	Bool
	// Other is an object or an array, from which nothing is concluded: no known setting is one.
	Other
	Null
)

// Value is a value of a JSON object.
type Value struct {
	// Type is its JSON type.
	Type Type
	// Text is its value: "yes" or "no" for a boolean, a number in its shortest form, "" for null and others.
	Text string
}
