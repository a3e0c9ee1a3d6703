// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package testenv_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"

	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// asker asks an API server that only counts, by a connection that remembers.
type asker struct {
	*WithT
	t      *testing.T
	url    string
	client *http.Client
	reads  *testenv.Reads
}

func newAsker(t *testing.T, answer http.HandlerFunc) *asker {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL}
	a := &asker{WithT: NewWithT(t), t: t, url: server.URL, reads: testenv.RememberReads(config)}
	var err error
	a.client, err = rest.HTTPClientFor(config)
	a.Expect(err).NotTo(HaveOccurred())
	return a
}

// ask returns what is answered to a method and a path, in one of some forms if there are any.
func (a *asker) ask(what string, forms ...string) string {
	a.t.Helper()
	method, path, _ := strings.Cut(what, " ")
	request, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, http.NoBody)
	a.Expect(err).NotTo(HaveOccurred())
	request.Header["Accept"] = forms
	response, err := a.client.Do(request)
	a.Expect(err).NotTo(HaveOccurred())
	text, err := io.ReadAll(response.Body)
	a.Expect(err).NotTo(HaveOccurred())
	a.Expect(response.Body.Close()).To(Succeed())
	return string(text)
}

// TestAReadIsAskedForOnce: an object is asked for again once it may be another one than the last answer, and at no other time.
func TestAReadIsAskedForOnce(t *testing.T) {
	t.Parallel()
	const secrets = "/api/v1/namespaces/shop/secrets"
	const one, line, account = secrets + "/one", "/apis/g/v1/namespaces/shop/lines/one", "/apis/g/v1/accounts/one"
	const again = "again"
	for name, c := range map[string]struct {
		path string
		// between is what happens between two reads, and want what the second one is answered with: by that number, or again.
		between []string
		want    string
	}{
		"nothing happens":                        {one, nil, "1"},
		"an object in no namespace":              {account, nil, "1"},
		"another object is written":              {one, []string{"PUT " + secrets + "/other", "POST " + secrets, "DELETE " + account}, "1"},
		"one of its name is written":             {one, []string{"PUT " + line}, "1"},
		"one of another namespace is written":    {one, []string{"PUT /api/v1/namespaces/store/secrets/one"}, "1"},
		"it is written, which answers with it":   {line, []string{"PUT " + line}, "2"},
		"its status is written":                  {line, []string{"PATCH " + line + "/status"}, "2"},
		"it is written twice":                    {account, []string{"PUT " + account, "PATCH " + account}, "3"},
		"it is deleted":                          {one, []string{"DELETE " + one}, again},
		"all are deleted":                        {one, []string{"DELETE " + secrets}, again},
		"what is written answers with less":      {line, []string{"PUT " + line + "/scale"}, again},
		"it is only tried":                       {line, []string{"PUT " + line + "?dryRun=All"}, again},
		"somebody else writes in the namespace":  {one, []string{"FORGET shop"}, again},
		"somebody else writes in another one":    {one, []string{"FORGET store"}, "1"},
		"a list is never remembered":             {secrets, nil, again},
		"nor a watch of one":                     {secrets + "?watch=true&fieldSelector=metadata.name%3Done", nil, again},
		"nor a part of one":                      {line + "/scale", nil, again},
		"nor what is not there":                  {secrets + "/absent", nil, again},
		"nor what the API server says of itself": {"/version", nil, again},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			a := newAsker(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "absent") {
					w.WriteHeader(http.StatusNotFound)
				}
				_, _ = fmt.Fprint(w, asked.Add(1))
			})
			a.Expect(a.ask("GET " + c.path)).To(Equal("1"))
			for _, what := range c.between {
				if namespace, other := strings.CutPrefix(what, "FORGET "); other {
					a.reads.Forget(namespace)
				} else {
					a.ask(what)
				}
			}
			want := c.want
			if want == again {
				want = fmt.Sprint(asked.Load() + 1)
			}
			a.Expect(a.ask("GET " + c.path)).To(Equal(want))
		})
	}
}

// TestAReadIsRememberedInItsForm: who takes another form of an object gets that one.
func TestAReadIsRememberedInItsForm(t *testing.T) {
	t.Parallel()
	a := newAsker(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Accept")) })
	for _, form := range []string{"application/json", "application/vnd.kubernetes.protobuf", "application/json"} {
		a.Expect(a.ask("GET /api/v1/namespaces/shop/secrets/one", form)).To(Equal(form))
	}
}

// TestWhatIsBesideAWriteIsNotKept: nobody knows whether what is read while a write is under way was there before or after it, nor which
// of two writes was the last.
func TestWhatIsBesideAWriteIsNotKept(t *testing.T) {
	t.Parallel()
	const one = "/api/v1/namespaces/shop/secrets/one"
	for beside, last := range map[string]string{"GET": "the write", "PUT": "GET", "DELETE": "GET"} {
		t.Run(beside, func(t *testing.T) {
			t.Parallel()
			arrived, proceed := make(chan struct{}), make(chan struct{})
			a := newAsker(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPatch {
					_, _ = io.WriteString(w, r.Method)
					return
				}
				close(arrived)
				<-proceed
				_, _ = io.WriteString(w, "the write")
			})
			ended := make(chan struct{})
			go func() { defer close(ended); a.ask("PATCH " + one) }()
			<-arrived
			a.Expect(a.ask(beside + " " + one)).To(Equal(beside))
			close(proceed)
			<-ended
			a.Expect(a.ask("GET " + one)).To(Equal(last))
		})
	}
}
