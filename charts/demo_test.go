// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// commands are the paragraphs of a release's notes that begin with kubectl.
func (c *cluster) commands() []string {
	c.t.Helper()
	var found []string
	for paragraph := range strings.SplitSeq(c.must(helm, "get", "notes", release, "--namespace", system), "\n\n") {
		if strings.HasPrefix(paragraph, "kubectl") {
			found = append(found, strings.TrimSpace(paragraph))
		}
	}
	return found
}

// shell runs commands as a person does who copies them.
func (c *cluster) shell(script string) string {
	c.t.Helper()
	folder := c.t.TempDir()
	c.Expect(os.Symlink(kubectl, filepath.Join(folder, "kubectl"))).To(Succeed())
	output, err := runWith(c.t.Context(), []string{"KUBECONFIG=" + c.kubeconfig, "PATH=" + folder + string(os.PathListSeparator) + os.Getenv("PATH")}, "bash", "-euc", script)
	c.Expect(err).NotTo(HaveOccurred(), "%s\n%s", script, output)
	return output
}

// TestTheDemo installs with the emulator, and does what the notes say. The manager has exactly the flags that are installed;
// only a proxy stands in for the cluster's DNS.
func TestTheDemo(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.namespace("default")
	notes := c.install(chart, "--set", "demo.enabled=true")
	c.Expect(notes).To(ContainSubstring("DEMO: this manager talks to an emulator of GREEN-API and to nothing else"))
	objects := c.live(template(t, "--set", "demo.enabled=true"))

	service := installation.Find[corev1.Service](t, objects, "Service", "-emulator")
	secret := installation.Find[corev1.Secret](t, objects, "Secret", "-emulator")
	vendor := emulator.New(emulator.Options{RestartTime: 200 * time.Millisecond})
	instances, err := emulator.ReadInstances(strings.NewReader(string(secret.Data["instances.json"])))
	c.Expect(err).NotTo(HaveOccurred())
	for _, in := range instances {
		vendor.Add(in)
	}
	server := httptest.NewServer(vendor)
	t.Cleanup(func() { vendor.Close(); server.Close() })
	to, err := url.Parse(server.URL)
	c.Expect(err).NotTo(HaveOccurred())
	pass := httputil.NewSingleHostReverseProxy(to)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != service.Name+"."+system+".svc:8090" {
			http.Error(w, "there is no "+r.Host, http.StatusBadGateway)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	arguments := append(objects.Deployment(t).Spec.Template.Spec.Containers[0].Args, "--api-proxy="+proxy.URL,
		"--leader-election-namespace="+system, "--metrics-bind-address=0", "--health-probe-bind-address=0",
		"--state-interval=300ms", "--settings-interval=1s", "--settle-poll=200ms", "--settle-timeout=6s")
	command := exec.CommandContext(ctx, manager(t), arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+testenv.Kubeconfig(t, objects.Login(t, c.config, c.admin)))
	output := &lockedBuffer{}
	command.Stdout, command.Stderr = output, output
	c.Expect(command.Start()).To(Succeed())
	t.Cleanup(func() { stop(); _ = command.Wait() })

	commands := c.commands()
	c.Expect(commands).To(HaveLen(3))
	c.Expect(c.shell(commands[0])).To(ContainSubstring("whatsappinstance.messaging.greenapi-operator.dev/demo-line condition met"), "%s", output)
	c.Expect(commands[1]).To(HavePrefix("kubectl -n " + system + " rollout status deployment/" + objects.Deployment(t).Name))
	c.Expect(c.shell(commands[2])).To(ContainSubstring("labeled"))
	c.Expect(vendor.Restarts(instances[0].ID)).To(Equal(1))
}

// TestTheNotes: what they tell people to type works, in both scopes.
func TestTheNotes(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.namespace("shop")
	for _, flags := range []string{"", "scope=namespaced,watchNamespaces={shop}"} {
		want, arguments := "default", []string{"--install"}
		if flags != "" {
			want, arguments = "shop", []string{"--install", "--set", flags}
		}
		c.must(helm, append([]string{"upgrade", release, chart, "--namespace", system, "--create-namespace"}, arguments...)...)
		commands := c.commands()
		c.Expect(commands).To(HaveLen(3))
		c.Expect(commands[0]).To(ContainSubstring("-n " + want + " create secret"))
		c.Expect(c.shell(commands[0])).To(ContainSubstring("support-line"))
		c.Expect(c.shell(commands[2])).To(ContainSubstring("labeled"))
	}
	output := c.must(helm, "upgrade", release, chart, "--namespace", system, "--set", "crds.keep=false")
	c.Expect(output).To(ContainSubstring("WARNING: crds.keep=false."))
	output = c.must(helm, "upgrade", release, chart, "--namespace", system, "--set", "crds.enabled=false")
	c.Expect(output).To(ContainSubstring("The CRDs are not part of this release"))
}
