// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"

	"github.com/greenapi-operator/greenapi-operator/internal/installation"
)

// serving starts a manager that serves metrics at an address, as the last flags say.
func (w *world) serving(flags ...string) (address string) {
	w.t.Helper()
	return w.servingWith(func(*exec.Cmd) {}, flags...)
}

// servingWith is serving by a command that was changed before it starts.
func (w *world) servingWith(change func(*exec.Cmd), flags ...string) (address string) {
	w.t.Helper()
	address = freeAddress(w.t)
	w.process = w.command(append([]string{"--metrics-bind-address=" + address}, flags...)...)
	change(w.process)
	w.Expect(w.process.Start()).To(Succeed())
	process := w.process
	w.t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	return address
}

// account makes a ServiceAccount, with a role unless that is nil, and returns its token.
func (w *world) account(name string, role *rbacv1.ClusterRole) string {
	w.t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name}}
	w.Expect(admin.Create(w.t.Context(), account)).To(Succeed())
	if role != nil {
		role.Name = w.ns + "-" + role.Name
		w.Expect(admin.Create(w.t.Context(), role)).To(Succeed())
		w.Expect(admin.Create(w.t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: w.ns, Name: name}},
		})).To(Succeed())
	}
	return installation.TokenOf(w.t, admin, account)
}

// TestMetricsAreServedToReadersOnly: over TLS, and only to who may get /metrics.
func TestMetricsAreServedToReadersOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reader := w.account("reader", installation.Find[rbacv1.ClusterRole](t, render(t, "default"), "ClusterRole", "metrics-reader"))
	nobody := w.account("nobody", nil)
	address := w.serving()
	secure := "https://" + address
	code := func(token string) func() int {
		return func() int { code, _ := scrape(t, secure, token, nil); return code }
	}
	w.Eventually(code(reader), patience).Should(Equal(http.StatusOK))
	_, body := scrape(t, secure, reader, nil)
	w.Expect(body).To(ContainSubstring("greenapi_instances{"))
	w.Expect(code("")()).To(Equal(http.StatusUnauthorized), "no token")
	w.Expect(code("nonsense")()).To(BeNumerically(">=", http.StatusUnauthorized), "no token of this cluster")
	w.Expect(code(nobody)()).To(Equal(http.StatusForbidden), "a token without the right")

	plainCode, plainBody := scrape(t, "http://"+address, reader, nil)
	w.Expect(plainCode).NotTo(Equal(http.StatusOK), "without TLS")
	w.Expect(plainBody).NotTo(ContainSubstring("greenapi_"))
	for version, accepted := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		config := &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}
		got, problem := scrape(t, secure, reader, config)
		w.Expect(got == http.StatusOK).To(Equal(accepted), "%s: %d %s", tls.VersionName(version), got, problem)
	}
	w.Expect(listening(t, w.process)).To(Equal([]string{address}))
	w.Expect(w.output.String()).NotTo(ContainSubstring(reader), "R24")
}

// TestMetricsWithoutTLS: --metrics-secure=false serves whoever asks.
func TestMetricsWithoutTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.serving("--metrics-secure=false")
	w.Eventually(func() int { code, _ := scrape(t, "http://"+address, "", nil); return code }, patience).Should(Equal(http.StatusOK))
	_, body := scrape(t, "http://"+address, "", nil)
	w.Expect(body).To(ContainSubstring("greenapi_instances{"))
	code, _ := scrape(t, "https://"+address, "", nil)
	w.Expect(code).To(BeZero(), "there is no TLS")
}

// TestMetricsOff: with the address 0 the process listens nowhere.
func TestMetricsOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.awaitReady()
	w.Expect(listening(t, w.process)).To(BeEmpty())
}

// TestMetricsWithACertificate: one from a directory is served, and the next one as well when it is renewed.
func TestMetricsWithACertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder := t.TempDir()
	issue := func() *tls.Config {
		certificate, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(os.WriteFile(filepath.Join(folder, "a.crt"), certificate, 0o600)).To(Succeed())
		w.Expect(os.WriteFile(filepath.Join(folder, "a.key"), key, 0o600)).To(Succeed())
		pool := x509.NewCertPool()
		w.Expect(pool.AppendCertsFromPEM(certificate)).To(BeTrue())
		return &tls.Config{RootCAs: pool}
	}
	for flags, want := range map[string]string{
		"":                       "--metrics-cert-path must be a directory with a certificate a.crt and its key a.key, both PEM",
		"--metrics-secure=false": "--metrics-cert-path: there is no certificate without TLS",
	} {
		var output bytes.Buffer
		command := w.command(slices.DeleteFunc([]string{"--metrics-cert-path=" + folder, "--metrics-cert-name=a.crt", "--metrics-cert-key=a.key", flags},
			func(flag string) bool { return flag == "" })...)
		command.Stdout, command.Stderr = &output, &output
		w.Expect(command.Start()).To(Succeed())
		impatient := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
		w.Expect(command.Wait()).NotTo(Succeed())
		impatient.Stop()
		w.Expect(output.String()).To(ContainSubstring(want))
	}

	first := issue()
	address := w.serving("--metrics-cert-path="+folder, "--metrics-cert-name=a.crt", "--metrics-cert-key=a.key")
	trusted := func(config *tls.Config) func() int {
		return func() int { code, _ := scrape(t, "https://"+address, "", config.Clone()); return code }
	}
	w.Eventually(trusted(first), patience).Should(Equal(http.StatusUnauthorized), "the certificate is trusted, the caller is not")
	w.Eventually(trusted(issue()), patience).Should(Equal(http.StatusUnauthorized), "the renewed certificate is served without a restart")
	w.Expect(trusted(first)()).To(BeZero())
}

// listening are the addresses that a process listens at.
func listening(t *testing.T, process *exec.Cmd) []string {
	t.Helper()
	var addresses []string
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", process.Process.Pid))
	if err != nil || len(links) == 0 {
		t.Fatalf("the process shows no open files: %v", err)
	}
	sockets := map[string]bool{}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			sockets[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
		}
	}
	for _, file := range []string{"tcp", "tcp6"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", process.Process.Pid, file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(table)) {
			// The second column is the address, the fourth the state (0A listens), the tenth the socket.
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != "0A" || !sockets[fields[9]] {
				continue
			}
			var ip [4]byte
			var port int
			if _, err := fmt.Sscanf(fields[1], "%02X%02X%02X%02X:%04X", &ip[3], &ip[2], &ip[1], &ip[0], &port); err != nil {
				addresses = append(addresses, fields[1])
				continue
			}
			addresses = append(addresses, fmt.Sprintf("%s:%d", net.IP(ip[:]), port))
		}
	}
	return addresses
}
