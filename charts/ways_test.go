// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/greenapi-operator/greenapi-operator/internal/installation"
)

// way is one way to install.
type way struct {
	name string
	// rendered is what it is about to install.
	rendered func(*testing.T) installation.Objects
	// manifest is what kubectl applies, as its flags; rendered goes through a file if there is none.
	manifest []string
	install  func(*cluster)
}

func ways() []way {
	return []way{
		{
			name:     "kubectl apply -k",
			rendered: func(t *testing.T) installation.Objects { return installation.Render(t, "../config/default") },
			manifest: []string{"-k", "../config/default"},
			install:  func(c *cluster) { c.must(kubectl, "apply", "-k", "../config/default") },
		}, {
			name:     "kubectl apply -f",
			rendered: oneFile,
			manifest: []string{"-f", "../dist/install.yaml"},
			// Without --server-side: it has to fit into the annotation that keeps what was applied.
			install: func(c *cluster) { c.must(kubectl, "apply", "-f", "../dist/install.yaml") },
		}, {
			name:     "helm install",
			rendered: func(t *testing.T) installation.Objects { return template(t) },
			install:  func(c *cluster) { c.install(chart) },
		},
	}
}

func oneFile(t *testing.T) installation.Objects {
	t.Helper()
	text, err := os.ReadFile("../dist/install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return installation.Parse(t, text)
}

// TestThreeWaysInstallTheSame installs in each way into an API server of its own, first as a dry run, then for real. It
// compares what is there afterwards, object by object, and has the manager do its work with just that.
func TestThreeWaysInstallTheSame(t *testing.T) {
	all := ways()
	outcomes := make([]map[string]map[string]any, len(all))
	t.Run("ways", func(t *testing.T) {
		for i, w := range all {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				c, rendered := newCluster(t), w.rendered(t)
				dryRun(c, w, rendered)
				w.install(c)
				outcomes[i] = essence(c.live(rendered))
				c.declare("shop").operate(t, rendered)
			})
		}
	})
	g, reference := NewWithT(t), outcomes[0]
	g.Expect(len(reference)).To(BeNumerically(">=", 15), "something was installed")
	for i, w := range all[1:] {
		g.Expect(slices.Sorted(maps.Keys(outcomes[i+1]))).To(Equal(slices.Sorted(maps.Keys(reference))), w.name)
		expectSame(t, outcomes[i+1], reference, w.name)
	}
}

// expectSame compares objects, and shows where one differs.
func expectSame(t *testing.T, got, want map[string]map[string]any, what string) {
	t.Helper()
	for name, object := range got {
		if difference := cmp.Diff(want[name], object); difference != "" {
			t.Errorf("%s: %s:\n%s", what, name, difference)
		}
	}
}

// dryRun has the API server take everything and keep nothing. A namespace that is not there takes nothing, not even so.
func dryRun(c *cluster, w way, rendered installation.Objects) {
	c.t.Helper()
	c.namespace(system)
	manifest := w.manifest
	if manifest == nil {
		output, err := render(c.t)
		c.Expect(err).NotTo(HaveOccurred(), output)
		file := c.t.TempDir() + "/rendered.yaml"
		c.Expect(os.WriteFile(file, []byte(output), 0o600)).To(Succeed())
		manifest = []string{"-f", file}
	}
	output := c.must(kubectl, append([]string{"apply", "--server-side", "--dry-run=server"}, manifest...)...)
	c.Expect(strings.Count(output, "serverside-applied (server dry run)")).To(Equal(len(rendered)), output)
	c.expectAbsent(filter(rendered, func(o *unstructured.Unstructured) bool { return o.GetKind() != "Namespace" }))
}

// essence is what has to be the same however it was installed, by kind and name. Set aside are: what the API server adds
// to every object; who manages the object, and with which release of what, since that is where the ways differ; the
// labels of CRDs, which have none but Helm's; and the namespace, which Helm makes from a flag and cannot label.
func essence(objects installation.Objects) map[string]map[string]any {
	essences := map[string]map[string]any{}
	for _, object := range objects {
		if object.GetKind() == "Namespace" {
			continue
		}
		o := object.DeepCopy()
		for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
			unstructured.RemoveNestedField(o.Object, "metadata", field)
		}
		delete(o.Object, "status")
		labels, annotations := o.GetLabels(), o.GetAnnotations()
		for _, label := range []string{"app.kubernetes.io/managed-by", "app.kubernetes.io/version", "app.kubernetes.io/instance", "helm.sh/chart"} {
			delete(labels, label)
		}
		for _, annotation := range []string{"kubectl.kubernetes.io/last-applied-configuration", "meta.helm.sh/release-name",
			"meta.helm.sh/release-namespace", "helm.sh/resource-policy"} {
			delete(annotations, annotation)
		}
		if o.GetKind() == "CustomResourceDefinition" {
			labels = nil
		}
		o.SetLabels(labels)
		o.SetAnnotations(annotations)
		if o.GetKind() == "Service" {
			unstructured.RemoveNestedField(o.Object, "spec", "clusterIP")
			unstructured.RemoveNestedField(o.Object, "spec", "clusterIPs")
		}
		essences[o.GetKind()+" "+o.GetNamespace()+"/"+o.GetName()] = o.Object
	}
	return essences
}

