// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/util/sets"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/rest"
)

// Reads are what an API server answered last about single objects, each until somebody writes the object. Stories look at an object far
// more often than it changes, and their API server had most of its work from that.
type Reads struct {
	// writes counts, by object and by namespace; answers are by object and by the form in which a client takes it.
	writes, answers sync.Map
}

// RememberReads lets everything that connects by a configuration ask again for an object only once somebody wrote it by the same
// configuration. Who writes by another connection calls Forget.
func RememberReads(config *rest.Config) *Reads {
	reads := &Reads{}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return rememberingTransport{reads, next} })
	return reads
}

// Forget has the objects of a namespace read anew, with "" those that are in none.
func (r *Reads) Forget(namespace string) { r.writesOf(namespace).Add(1) }

func (r *Reads) writesOf(what string) *atomic.Int64 {
	count, _ := r.writes.LoadOrStore(what, &atomic.Int64{})
	return count.(*atomic.Int64)
}

type rememberingTransport struct {
	*Reads
	next http.RoundTripper
}

var requests = apirequest.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

// RoundTrip is part of http.RoundTripper.
func (t rememberingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	about, err := requests.NewRequestInfo(request)
	if err != nil {
		return nil, err
	}
	object := path.Join(about.APIGroup, about.APIVersion, about.Resource, about.Namespace, about.Name)
	one := remembered{t.Reads, about.Namespace, object, object + " " + request.Header.Get("Accept")}
	switch about.Verb {
	case "get":
		if about.IsResourceRequest && about.Subresource == "" {
			return one.read(request, t.next)
		}
	case "update", "patch":
		whole := about.Subresource == "" || about.Subresource == "status"
		return one.write(request, t.next, whole && !request.URL.Query().Has("dryRun"))
	case "delete":
		return one.write(request, t.next, false)
	case "deletecollection":
		defer t.Forget(about.Namespace)
	}
	return t.next.RoundTrip(request)
}

// remembered is one object as one client takes it.
type remembered struct {
	*Reads
	namespace, object, key string
}

// An answer is what the API server said when there had been so many writes.
type answer struct {
	version int64
	header  http.Header
	body    []byte
}

// version grows with each write that may have changed the object.
func (r remembered) version() int64 {
	return r.writesOf(r.namespace).Load() + r.writesOf(r.object).Load()
}

func (r remembered) read(request *http.Request, next http.RoundTripper) (*http.Response, error) {
	version := r.version()
	if found, ok := r.answers.Load(r.key); ok && found.(answer).version == version {
		known := found.(answer)
		return &http.Response{
			Status: http.StatusText(http.StatusOK), StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
			Header: known.header.Clone(), Body: io.NopCloser(bytes.NewReader(known.body)), ContentLength: int64(len(known.body)),
		}, nil
	}
	response, err := next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	return r.keep(response, version)
}

// write counts a write at its end, so that nobody takes what was read meanwhile for what is there then. What the API server answers to
// one that was alone, and about the whole object, is the object as it is.
func (r remembered) write(request *http.Request, next http.RoundTripper, whole bool) (*http.Response, error) {
	begun := r.version()
	response, err := next.RoundTrip(request)
	r.writesOf(r.object).Add(1)
	ended := r.version()
	if err != nil || !whole || ended != begun+1 {
		return response, err
	}
	return r.keep(response, ended)
}

// keep remembers an object that the API server answered with, and lets the caller read it still.
func (r remembered) keep(response *http.Response, version int64) (*http.Response, error) {
	if response.StatusCode != http.StatusOK {
		return response, nil
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	r.answers.Store(r.key, answer{version, response.Header.Clone(), body})
	return response, nil
}
