// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// provocation makes a line meet something that tempts the operator to show a token.
type provocation struct {
	make func(f *fleet, line string)
	// shows is what its status says then.
	shows string
}

// concealed is what stands in place of a text of the vendor's with a secret in it.
const concealed = "(a text with a secret in it, not shown)"

// meets makes calls of a method meet a fault.
func meets(method string, fault emulator.Fault) func(*fleet, string) {
	return func(f *fleet, line string) {
		fault.ID, fault.Method = f.id(line), method
		if fault.Times == 0 {
			fault.Times = -1
		}
		f.vendor.Fault(fault)
	}
}

// at makes a line's address another one.
func at(address func(*fleet) string) func(*fleet, string) {
	return func(f *fleet, line string) {
		f.edit(line, 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = address(f) })
	}
}

// over puts a wire with a fault between the operator and a line.
func over(fault func(net.Conn)) func(*fleet, string) {
	return at(func(f *fleet) string {
		w := newWire(f.t, f.url)
		w.fail(&wireFault{do: fault})
		return w.url
	})
}

// echoing answers with what it is sent, which net/http quotes as an answer that is no HTTP.
func echoing(caller net.Conn) {
	buffer := make([]byte, 4096)
	n, _ := caller.Read(buffer)
	_, _ = caller.Write(buffer[:n])
}

// holding makes the Secret of a line's token hold another value.
func holding(value string) func(*fleet, string) {
	return func(f *fleet, line string) { f.secret(line+"-token", "apiTokenInstance", value) }
}

// both does one after the other.
func both(first, second func(*fleet, string)) func(*fleet, string) {
	return func(f *fleet, line string) { first(f, line); second(f, line) }
}

// writes makes a line wish for settings, among them secret ones.
func writes(f *fleet, line string) {
	secretURL := "https://hook-user:hook-pa55word-canary@hooks.example/services/T00000000-canary-" + line + "?key=query-canary-" + line
	f.alarm.add("hook-pa55word-canary")
	f.alarm.add("T00000000-canary-" + line)
	f.alarm.add("query-canary-" + line)
	f.secret(line+"-webhook", "token", "Bearer "+line+"/webhook-canary-0123456789")
	f.edit(line, 0, func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.Settings.WebhookURL = new(secretURL)
		r.Spec.Settings.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: line + "-webhook", Key: "token"}
		r.Spec.Settings.DelaySendMessagesMilliseconds = new(int32(1000))
		r.Spec.Settings.AdditionalSettings = []v1alpha1.AdditionalSetting{{Name: "autoTyping", Value: "3"}}
	})
}

// quoting is what a vendor says that refuses settings and quotes them.
const quoting = "Validation failed. Details: https://hook-user:hook-pa55word-canary@hooks.example is no URL"