// TestTheNamespacedChartIsTheNamespacedKustomization: what config/namespaced renders to, with scope: namespaced.
func TestTheNamespacedChartIsTheNamespacedKustomization(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	want := essence(installation.Render(t, "../config/namespaced"))
	objects := template(t, "--set", "scope=namespaced", "--set", "watchNamespaces={shop}")
	got := essence(objects)
	g.Expect(slices.Sorted(maps.Keys(got))).To(Equal(slices.Sorted(maps.Keys(want))))
	expectSame(t, got, want, "scope: namespaced")
	for _, r := range objects.Rights(t) {
		if r.Namespace == "" {
			g.Expect(r.String()).To(BeElementOf("create tokenreviews.authentication.k8s.io", "create subjectaccessreviews.authorization.k8s.io"))
		}
	}
}

// TestOneFileIsTheKustomization: dist/install.yaml is config/default and nothing else.
func TestOneFileIsTheKustomization(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	byName := func(objects installation.Objects) map[string]map[string]any {
		found := map[string]map[string]any{}
		for _, o := range objects {
			found[o.GetKind()+" "+o.GetNamespace()+"/"+o.GetName()] = o.Object
		}
		return found
	}
	want, got := byName(installation.Render(t, "../config/default")), byName(oneFile(t))
	g.Expect(slices.Sorted(maps.Keys(got))).To(Equal(slices.Sorted(maps.Keys(want))), "make build-installer")
	expectSame(t, got, want, "make build-installer")
}

// TestRulesAndDefinitionsHaveOneSource: the chart's are those of config/, in every scope, and there are no others.
func TestRulesAndDefinitionsHaveOneSource(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var known [][]rbacv1.PolicyRule
	source := installation.Render(t, "../config/default")
	for _, role := range of(source, "Role", "ClusterRole") {
		known = append(known, installation.Decode[rbacv1.ClusterRole](t, role).Rules)
	}
	for _, flags := range [][]string{nil, {"--set", "scope=namespaced", "--set", "watchNamespaces={a,b}"}, {"--set", "demo.enabled=true,networkPolicy.enabled=true,replicas=3"}} {
		objects := template(t, flags...)
		g.Expect(of(objects, "Role", "ClusterRole")).NotTo(BeEmpty())
		for _, role := range of(objects, "Role", "ClusterRole") {
			g.Expect(known).To(ContainElement(installation.Decode[rbacv1.ClusterRole](t, role).Rules), role.GetName())
		}
		definitions := of(objects, "CustomResourceDefinition")
		g.Expect(definitions).To(HaveLen(5))
		for _, crd := range definitions {
			for _, original := range of(source, "CustomResourceDefinition") {
				if original.GetName() == crd.GetName() {
					g.Expect(crd.Object["spec"]).To(Equal(original.Object["spec"]), crd.GetName())
				}
			}
		}
	}
	for copied, original := range map[string]string{
		"crds": "crd/bases", "rbac": "rbac", "network-policy.yaml": "network-policy/network_policy.yaml",
		"prometheus-rules.yaml": "prometheus/rules.yaml", "dashboard.json": "grafana/dashboard.json",
	} {
		expectCopies(t, chart+"/files/"+copied, "../config/"+original)
	}
}

// expectCopies expects a file to be a copy, or every file of a folder to be one.
func expectCopies(t *testing.T, copied, original string) {
	t.Helper()
	entries, err := os.ReadDir(copied)
	if err != nil {
		got, err := os.ReadFile(copied)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		want, err := os.ReadFile(original)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		NewWithT(t).Expect(string(got)).To(Equal(string(want)), "make chart: %s is not %s", copied, original)
		return
	}
	NewWithT(t).Expect(entries).NotTo(BeEmpty(), copied)
	for _, entry := range entries {
		expectCopies(t, copied+"/"+entry.Name(), original+"/"+entry.Name())
	}
}

// TestTheChartIsScrapedAsByTheKustomization: config/prometheus and the chart scrape the same and alert on the same.
func TestTheChartIsScrapedAsByTheKustomization(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	want := installation.Render(t, "../config/prometheus")
	got := template(t, "--set", "serviceMonitor.enabled=true,serviceMonitor.interval=30s,prometheusRule.enabled=true")
	for kind, field := range map[string]string{"ServiceMonitor": "endpoints", "PrometheusRule": "groups"} {
		spec := func(objects installation.Objects) any {
			object := installation.Find[unstructured.Unstructured](t, objects, kind, "")
			return object.Object["spec"].(map[string]any)[field]
		}
		g.Expect(cmp.Diff(spec(want), spec(got))).To(BeEmpty(), kind)
	}
}
