// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// metricsFlags say how metrics are served.
type metricsFlags struct {
	address                     string
	secure                      bool
	certPath, certName, certKey string
}

// Names of the files in a Secret of type kubernetes.io/tls.
const defaultCertName, defaultKeyName = "tls.crt", "tls.key"

// bind adds the flags to a flag set.
func (m *metricsFlags) bind(f *flag.FlagSet) {
	f.StringVar(&m.address, "metrics-bind-address", ":8443", "where metrics are served; 0 switches them off")
	f.BoolVar(&m.secure, "metrics-secure", true, "serve metrics with TLS, authentication and authorization")
	f.StringVar(&m.certPath, "metrics-cert-path", "", "directory with the certificate of the metrics server; empty is a self-signed one")
	f.StringVar(&m.certName, "metrics-cert-name", defaultCertName, "name of the certificate's file")
	f.StringVar(&m.certKey, "metrics-cert-key", defaultKeyName, "name of the key's file")
}

// check looks for the certificate: without one the metrics server would quietly make its own.
func (m *metricsFlags) check() error {
	if m.certPath == "" && (m.certName != defaultCertName || m.certKey != defaultKeyName) {
		return errors.New("--metrics-cert-name and --metrics-cert-key need --metrics-cert-path, the directory that they are in")
	}
	if m.certPath == "" {
		return nil
	}
	if !m.secure {
		return errors.New("--metrics-cert-path: there is no certificate without TLS; leave it out, or set --metrics-secure")
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(m.certPath, m.certName), filepath.Join(m.certPath, m.certKey)); err != nil {
		return fmt.Errorf("--metrics-cert-path must be a directory with a certificate %s and its key %s, both PEM: %w", m.certName, m.certKey, err)
	}
	return nil
}

// options are those of the metrics server.
func (m *metricsFlags) options() metricsserver.Options {
	options := metricsserver.Options{
		BindAddress: m.address, SecureServing: m.secure,
		CertDir: m.certPath, CertName: m.certName, KeyName: m.certKey,
	}
	if m.secure {
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return options
}
