// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// previous is the package that people may have: see testdata/README.md.
const previous = "testdata/previous/greenapi-operator-0.1.0.tgz"

// next packages the chart as it is now, as the version after any that there was.
func next(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	output, err := runWith(t.Context(), nil, helm, "package", chart, "--version", "99.0.0", "--app-version", "v99.0.0", "--destination", folder)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return filepath.Join(folder, "greenapi-operator-99.0.0.tgz")
}

// keeper remembers the definitions and the instances, which nothing may touch.
type keeper struct {
	*story
	definitions installation.Objects
	// uids are those of the definitions, lines the instances with everything that they have.
	uids  []string
	lines []string
}

func (s *story) keep() *keeper {
	s.t.Helper()
	// The version before does not have those that are new.
	k := &keeper{story: s, definitions: filter(of(oneFile(s.t), "CustomResourceDefinition"), func(o *unstructured.Unstructured) bool {
		_, err := s.look(o)
		return err == nil
	})}
	k.uids, k.lines = k.look()
	return k
}

func (k *keeper) look() (uids, lines []string) {
	k.t.Helper()
	for _, crd := range k.live(k.definitions) {
		uids = append(uids, string(crd.GetUID()))
		k.Expect(crd.GetDeletionTimestamp()).To(BeNil())
	}
	for _, kind := range instance.Kinds {
		line := k.line(kind)
		// The definitions of the version before do not know these fields, so they do not show while they are there.
		status := line.InstanceStatus()
		status.AcceptedTokenRefs, status.EffectiveSettings, status.SecretVersionKey = nil, nil, ""
		status.IDInstance = 0
		text, err := json.Marshal(line)
		k.Expect(err).NotTo(HaveOccurred())
		k.Expect(string(line.GetUID())).NotTo(BeEmpty())
		lines = append(lines, string(text))
	}
	return uids, lines
}

// untouched expects the same definitions, and the same instances down to their resourceVersion.
func (k *keeper) untouched(after string) {
	k.t.Helper()
	uids, lines := k.look()
	k.Expect(uids).To(Equal(k.uids), "definitions after "+after)
	k.Expect(lines).To(Equal(k.lines), "instances after "+after)
}

// monitoring installs the Prometheus operator's definitions.
func (c *cluster) monitoring() {
	c.t.Helper()
	c.must(kubectl, "apply", "--server-side", "-f", "testdata/crds")
	c.established()
}

// TestAnUpgradeKeepsEveryInstance goes from the previous chart to the next one and through all that is switched along the
// way, back, out and in again. Every instance stays as it is, and its messenger is restarted once in all, for its spec.
func TestAnUpgradeKeepsEveryInstance(t *testing.T) {
	t.Parallel()
	c, to := newCluster(t), next(t)
	c.monitoring()
	c.install(previous)
	s := c.declare("shop")
	// The version before does not have all definitions.
	s.operate(t, template(t, "--set", "crds.enabled=false"))
	k := s.keep()
	once := s.restarts()
	c.Expect(once).To(Equal(len(instance.Kinds)))

	for _, flags := range []string{
		"",
		"replicas=3",
		"scope=namespaced,watchNamespaces={shop}",
		"replicas=2,scope=namespaced,watchNamespaces={shop,default},metrics.enabled=false,rbac.userRoles=false",
		"serviceMonitor.enabled=true,prometheusRule.enabled=true,grafana.dashboard.enabled=true,networkPolicy.enabled=true",
		"demo.enabled=true",
		"crds.keep=false",
		"crds.keep=true",
		"crds.enabled=false",
		"",
	} {
		arguments := []string{"--set", flags}
		if flags == "" {
			arguments = nil
		}
		c.upgrade(to, arguments...)
		k.untouched("an upgrade with " + flags)
		s.inStep(t, template(t, arguments...))
	}
	s.operate(t, template(t))
	c.Expect(s.restarts()).To(Equal(once), "a new version writes nothing that the old one has written")
	k = s.keep()

	c.must(helm, "rollback", release, "1", "--namespace", system)
	k.untouched("a rollback")
	c.must(helm, "uninstall", release, "--namespace", system)
	k.untouched("uninstalling")
	c.expectAbsent(template(t).WithoutDefinitions())

	// Helm takes the definitions back by the annotations that it left on them, and no other release may.
	output, err := c.run(helm, "install", "other", chart, "--namespace", system)
	c.Expect(err).To(HaveOccurred())
	c.Expect(output).To(ContainSubstring("invalid ownership metadata"))
	k.untouched("another release was refused")
	c.install(to)
	k.untouched("installing again")
	s.operate(t, template(t))
	c.Expect(s.restarts()).To(Equal(once))

	// Who wants them gone says so.
	c.upgrade(to, "--set", "crds.keep=false")
	c.must(helm, "uninstall", release, "--namespace", system)
	c.noCRDs(template(t))
}

