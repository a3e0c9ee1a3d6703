// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"net/http"
	"reflect"
	"regexp"
	"sync"
	"sync/atomic"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// writes counts what is written in each namespace, and in none, through the tests' connection. The stories look at a status
// far more often than it changes, and their API server has most of its work from that.
var writes sync.Map

func writesIn(namespace string) *atomic.Int64 {
	count, _ := writes.LoadOrStore(namespace, &atomic.Int64{})
	return count.(*atomic.Int64)
}

// countWrites lets everything that connects by a configuration count its writes. One that is under way counts twice, so that
// nobody takes what was read meanwhile for what is there at its end.
func countWrites(config *rest.Config) {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return countingWrites{next} })
}

type countingWrites struct{ next http.RoundTripper }

var namespaceOfPath = regexp.MustCompile(`/namespaces/([^/]+)`)

// RoundTrip is part of http.RoundTripper.
func (c countingWrites) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet {
		return c.next.RoundTrip(request)
	}
	namespace := ""
	if found := namespaceOfPath.FindStringSubmatch(request.URL.Path); found != nil {
		namespace = found[1]
	}
	count := writesIn(namespace)
	count.Add(1)
	defer count.Add(1)
	return c.next.RoundTrip(request)
}

// remembering is a client that asks the API server once for an instance, and again when something was written in its namespace.
type remembering struct {
	client.WithWatch
	mu   sync.Mutex
	seen map[readKey]readBefore
}

type readKey struct {
	of  reflect.Type
	key client.ObjectKey
}

type readBefore struct {
	writes int64
	object client.Object
}

// Get is part of client.Reader.
func (r *remembering) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	if _, ours := into.(v1alpha1.Instance); !ours {
		return r.WithWatch.Get(ctx, key, into, options...)
	}
	at, written := readKey{reflect.TypeOf(into), key}, writesIn(key.Namespace).Load()
	r.mu.Lock()
	last, found := r.seen[at]
	r.mu.Unlock()
	if !found || last.writes != written {
		fresh := reflect.New(at.of.Elem()).Interface().(client.Object)
		if err := r.WithWatch.Get(ctx, key, fresh); err != nil {
			return err
		}
		last = readBefore{written, fresh}
		r.mu.Lock()
		r.seen[at] = last
		r.mu.Unlock()
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(last.object.DeepCopyObject()).Elem())
	return nil
}
