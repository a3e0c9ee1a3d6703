// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// logbook is a writer that may be read meanwhile.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// started runs the command until the test stops it, and returns its first line and its log.
func started(t *testing.T, args ...string) (line string, log *logbook, stop func() error) {
	t.Helper()
	o, err := parse(append([]string{"--listen", "127.0.0.1:0"}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	reader, writer := io.Pipe()
	log, ended := &logbook{}, make(chan error, 1)
	go func() {
		err := run(ctx, o, writer, log)
		_ = writer.CloseWithError(errors.Join(errors.New("ended"), err))
		ended <- err
	}()
	line, err = bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), log, func() error { cancel(); return <-ended }
}

// plain returns a client for http://.
func plain(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func get(t *testing.T, client *http.Client, url string) (int, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func TestRunServesTheInstancesOfTheFileAndLogsCallsWithoutTokens(t *testing.T) {
	first, log, stop := started(t, "--instances", "../../internal/greenapi/emulator/testdata/instances.json", "--rate-interval", "1h")
	url, ok := strings.CutPrefix(first, "listening on ")
	url, count, _ := strings.Cut(url, " with ")
	if !ok || count != "5 instances" || strings.HasSuffix(url, ":0") {
		t.Fatalf("got %q, want the address and 5 instances", first)
	}
	const token = "token-of-the-support-line"
	path := url + "/waInstance7107000001/getStateInstance/" + token
	if status, body, err := get(t, plain(t), path); status != 200 || body != `{"stateInstance":"authorized"}` {
		t.Errorf("got %d %s %v", status, body, err)
	}
	if status, _, err := get(t, plain(t), path); status != 429 {
		t.Errorf("got %d %v, want the rate limit of the flag", status, err)
	}
	if status, _, err := get(t, plain(t), url+"/waInstance7107000001/"+token+"/getStateInstance"); status != 404 {
		t.Errorf("got %d %v, want 404", status, err)
	}
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for i, want := range []string{"7107000001 getStateInstance -> 200", "7107000001 getStateInstance -> 429", "7107000001 (no method) -> 404, token not accepted"} {
		if i >= len(lines) || !strings.HasSuffix(lines[i], want) {
			t.Errorf("log: got %q, want %q in line %d", lines, want, i)
		}
	}
	if strings.Contains(log.String(), token) {
		t.Errorf("the log shows a token:\n%s", log)
	}
}

func TestLogLineTellsWhatBecameOfTheCall(t *testing.T) {
	call := emulator.Call{Verb: "POST", ID: 5, Method: "setSettings", TokenOK: true, Effect: true, Fault: true}
	if got := line(call); !strings.HasSuffix(got, "POST 5 setSettings -> no answer, took effect, scripted fault") {
		t.Errorf("got %q", got)
	}
}

func TestRunStopsThoughACallHangs(t *testing.T) {
	first, _, stop := started(t)
	url := strings.Fields(first)[2]
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/emulator/faults", strings.NewReader(`{"hang": true}`))
	if err != nil {
		t.Fatal(err)
	}
	response, err := plain(t).Do(request)
	if err != nil || response.StatusCode != http.StatusCreated {
		t.Fatalf("got %v %v", response, err)
	}
	_ = response.Body.Close()
	hung := make(chan error, 1)
	go func() {
		_, _, err := get(t, plain(t), url+"/waInstance1/getSettings/x")
		hung <- err
	}()
	for calls := "[]"; strings.TrimSpace(calls) == "[]"; {
		if _, calls, err = get(t, plain(t), url+"/emulator/calls"); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if took := time.Since(began); took >= stopTime {
		t.Errorf("stopping took %v, as if the call had not been broken off", took)
	}
	if err := <-hung; err == nil {
		t.Error("the hanging call was answered")
	}
}

func TestRunSpeaksTLS(t *testing.T) {
	cert, key := certificate(t)
	first, _, stop := started(t, "--tls-cert-file", cert, "--tls-private-key-file", key)
	url := strings.Fields(first)[2]
	if !strings.HasPrefix(url, "https://") {
		t.Fatalf("got %q", first)
	}
	pool := x509.NewCertPool()
	content, err := os.ReadFile(cert)
	if err != nil || !pool.AppendCertsFromPEM(content) {
		t.Fatal("cannot use the certificate", err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	if status, _, err := get(t, &http.Client{Transport: transport}, url+"/emulator/healthz"); status != 200 {
		t.Errorf("got %d %v", status, err)
	}
	transport.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// certificate writes a self-signed certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestFlagsThatCannotBeAreRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"no arguments":       {"serve"},
		"go together":        {"--tls-cert-file", "x"},
		"not defined":        {"--explode"},
		"invalid value":      {"--rate-interval", "soon"},
		flag.ErrHelp.Error(): {"--help"},
	} {
		if _, err := parse(args, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q in it", args, err, want)
		}
	}
}

func TestFlagsOfZeroSwitchOff(t *testing.T) {
	o, err := parse([]string{"--rate-interval", "0", "--restart-time", "0"}, io.Discard)
	if err != nil || o.emulator.RateInterval >= 0 || o.emulator.RestartTime >= 0 {
		t.Errorf("got %+v %v, want both below 0", o.emulator, err)
	}
	o, err = parse(nil, io.Discard)
	if err != nil || o.listen != "127.0.0.1:8090" || o.emulator.RateInterval != time.Second || o.emulator.RestartTime != 30*time.Second {
		t.Errorf("got %+v %v, want the defaults", o, err)
	}
}

func TestRunSaysWhyItCannotStart(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]options{
		"no such file":          {instances: "missing.json"},
		"want a JSON list":      {instances: bad},
		"cannot listen":         {listen: "256.0.0.1:0"},
		"cannot read the certi": {certFile: bad, keyFile: bad},
	} {
		if err := run(t.Context(), o, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q in it", o, err, want)
		}
	}
}