// TestAnEmergencyStopHolds: with the value of the chart, as docs/operating.md has it, through upgrades to the next version
// and with other values. What kubectl scaled, the next upgrade takes back, as the page says.
func TestAnEmergencyStopHolds(t *testing.T) {
	t.Parallel()
	c, to := newCluster(t), next(t)
	replicas := func() int32 { return *c.live(of(template(t), "Deployment")).Deployment(t).Spec.Replicas }
	upgrade := func(path string, flags ...string) string {
		return c.must(helm, append([]string{"upgrade", release, path, "--namespace", system, "--reset-then-reuse-values"}, flags...)...)
	}
	// The definitions have no part in it.
	c.install(previous, "--set", "crds.enabled=false")
	c.must(kubectl, "--namespace", system, "scale", "deployment/greenapi-operator-controller-manager", "--replicas=0")
	c.Expect(replicas()).To(BeZero())
	upgrade(chart)
	c.Expect(replicas()).To(BeEquivalentTo(1), "scaling is undone")

	output := upgrade(chart, "--set", "replicas=0")
	c.Expect(output).To(ContainSubstring("STOPPED: replicas=0"))
	c.Expect(replicas()).To(BeZero())
	upgrade(to)
	c.Expect(replicas()).To(BeZero(), "after an upgrade to the next version")
	upgrade(to, "--set", "manager.logLevel=debug")
	c.Expect(replicas()).To(BeZero(), "after an upgrade with another value")
	c.Expect(upgrade(to, "--set", "replicas=1")).NotTo(ContainSubstring("STOPPED"))
	c.Expect(replicas()).To(BeEquivalentTo(1))
}

// inStep expects what the chart renders, and of what another rendering would have nothing.
func (s *story) inStep(t *testing.T, rendered installation.Objects) {
	t.Helper()
	s.live(rendered)
	names := map[string]bool{}
	for _, o := range rendered {
		names[o.GetKind()+"/"+o.GetNamespace()+"/"+o.GetName()] = true
	}
	all := template(t, "--set", "replicas=2,demo.enabled=true,networkPolicy.enabled=true,serviceMonitor.enabled=true,prometheusRule.enabled=true,grafana.dashboard.enabled=true")
	all = append(all, template(t, "--set", "scope=namespaced,watchNamespaces={shop,default}")...)
	s.expectAbsent(filter(all, func(o *unstructured.Unstructured) bool {
		return o.GetKind() != "CustomResourceDefinition" && !names[o.GetKind()+"/"+o.GetNamespace()+"/"+o.GetName()]
	}))
}

// TestFromKubectlToHelm: Helm takes over what kubectl installed when it is told to, and not before. The commands are those
// of docs/installation.md; the first one has every field change hands, so that no later upgrade meets a conflict, and what
// a later chart leaves out goes.
func TestFromKubectlToHelm(t *testing.T) {
	t.Parallel()
	for _, w := range []struct{ name, handOver string }{
		{"apply", "kubectl apply --server-side --force-conflicts --field-manager=helm -k config/default"},
		{"apply --server-side", `kubectl patch -k config/default --type=json --patch '[ ` +
			`{"op": "test", "path": "/metadata/managedFields/0/manager", "value": "kubectl"}, ` +
			`{"op": "replace", "path": "/metadata/managedFields/0/manager", "value": "helm"}]'`},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.must(kubectl, append(strings.Fields(w.name), "-k", "../config/default")...)
			s := c.declare("shop")
			s.operate(t, oneFile(t))
			k := s.keep()
			deployment := of(oneFile(t), "Deployment")
			before := c.live(deployment)[0].GetUID()

			output, err := c.run(helm, "install", release, chart, "--namespace", system)
			c.Expect(err).To(HaveOccurred(), "nothing is taken over by accident")
			c.Expect(output).To(ContainSubstring("invalid ownership metadata"))
			k.untouched("a refused installation")

			expectInPage(t, w.handOver)
			c.shell("cd .. && " + w.handOver)
			k.untouched("handing over")
			c.must(helm, "install", release, chart, "--namespace", system, "--take-ownership")
			k.untouched("taking over")
			c.Expect(c.live(deployment)[0].GetUID()).To(Equal(before), "the Deployment is not made anew")
			for _, object := range c.live(template(t)) {
				c.Expect(object.GetLabels()).To(HaveKeyWithValue("app.kubernetes.io/managed-by", "Helm"), object.GetName())
				for _, fields := range object.GetManagedFields() {
					c.Expect(fields.Manager).NotTo(HavePrefix("kubectl"), object.GetName())
				}
			}
			once := s.restarts()
			s.operate(t, template(t))
			c.Expect(s.restarts()).To(Equal(once))
			k = s.keep()
			c.upgrade(next(t), "--set", "metrics.enabled=false")
			k.untouched("the first upgrade afterwards")
			ports := c.live(template(t, "--set", "metrics.enabled=false")).Deployment(t).Spec.Template.Spec.Containers[0].Ports
			c.Expect(ports).To(HaveLen(1), "a field that the chart no longer has")
		})
	}
}

// expectInPage expects a command to be what the page tells people to type.
func expectInPage(t *testing.T, command string) {
	t.Helper()
	text, err := os.ReadFile("../docs/installation.md")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	// The page breaks long lines as a shell does.
	page := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\\\n", " ")), " ")
	NewWithT(t).Expect(page).To(ContainSubstring(strings.Join(strings.Fields(command), " ")))
}

// TestThePreviousPackageIsWhatItsReadmeSays: what is upgraded from is the package that testdata/README.md tells of.
func TestThePreviousPackageIsWhatItsReadmeSays(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	output, err := runWith(t.Context(), nil, helm, "show", "chart", previous)
	g.Expect(err).NotTo(HaveOccurred(), output)
	g.Expect(output).To(ContainSubstring("version: 0.1.0\n"))
	text, err := os.ReadFile("testdata/README.md")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(text)).To(ContainSubstring(filepath.Base(previous)))
}
