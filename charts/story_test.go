// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

const firstID = int64(7107000000)

// story is an instance of each kind in a namespace, at a vendor of its own.
type story struct {
	*cluster
	ns     string
	vendor *emulator.Server
	url    string
}

func (c *cluster) namespace(name string) {
	c.t.Helper()
	err := c.admin.Create(c.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	c.Expect(client.IgnoreAlreadyExists(err)).To(Succeed())
}

// established waits until every definition can be used. kubectl gives up where the conditions of one are null, as they are for a moment
// (0.37.2).
func (c *cluster) established() {
	c.t.Helper()
	c.Eventually(func() error {
		output, err := c.run(kubectl, "wait", "--for=condition=Established", "--timeout=1m", "crd", "--all")
		if err != nil {
			return fmt.Errorf("%w: %s", err, output)
		}
		return nil
	}, patience).Should(Succeed())
}

// declare declares the instances.
func (c *cluster) declare(ns string) *story {
	c.t.Helper()
	s := &story{cluster: c, ns: ns, vendor: emulator.New(emulator.Options{RestartTime: 200 * time.Millisecond})}
	server := httptest.NewServer(s.vendor)
	c.t.Cleanup(func() { s.vendor.Close(); server.Close() })
	s.url = server.URL
	c.namespace(ns)
	c.established()
	for number, kind := range instance.Kinds {
		id, name := firstID+int64(number), strings.ToLower(kind.Name)
		token := fmt.Sprintf("token-of-%s-0123456789", name)
		s.vendor.Add(emulator.Instance{ID: id, Token: token, Messenger: kind.Messenger})
		s.Expect(c.admin.Create(c.t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, StringData: map[string]string{"apiTokenInstance": token},
		})).To(Succeed())
		resource := kind.New()
		resource.SetNamespace(ns)
		resource.SetName("line")
		resource.Core().IDInstance = id
		resource.Core().APITokenSecretRef.Name = name
		wish(resource)
		s.Expect(c.admin.Create(c.t.Context(), resource)).To(Succeed())
	}
	return s
}

// wish wishes for a setting, so that an instance is written to once.
func wish(resource v1alpha1.Instance) {
	common := v1alpha1.CommonSettings{IncomingWebhook: new(true)}
	switch typed := resource.(type) {
	case *v1alpha1.WhatsAppInstance:
		typed.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: common}
	case *v1alpha1.MaxInstance:
		typed.Spec.Settings = &v1alpha1.MaxSettings{CommonSettings: common}
	case *v1alpha1.TelegramInstance:
		typed.Spec.Settings = &v1alpha1.TelegramSettings{CommonSettings: common}
	}
}

// operate runs the real manager with the flags and the rights that are installed until every instance is ready, and stops
// it. Only where the vendor is and how long things take is added.
func (s *story) operate(t *testing.T, installed installation.Objects) {
	t.Helper()
	objects := s.live(installed)
	s.vendor.ResetCalls()
	command, output := s.start(t, objects)
	for number := range instance.Kinds {
		id := firstID + int64(number)
		NewWithT(t).Eventually(func() int { return len(s.vendor.Calls(id, "getSettings")) }, patience).ShouldNot(BeZero(), output.String)
	}
	NewWithT(t).Eventually(s.unready, 2*patience).Should(BeEmpty(), output.String)
	// Its own words about what was refused: rights that are missing.
	s.Expect(output.String()).NotTo(ContainSubstring("forbidden"))
	_ = command.Process.Signal(syscall.SIGTERM)
	_ = command.Wait()
	s.Expect(command.ProcessState.ExitCode()).To(BeZero(), "%s", output)
}

// start starts the real manager with the flags and the rights that are installed.
func (s *story) start(t *testing.T, objects installation.Objects, flags ...string) (*exec.Cmd, *lockedBuffer) {
	t.Helper()
	deployment := objects.Deployment(t)
	arguments := slices.Concat(deployment.Spec.Template.Spec.Containers[0].Args, []string{
		"--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url=" + s.url,
		"--leader-election-namespace=" + deployment.Namespace, "--metrics-bind-address=0", "--health-probe-bind-address=0",
		"--state-interval=300ms", "--settings-interval=1s", "--settle-poll=200ms", "--settle-timeout=6s",
	}, flags)
	command := exec.CommandContext(t.Context(), manager(t), arguments...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Env = append(os.Environ(), "POD_NAMESPACE="+deployment.Namespace, "KUBECONFIG="+testenv.Kubeconfig(t, objects.Login(t, s.config, s.admin)))
	output := &lockedBuffer{}
	command.Stdout, command.Stderr = output, output
	s.Expect(command.Start()).To(Succeed())
	t.Cleanup(func() { _ = command.Wait() })
	return command, output
}

// unready names an instance that is not in order.
func (s *story) unready() string {
	for _, kind := range instance.Kinds {
		resource := s.line(kind)
		status := resource.InstanceStatus()
		if status.ObservedGeneration != resource.GetGeneration() || !apimeta.IsStatusConditionTrue(status.Conditions, v1alpha1.ReadyCondition) {
			return fmt.Sprintf("%s: %+v", kind.Name, status.Conditions)
		}
	}
	return ""
}

func (s *story) line(kind instance.Kind) v1alpha1.Instance {
	s.t.Helper()
	resource := kind.New()
	s.Expect(s.admin.Get(s.t.Context(), client.ObjectKey{Namespace: s.ns, Name: "line"}, resource)).To(Succeed())
	return resource
}

// restarts is how often a vendor's instance was restarted, all together.
func (s *story) restarts() (all int) {
	for number := range instance.Kinds {
		all += s.vendor.Restarts(firstID + int64(number))
	}
	return all
}

// noCRDs expects that no definition of this project is there. Where the API server fails to delete the instances of one, and tries again
// before it has seen that it noted so, it meets a conflict and leaves the definition to its look at all of them, each five minutes
// (kube-apiserver 1.37.1).
func (c *cluster) noCRDs(objects installation.Objects) {
	c.t.Helper()
	c.Eventually(func() (left []string) {
		for _, crd := range of(objects, "CustomResourceDefinition") {
			if found, err := c.look(crd); !apierrors.IsNotFound(err) {
				left = append(left, fmt.Sprintf("%s, deleted at %v: %v (%v)", crd.GetName(), found.GetDeletionTimestamp(), found.Object["status"], err))
			}
		}
		return left
	}, 6*patience).Should(BeEmpty())
}

// lockedBuffer takes a process' output while a test reads it.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
