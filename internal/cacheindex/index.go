// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package cacheindex finds objects of a controller-runtime cache by a value that hardly any two of them share.
//
// The cache keeps a set of names for each value of an index, by namespace and over all of them. Where each object has a value of its
// own, these sets take more memory than most of what is cached. So what the cache has is the bucket of a value, and whoever asks gets
// those of the bucket that really have the value.
package cacheindex

import (
	"context"
	"hash/crc32"
	"slices"
	"strconv"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// buckets is how many there are. With 10,000 objects in ten namespaces twenty share one, two in each namespace, so that the sets take a
// fifth of the memory; with 100,000 two hundred are looked through for the one that is meant.
const buckets = 512

// Index is of objects of one or more kinds by values that they have.
type Index[T client.Object] struct {
	name string
	of   func(T) []string
}

// New returns an index. An empty value is none.
func New[T client.Object](name string, of func(T) []string) Index[T] {
	return Index[T]{name: name, of: of}
}

// One returns an index by the one value that an object has, "" for none.
func One[T client.Object](name string, of func(T) string) Index[T] {
	return New(name, func(object T) []string { return []string{of(object)} })
}

// AddTo adds the index of a kind to a cache, once and before it starts.
func (i Index[T]) AddTo(ctx context.Context, indexer client.FieldIndexer, kind client.Object) error {
	return indexer.IndexField(ctx, kind, i.name, func(object client.Object) []string {
		known, ok := object.(T)
		if !ok {
			return nil
		}
		var found []string
		for _, value := range i.of(known) {
			if at := bucket(value); value != "" && !slices.Contains(found, at) {
				found = append(found, at)
			}
		}
		return found
	})
}

// Find returns the objects that have a value, none for "". What they refer to is the cache's own, which nobody may change. list is an
// empty one of their kind.
func (i Index[T]) Find(ctx context.Context, cache client.Reader, list client.ObjectList, value string, options ...client.ListOption) (found []T, err error) {
	if value == "" {
		return nil, nil
	}
	if err := cache.List(ctx, list, append(options, client.MatchingFields{i.name: bucket(value)}, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil, err
	}
	err = apimeta.EachListItem(list, func(object runtime.Object) error {
		if known, ok := object.(T); ok && slices.Contains(i.of(known), value) {
			found = append(found, known)
		}
		return nil
	})
	return found, err
}

func bucket(value string) string {
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(value))%buckets), 10)
}