var provocations = map[string]provocation{
	"nothing":                 {writes, string(v1alpha1.OutcomeConfirmed)},
	"an echo with 500":        {meets("", emulator.Fault{Status: 500, Body: `{"message":"{path}","description":"{token}"}`}), concealed},
	"an echo with 400":        {meets("", emulator.Fault{Message: "no {token} here"}), concealed},
	"an encoded echo":         {meets("", emulator.Fault{Message: "100% of %2Fwa%2F{token}"}), concealed},
	"an echo with 401":        {meets("", emulator.Fault{Status: 401, Body: `{"message":"{token}"}`}), v1alpha1.ReasonUnauthorized},
	"an echo with 403":        {meets("", emulator.Fault{Status: 403, Body: `{token}`}), v1alpha1.ReasonInstanceNotFound},
	"an echo with 404":        {meets("", emulator.Fault{Status: 404, Body: `<html>{path}</html>`}), v1alpha1.ReasonInstanceNotFound},
	"an echo with 466":        {meets("", emulator.Fault{Status: 466, Body: `{"message":"{token}"}`}), concealed},
	"an echo in a header":     {meets("", emulator.Fault{Status: 503, Header: map[string]string{"Retry-After": "{token}", "X-{method}": "{path}"}}), "the vendor answered 503"},
	"an echo in a good one":   {meets("getStateInstance", emulator.Fault{Body: `"{token}"`}), "it is not an object"},
	"a page":                  {meets("", emulator.Fault{Body: "<html>{token}"}), "it is HTML"},
	"a redirect":              {meets("", emulator.Fault{Location: "http://127.0.0.1:1/{token}"}), "redirects the call elsewhere"},
	"a redirect to nowhere":   {meets("", emulator.Fault{Location: "http://[{token}"}), "redirects the call elsewhere"},
	"no answer":               {meets("", emulator.Fault{Hang: true}), "no answer in time"},
	"half an answer":          {meets("", emulator.Fault{Answer: emulator.AnswerTruncated}), "not valid JSON"},
	"a token for a state":     {meets("getStateInstance", emulator.Fault{Body: `{"stateInstance":"{token}"}`}), concealed},
	"a token for an account":  {meets("getWaSettings", emulator.Fault{Body: `{"stateInstance":"{token}","phone":"{token}","chatId":"{path}","deviceId":"x{token}","avatar":"https://x.example/{token}/a.jpg?{path}"}`}), `"avatarUrl":"` + concealed},
	"an account that refuses": {meets("getWaSettings", emulator.Fault{Status: 500, Message: "{path}"}), concealed},
	"statuses that refuse": {both(meets("getIncomingStatuses", emulator.Fault{Status: 500, Message: "{path}"}), func(f *fleet, line string) {
		f.edit(line, 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.IncomingStatuses = &v1alpha1.IncomingStatuses{} })
	}), concealed},
	"a token for a setting": {both(writes, both(meets("getSettings", emulator.Fault{Body: `{"{token}":"{token}","webhookUrl":"https://{token}.example/{token}","webhookUrlToken":"{token}","delaySendMessagesMilliseconds":"{token}","autoTyping":"{token}","typeInstance":"{token}"}`}),
		func(f *fleet, line string) {
			f.edit(line, 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve })
		})), concealed},
	"a refused write":         {both(writes, meets("setSettings", emulator.Fault{Message: "Validation failed. Details: {path}"})), concealed},
	"a refused write, quoted": {both(writes, meets("setSettings", emulator.Fault{Message: quoting})), "Details: https://hooks.example/… is no URL"},
	"an echo in base64": {func(f *fleet, line string) {
		meets("", emulator.Fault{Message: "no " + base64.StdEncoding.EncodeToString([]byte("u:"+f.tokens[line])) + " here"})(f, line)
	}, concealed},
	"a write that breaks off": {both(writes, meets("setSettings", emulator.Fault{Drop: true})), "Settling"},
	"a write into the void":   {both(writes, meets("setSettings", emulator.Fault{Status: 500, Body: "{token}"})), "Settling"},
	"bytes that echo":         {over(echoing), "the connection broke"},
	"a reset":                 {over(reset), "connection"},
	"no TLS":                  {at(func(f *fleet) string { return strings.Replace(f.url, "http://", "https://", 1) }), "the TLS handshake failed"},
	"nobody there":            {at(func(*fleet) string { return "http://127.0.0.1:1" }), "connection refused"},
	"a host that is not":      {at(func(*fleet) string { return "https://evil.example" }), v1alpha1.ReasonEndpointNotAllowed},
	"a malformed token":       {holding("two words-canary-0123456789"), v1alpha1.ReasonTokenMalformed},
	"a token of two lines":    {holding("line-1-canary-0123456789\nline-2-canary-0123456789"), v1alpha1.ReasonTokenMalformed},
	"another token":           {holding("rotated-canary-0123456789"), v1alpha1.ReasonUnauthorized},
	"a malformed webhook token": {both(writes, func(f *fleet, line string) {
		f.secret(line+"-webhook", "token", "two\nlines-canary-0123456789")
	}), v1alpha1.ReasonTokenMalformed},
}

// TestR24NothingShows provokes whatever may go wrong in the real process, and searches all that it writes for tokens: its
// log at the most verbose level, every object of its namespace, its metrics, its other pages, its arguments and
// environment, and the dump of its goroutines with which it ends.
func TestR24NothingShows(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(provocations))
	f := newFleet(t, admin, len(names))
	for i, name := range names {
		f.appliedByKubectl(f.names[i])
		provocations[name].make(f, f.names[i])
	}
	metrics, probes := freeAddress(t), freeAddress(t)
	f.flags = []string{
		"--metrics-bind-address=" + metrics, "--metrics-secure=false", "--health-probe-bind-address=" + probes, "--api-timeout=1s",
		"--leader-elect", "--leader-election-namespace=" + f.ns,
	}
	f.env = []string{"GOTRACEBACK=all"}
	p := f.launch(newGate(t, environment.Config), "--restart-slow-start=0")
	for i, name := range names {
		f.Eventually(func() string { return f.status(f.names[i]) }, patience).Should(ContainSubstring(provocations[name].shows), "%s (%s)\n%s", name, f.names[i], f.alarm)
	}
	found := f.searchEvery("whatsappinstances", "leases", "events")
	f.Expect(found).To(HaveKeyWithValue("whatsappinstances", len(f.names)))
	f.Expect(found["events"]).To(BeNumerically(">", 10))
	f.searchPages(metrics, probes)
	f.searchProcess(p)

	p.signal(syscall.SIGQUIT)
	p.expectExit("a process that is told to dump its goroutines ends")
	f.Expect(f.alarm.String()).To(ContainSubstring("\ngoroutine "))
	f.Expect(f.alarm.hit()).To(BeEmpty())
}

