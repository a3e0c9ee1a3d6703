// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command emulator runs a stand-in of GREEN-API's HTTP interface, for a demo or for trying things by hand.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/version"
)

// methodName is what the vendor's methods look like.
var methodName = regexp.MustCompile(`^[A-Za-z]{1,40}$`)

// stopTime is how long calls under way may take when the command is told to stop.
const stopTime = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err == nil && options.version:
		fmt.Println(version.Full())
		return
	case err == nil:
		err = run(ctx, options, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "emulator:", err)
		os.Exit(1)
	}
}

// run serves until the context ends. It prints the address to out, and a line for each call to log.
func run(ctx context.Context, o options, out, log io.Writer) error {
	var mu sync.Mutex
	o.emulator.OnCall = func(call emulator.Call) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(log, line(call))
	}
	vendor := emulator.New(o.emulator)
	if err := load(o.instances, emulator.ReadInstances, vendor.Add); err != nil {
		return err
	}
	if err := load(o.accounts, emulator.ReadAccounts, vendor.AddAccount); err != nil {
		return err
	}
	server := &http.Server{Handler: vendor, ReadHeaderTimeout: 10 * time.Second}
	scheme, serve := "http", server.Serve
	if o.certFile != "" {
		certificate, err := tls.LoadX509KeyPair(o.certFile, o.keyFile)
		if err != nil {
			return fmt.Errorf("cannot read the certificate: %w", err)
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		scheme, serve = "https", func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	fmt.Fprintf(out, "listening on %s://%s with %d instances\n", scheme, listener.Addr(), len(vendor.Instances()))

	failed := make(chan error, 1)
	go func() { failed <- serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	vendor.Close()
	stopping, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if server.Shutdown(stopping) != nil {
		return server.Close()
	}
	return nil
}

// load adds everything in a file to the emulator.
func load[T any](path string, read func(io.Reader) ([]T, error), add func(T)) error {
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	list, err := read(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, entry := range list {
		add(entry)
	}
	return nil
}

// line describes a call in one line, without its token and its body, which may hold secrets.
func line(call emulator.Call) string {
	// A token in the wrong place of the path must not get into the log either.
	if !methodName.MatchString(call.Method) {
		call.Method = "(no method)"
	}
	status := "no answer"
	if call.Status != 0 {
		status = strconv.Itoa(call.Status)
	}
	marks := ""
	if !call.TokenOK {
		marks += ", token not accepted"
	}
	if call.Effect {
		marks += ", took effect"
	}
	if call.Fault {
		marks += ", scripted fault"
	}
	of := strconv.FormatInt(call.ID, 10)
	if call.Account != "" {
		of = call.Account
	}
	return fmt.Sprintf("%s %-4s %s %s -> %s%s", call.Time.Format("15:04:05.000"), call.Verb, of, call.Method, status, marks)
}
