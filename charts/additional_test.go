// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// warnings are what the API server warned of.
type warnings struct {
	mu   sync.Mutex
	told []string
}

func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, text)
}

func (w *warnings) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told
}

// appliers are the ways in which people keep a manifest in the cluster. Each gets a file, and the folder of a chart with the file.
var appliers = map[string]func(c *cluster, file, folder string) (string, error){
	"apply": func(c *cluster, file, _ string) (string, error) {
		return c.run(kubectl, "apply", "-n", "shop", "-f", file)
	},
	"server-side": func(c *cluster, file, _ string) (string, error) {
		return c.run(kubectl, "apply", "-n", "shop", "--server-side", "-f", file)
	},
	"helm": func(c *cluster, _, folder string) (string, error) {
		return c.run(helm, "upgrade", "--install", "lines", folder, "-n", "shop")
	},
}

// newSettings are settings that have a field since a later release: as additional ones, and in their fields.
const (
	asAdditional = `additionalSettings: [{name: autoTyping, value: "3"}, {name: linkPreview, value: "yes"}, {name: enableLidMode, value: "no"}]`
	inFields     = `autoTyping: 3, linkPreview: true, enableLidMode: false`
)

// lineManifest is a line with settings and a further line of its spec, in a file and as a chart.
func (c *cluster) lineManifest(folder, name string, id int64, url, settings, further string) (file string) {
	c.t.Helper()
	text := fmt.Sprintf(`apiVersion: messaging.greenapi-operator.dev/v1alpha1
kind: WhatsAppInstance
metadata: {name: %s}
spec:
  idInstance: %d
  apiUrl: %s
  apiTokenSecretRef: {name: %s}
  settings: {incomingWebhook: true, %s}
  %s
`, name, id, url, name, settings, further)
	c.Expect(os.MkdirAll(filepath.Join(folder, "templates"), 0o700)).To(Succeed())
	file = filepath.Join(folder, "templates", "line.yaml")
	c.Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	c.Expect(os.WriteFile(filepath.Join(folder, "Chart.yaml"), []byte("apiVersion: v2\nname: lines\nversion: 1.0.0\n"), 0o600)).To(Succeed())
	return file
}

// TestALineKeepsItsAdditionalSettingThroughAnUpgrade: a setting that has a field since a later release stays valid where people
// have it, through the new definitions, other edits and the operator's own writes, without a warning or a restart. It can be
// moved to its field, which is no change, and only both at once is refused. No rule may count on the API server's leniency
// towards what is stored: where anything beside the setting changes, the rule is evaluated anew.
func TestALineKeepsItsAdditionalSettingThroughAnUpgrade(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.install(previous)
	s := &story{cluster: c, ns: "shop", vendor: emulator.New(emulator.Options{RestartTime: 200 * time.Millisecond})}
	server := httptest.NewServer(s.vendor)
	t.Cleanup(func() { s.vendor.Close(); server.Close() })
	s.url = server.URL
	c.namespace(s.ns)
	c.established()

	folder, ids := t.TempDir(), map[string]int64{}
	put := func(name, settings, further string) (string, error) {
		c.t.Helper()
		place := filepath.Join(folder, name)
		return appliers[name](c, c.lineManifest(place, name, ids[name], s.url, settings, further), place)
	}
	quietly := func(name, settings, further string) {
		c.t.Helper()
		output, err := put(name, settings, further)
		c.Expect(err).NotTo(HaveOccurred(), output)
		c.Expect(output).NotTo(ContainSubstring("Warning"), name)
	}
	for name := range appliers {
		ids[name] = firstID + 100 + int64(len(ids))
		token := "token-of-the-line-" + name + "-0123456789"
		s.vendor.Add(emulator.Instance{ID: ids[name], Token: token})
		c.Expect(c.admin.Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: name}, StringData: map[string]string{"apiTokenInstance": token},
		})).To(Succeed())
		quietly(name, asAdditional, "")
	}
	inOrder := func() string {
		for name := range appliers {
			line := s.whatsApp(name)
			if line.Status.ObservedGeneration != line.Generation || !apimeta.IsStatusConditionTrue(line.Status.Conditions, v1alpha1.ReadyCondition) {
				return fmt.Sprintf("%s: %+v", name, line.Status.Conditions)
			}
		}
		return ""
	}
	operated := func(what string) {
		c.t.Helper()
		s.vendor.ResetCalls()
		command, output := s.start(t, s.live(template(t, "--set", "crds.enabled=false")))
		for _, id := range ids {
			c.Eventually(func() int { return len(s.vendor.Calls(id, "getSettings")) }, patience).ShouldNot(BeZero(), output.String)
		}
		c.Eventually(inOrder, 2*patience).Should(BeEmpty(), output.String)
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
		for name, id := range ids {
			c.Expect(s.vendor.Restarts(id)).To(Equal(1), "%s of the line by %s", what, name)
		}
	}
	// The operator of now serves the definitions of before for as long as an upgrade takes.
	c.upgrade(chart, "--set", "crds.enabled=false")
	operated("the first write")
	c.upgrade(next(t))
	operated("the new definitions")

	told := &warnings{}
	config := rest.CopyConfig(c.config)
	config.WarningHandler = told
	writer, err := client.New(config, client.Options{Scheme: c.admin.Scheme()})
	c.Expect(err).NotTo(HaveOccurred())
	for name := range appliers {
		line := s.whatsApp(name)
		line.Status.PendingChanges = []v1alpha1.PendingChange{{Setting: "autoTyping", Desired: "3", Observed: "0"}}
		c.Expect(writer.Status().Update(t.Context(), line)).To(Succeed(), name)
		line.Labels = map[string]string{"team": "support"}
		c.Expect(writer.Update(t.Context(), line)).To(Succeed(), name)
		line.Spec.Settings.OutgoingWebhook = new(false)
		c.Expect(writer.Update(t.Context(), line)).To(Succeed(), name)
		line.Spec.Settings.OutgoingWebhook = nil
		c.Expect(writer.Update(t.Context(), line)).To(Succeed(), name)
		quietly(name, strings.Replace(asAdditional, `"3"`, `"a value of another time"`, 1), "")
		quietly(name, asAdditional, `settingsInterval: 1m`)
	}
	c.Expect(told.all()).To(BeEmpty())
	operated("other edits")

	for name := range appliers {
		output, err := put(name, asAdditional+", linkPreview: true", "")
		c.Expect(err).To(HaveOccurred(), name)
		c.Expect(output).To(ContainSubstring("linkPreview is set twice: keep spec.settings.linkPreview, and take it out of additionalSettings"), name)
		c.Expect(output).NotTo(ContainSubstring("autoTyping is set twice"), name)
		quietly(name, inFields, "")
		c.Expect(*s.whatsApp(name).Spec.Settings.AutoTyping).To(BeEquivalentTo(3))
		c.Expect(s.whatsApp(name).Spec.Settings.AdditionalSettings).To(BeEmpty(), name)
	}
	operated("moving to the fields")
	c.Expect(strings.Join(told.all(), "\n")).To(BeEmpty())
}

func (s *story) whatsApp(name string) *v1alpha1.WhatsAppInstance {
	s.t.Helper()
	line := &v1alpha1.WhatsAppInstance{}
	s.Expect(s.admin.Get(s.t.Context(), client.ObjectKey{Namespace: s.ns, Name: name}, line)).To(Succeed())
	return line
}
