// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
)

// witness stands between a manager and the API server, as the user that it was given. It notes what is asked and what is
// refused, and it makes happen what does not happen by itself in every run.
type witness struct {
	kubeconfig string
	proxy      *httputil.ReverseProxy
	// old: the API server is of a release that does not stream lists, so that clients list.
	old bool
	// secrets are the answers to lists and watches of Secrets.
	secrets lockedBuffer

	mu      sync.Mutex
	seen    []asked
	refused map[installation.Right]bool
	edited  map[string]bool
}

// asked is one request.
type asked struct {
	method, path, fields string
}

func newWitness(t *testing.T, config *rest.Config, old bool) *witness {
	t.Helper()
	w := &witness{old: old, refused: map[installation.Right]bool{}, edited: map[string]bool{}, proxy: proxyTo(t, config)}
	passOn := w.proxy.Rewrite
	w.proxy.Rewrite = func(r *httputil.ProxyRequest) {
		passOn(r)
		// What is read here is to be readable.
		r.Out.Header.Set("Accept-Encoding", "identity")
	}
	w.proxy.ModifyResponse = w.note
	w.kubeconfig = stand(t, w)
	return w
}

// ServeHTTP is part of http.Handler.
func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	w.mu.Lock()
	w.seen = append(w.seen, asked{r.Method, r.URL.Path, query.Get("fieldSelector")})
	w.mu.Unlock()
	if w.old && query.Get("sendInitialEvents") == "true" {
		out.Header().Set("Content-Type", "application/json")
		out.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(out, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422,`+
			`"message":"sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"}`)
		return
	}
	if err := w.disturb(r); err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	w.proxy.ServeHTTP(out, r)
}

// disturb edits a resource, as a user may, just before the outcome of its first setSettings is stored: the write is in
// conflict, and the manager has to look at the API server instead of its cache.
func (w *witness) disturb(r *http.Request) error {
	if r.Method != http.MethodPut || path.Base(r.URL.Path) != "status" {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(body, object); err != nil {
		return err
	}
	outcome, _, err := unstructured.NestedString(object.Object, "status", "apply", "outcome")
	if err != nil || v1alpha1.ApplyOutcome(outcome) != v1alpha1.OutcomeSettling {
		return err
	}
	w.mu.Lock()
	first := !w.edited[r.URL.Path]
	w.edited[r.URL.Path] = true
	w.mu.Unlock()
	if !first {
		return nil
	}
	patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"somebody":"was here"}}}`))
	return admin.Patch(r.Context(), object, patch)
}

var refusal = regexp.MustCompile(`cannot (\w+) resource \\?"([^"\\]+)\\?" in API group \\?"([^"\\]*)\\?"`)

// note notes a refusal, by the API server's own words, and what is told of Secrets.
func (w *witness) note(response *http.Response) error {
	if name, ok := (asked{path: response.Request.URL.Path}).about("secrets"); ok && name == "" {
		response.Body = &tee{Reader: io.TeeReader(response.Body, &w.secrets), Closer: response.Body}
	}
	if response.StatusCode != http.StatusForbidden {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	what := installation.Right{Verb: fmt.Sprintf("%s: %s", response.Request.URL.Path, body)}
	if found := refusal.FindStringSubmatch(string(body)); found != nil {
		what = installation.Right{Verb: found[1], Resource: found[2], Group: found[3]}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused[what] = true
	return nil
}

type tee struct {
	io.Reader
	io.Closer
}

// refusals are the rights, of whatever namespace, that the manager did not have when it wanted them.
func (w *witness) refusals() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := []string{}
	for r := range w.refused {
		list = append(list, r.String())
	}
	return list
}

// requests are all that were seen for which the filter holds.
func (w *witness) requests(filter func(asked) bool) []asked {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []asked
	for _, a := range w.seen {
		if filter(a) {
			list = append(list, a)
		}
	}
	return list
}

// about reports whether a request is about a resource in a namespace or in all, and returns the object's name, if any.
func (a asked) about(resource string) (name string, ok bool) {
	segments := strings.Split(a.path, "/")
	for i, segment := range segments {
		if segment == resource {
			return strings.Join(segments[i+1:], "/"), true
		}
	}
	return "", false
}