// appliedByKubectl makes the Secret of a line's token look like one of kubectl apply, which keeps all data in an annotation.
func (f *fleet) appliedByKubectl(line string) {
	f.t.Helper()
	secret := &corev1.Secret{}
	f.Expect(f.admin.Get(f.ctx, client.ObjectKey{Namespace: f.ns, Name: line + "-token"}, secret)).To(Succeed())
	secret.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: fmt.Sprintf(`{"apiVersion":"v1","data":{"apiTokenInstance":%q},"kind":"Secret"}`,
		base64.StdEncoding.EncodeToString([]byte(f.tokens[line])))}
	f.Expect(f.admin.Update(f.ctx, secret)).To(Succeed())
}

// searchEvery searches every object of the namespace but Secrets, and but what users wrote themselves. It returns how many there are of
// each kind, at least one of each that is named.
func (f *fleet) searchEvery(kindsThere ...string) map[string]int {
	f.t.Helper()
	finder, err := discovery.NewDiscoveryClientForConfig(environment.Config)
	f.Expect(err).NotTo(HaveOccurred())
	kinds, err := finder.ServerPreferredNamespacedResources()
	f.Expect(err).NotTo(HaveOccurred())
	reader, err := dynamic.NewForConfig(environment.Config)
	f.Expect(err).NotTo(HaveOccurred())
	found := map[string]int{}
	for _, group := range kinds {
		version, err := schema.ParseGroupVersion(group.GroupVersion)
		f.Expect(err).NotTo(HaveOccurred())
		for _, kind := range group.APIResources {
			if kind.Name == "secrets" || !slices.Contains(kind.Verbs, "list") {
				continue
			}
			list, err := reader.Resource(version.WithResource(kind.Name)).Namespace(f.ns).List(f.ctx, metav1.ListOptions{})
			f.Expect(err).NotTo(HaveOccurred())
			for _, object := range list.Items {
				if version.Group == v1alpha1.GroupVersion.Group {
					delete(object.Object, "spec")
				}
				text, err := json.Marshal(object.Object)
				f.Expect(err).NotTo(HaveOccurred())
				f.Expect(f.alarm.Search(string(text))).To(BeEmpty(), "%s %s", kind.Name, object.GetName())
				found[kind.Name]++
			}
		}
	}
	for _, kind := range kindsThere {
		f.Expect(found).To(HaveKey(kind))
	}
	return found
}

// searchPages searches all that the process serves, and looks for what it must not serve.
func (f *fleet) searchPages(metrics, probes string) {
	f.t.Helper()
	page := func(address, path string) (int, string) {
		request, err := http.NewRequestWithContext(f.ctx, http.MethodGet, "http://"+address+path, http.NoBody)
		f.Expect(err).NotTo(HaveOccurred())
		response, err := (&http.Client{Timeout: patience}).Do(request)
		f.Expect(err).NotTo(HaveOccurred())
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		f.Expect(err).NotTo(HaveOccurred())
		f.Expect(f.alarm.Search(string(text))).To(BeEmpty(), "%s of %s", path, address)
		return response.StatusCode, string(text)
	}
	code, text := page(metrics, "/metrics")
	f.Expect(code).To(Equal(http.StatusOK))
	f.Expect(text).To(ContainSubstring(`greenapi_api_requests_total{code="200",method="getStateInstance"}`))
	for _, path := range []string{"/healthz", "/readyz"} {
		code, _ := page(probes, path)
		f.Expect(code).To(Equal(http.StatusOK))
	}
	for _, address := range []string{metrics, probes} {
		for _, path := range []string{"/", "/debug/pprof/", "/debug/pprof/heap?debug=1", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/debug/vars", "/debug/requests", "/debug/events"} {
			code, _ := page(address, path)
			f.Expect(code).To(Equal(http.StatusNotFound), "%s of %s", path, address)
		}
	}
}

// searchProcess searches what everybody on the machine may read of a process.
func (f *fleet) searchProcess(p *process) {
	f.t.Helper()
	for _, file := range []string{"cmdline", "environ", "status", "comm"} {
		text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(p.command.Process.Pid), file))
		f.Expect(err).NotTo(HaveOccurred())
		f.Expect(text).NotTo(BeEmpty())
		f.Expect(f.alarm.Search(string(text))).To(BeEmpty(), "%s", file)
	}
}
