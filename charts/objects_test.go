// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/internal/installation"
)

func containersOf(t *testing.T, deployment *unstructured.Unstructured) []corev1.Container {
	t.Helper()
	return installation.Decode[appsv1.Deployment](t, deployment).Spec.Template.Spec.Containers
}

func managerArgs(t *testing.T, flags ...string) []string {
	t.Helper()
	return template(t, flags...).Deployment(t).Spec.Template.Spec.Containers[0].Args
}

// TestEveryValueReachesTheManager: a value of its own for a flag says that flag and no other, and the manager takes it.
func TestEveryValueReachesTheManager(t *testing.T) {
	t.Parallel()
	NewWithT(t).Expect(managerArgs(t)).To(Equal([]string{"--leader-elect"}), "what is not set is left to the manager")
	var all []string
	for values, want := range map[string]string{
		"manager.watchLabelSelector=team=a":               "--watch-label-selector=team=a",
		"manager.shardRing=green.api-1":                   "--shard-ring=green.api-1",
		"manager.webhookSecretLabelSelector=for=webhooks": "--webhook-secret-label-selector=for=webhooks",
		"manager.secretLabelSelector=for=greenapi":        "--secret-label-selector=for=greenapi",
		"manager.accountDetails=Masked":                   "--account-details=Masked",
		"manager.allowedApiHosts={a.example,*.b.example}": "--allowed-api-hosts=a.example,*.b.example",
		"manager.defaultApiUrl=https://a.example":         "--default-api-url=https://a.example",
		"manager.apiProxy=http://egress.example:3128":     "--api-proxy=http://egress.example:3128",
		"manager.apiQps=12.5":                             "--api-qps=12.5",
		"manager.maxConcurrentRestarts=0":                 "--max-concurrent-restarts=0",
		"manager.maxConcurrentRestarts=50%":               "--max-concurrent-restarts=50%",
		"manager.fleetLabel=example.com/fleet":            "--fleet-label=example.com/fleet",
		"manager.restartSlowStart=0":                      "--restart-slow-start=0",
		"manager.restartSlowStart=5":                      "--restart-slow-start=5",
		"manager.brakeAfter=3":                            "--brake-after=3",
		"manager.restartSoak=30m":                         "--restart-soak=30m",
		"manager.maxConcurrentReconciles=10000":           "--max-concurrent-reconciles=10000",
		"manager.stateInterval=1m30s":                     "--state-interval=1m30s",
		"manager.settingsInterval=1h":                     "--settings-interval=1h",
		"manager.logLevel=debug":                          "--zap-log-level=debug",
		"manager.logLevel=3":                              "--zap-log-level=3",
		"leaderElection.id=a.greenapi-operator.dev":       "--leader-election-id=a.greenapi-operator.dev",
		"metrics.enabled=false":                           "--metrics-bind-address=0",
		"metrics.port=9443":                               "--metrics-bind-address=:9443",
		"metrics.secure=false":                            "--metrics-secure=false",
		"metrics.certSecretName=cert":                     "--metrics-cert-path=/etc/metrics-cert",
		"scope=namespaced":                                "--watch-namespaces=" + system,
		"scope=namespaced,watchNamespaces={b,a,b}":        "--watch-namespaces=a,b",
		"extraArgs={--settle-timeout=8m}":                 "--settle-timeout=8m",
	} {
		args := managerArgs(t, "--set", values)
		NewWithT(t).Expect(args).To(Equal([]string{"--leader-elect", want}), values)
		// In a ring there is no lease with a name of its own to set.
		if !strings.HasPrefix(want, "--metrics") && !strings.HasPrefix(want, "--shard-ring") {
			all = append(all, want)
		}
	}
	all = append(all, managerArgs(t, "--set", "demo.enabled=true")...)
	// It takes all the flags, and stops at the first thing that it needs beyond them.
	output, err := runWith(t.Context(), []string{"KUBECONFIG=/nowhere"}, manager(t), all...)
	NewWithT(t).Expect(err).To(HaveOccurred())
	NewWithT(t).Expect(output).To(HavePrefix("manager: no access to a cluster"))
}

// TestReleasesSideBySide: two that look after everything share a lease and do not both work; those for a part have their own.
func TestReleasesSideBySide(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for values, want := range map[string]string{
		"fullnameOverride=second":                                                                   "",
		"fullnameOverride=second,scope=namespaced":                                                  "--leader-election-id=second.greenapi-operator.dev",
		"fullnameOverride=second,manager.watchLabelSelector=a":                                      "--leader-election-id=second.greenapi-operator.dev",
		"fullnameOverride=second,scope=namespaced,manager.shardRing=r,manager.watchLabelSelector=a": "",
	} {
		args := strings.Join(managerArgs(t, "--set", values), " ")
		if want == "" {
			g.Expect(args).NotTo(ContainSubstring("leader-election-id"), values)
		} else {
			g.Expect(args).To(ContainSubstring(want), values)
		}
	}
	for _, o := range template(t, "--set", "fullnameOverride=second,crds.enabled=false,demo.enabled=true,replicas=2,networkPolicy.enabled=true") {
		g.Expect(o.GetName()).To(HavePrefix("second-"), o.GetKind())
	}
}

// TestTheHeapKnowsTheMemoryLimit: where there is one, unless extraEnv says something else.
func TestTheHeapKnowsTheMemoryLimit(t *testing.T) {
	t.Parallel()
	limit := corev1.EnvVar{Name: "GOMEMLIMIT", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: resource.MustParse("0")}}}
	where := corev1.EnvVar{Name: "POD_NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}}}
	own := corev1.EnvVar{Name: "GOMEMLIMIT", Value: "200MiB"}
	other := corev1.EnvVar{Name: "GOGC", Value: "100"}
	for values, want := range map[string][]corev1.EnvVar{
		"": {where, limit},
		`extraEnv=[{"name":"GOMEMLIMIT","value":"200MiB"}]`: {where, own},
		`extraEnv=[{"name":"GOGC","value":"100"}]`:          {where, limit, other},
		"resources=null":        {where},
		"resources.limits=null": {where},
	} {
		container := template(t, "--set-json", values).Deployment(t).Spec.Template.Spec.Containers[0]
		NewWithT(t).Expect(container.Env).To(Equal(want), values)
	}
}

// everything are the flags that switch on all that the chart has.
var everything = []string{"--set", "replicas=3,networkPolicy.enabled=true,serviceMonitor.enabled=true,prometheusRule.enabled=true," +
	"grafana.dashboard.enabled=true,demo.enabled=true,metrics.certSecretName=metrics-cert,commonLabels.team=a",
	"--set-json", `metrics.readers=[{"name":"prometheus","namespace":"monitoring"}]`,
	"--set-json", `extraEnv=[{"name":"GOMEMLIMIT","value":"200MiB"}]`,
	"--set-json", `extraVolumes=[{"name":"ca","configMap":{"name":"ca"}}]`,
	"--set-json", `extraVolumeMounts=[{"name":"ca","mountPath":"/etc/ssl/certs"}]`,
	"--set-json", `tolerations=[{"key":"a","operator":"Exists"}]`,
	"--set-json", `imagePullSecrets=[{"name":"registry"}]`,
	"--set", "podLabels.a=b,podAnnotations.a=b,deploymentAnnotations.a=b,nodeSelector.a=b,priorityClassName=system-cluster-critical,serviceAccount.annotations.a=b",
	"--set", "image.digest=sha256:" + digest, "--set", "image.pullPolicy=Always", "--set", "serviceMonitor.interval=30s,serviceMonitor.labels.release=prom"}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// TestTheAPIServerTakesEverything: with all of it switched on, the API server takes each object and knows each field.
func TestTheAPIServerTakesEverything(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.monitoring()
	c.namespace(system)
	c.must(kubectl, "label", "namespace", system, "pod-security.kubernetes.io/enforce=restricted")
	c.must(kubectl, "apply", "--server-side", "-f", "../dist/install.yaml", "--dry-run=server")
	objects := template(t, everything...)
	for _, o := range objects {
		c.Expect(c.admin.Create(t.Context(), o.DeepCopy(), client.FieldValidation("Strict"))).To(Succeed(), "%s %s", o.GetKind(), o.GetName())
		c.Expect(o.GetLabels()).To(HaveKeyWithValue("team", "a"), "commonLabels: %s %s", o.GetKind(), o.GetName())
	}
	c.expectRestricted(objects)
	c.expectRestricted(template(t))
	expectSelectorsToMatch(t, objects)

	deployment := objects.Deployment(t)
	spec := deployment.Spec.Template.Spec
	c.Expect(spec.Containers[0].Image).To(Equal("ghcr.io/greenapi-operator/greenapi-operator@sha256:" + digest))
	c.Expect(spec.Containers[0].VolumeMounts).To(HaveLen(2))
	c.Expect(spec.Volumes).To(HaveLen(2))
	c.Expect(spec.TopologySpreadConstraints).To(HaveLen(2))
	c.Expect(deployment.Spec.Template.Labels).To(And(HaveKeyWithValue("a", "b"), HaveKeyWithValue("team", "a")))
	c.Expect(spec.PriorityClassName).To(Equal("system-cluster-critical"))
}

// expectRestricted has the API server take every pod in a namespace that enforces the level restricted.
func (c *cluster) expectRestricted(objects installation.Objects) {
	c.t.Helper()
	for _, o := range of(objects, "Deployment") {
		pods := installation.Decode[appsv1.Deployment](c.t, o).Spec.Template
		create := func() error {
			pod := &corev1.Pod{ObjectMeta: *pods.ObjectMeta.DeepCopy(), Spec: *pods.Spec.DeepCopy()}
			pod.Namespace, pod.Name = system, "pod"
			pod.Spec.PriorityClassName = ""
			return c.admin.Create(c.t.Context(), pod, client.DryRunAll)
		}
		c.Expect(create()).To(Succeed(), o.GetName())
		c.Expect(pods.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem).To(HaveValue(BeTrue()), o.GetName())
		pods.Spec.Containers[0].SecurityContext.Capabilities = nil
		c.Expect(create()).To(MatchError(ContainSubstring(`violates PodSecurity "restricted`)), "it is enforced")
	}
}

// expectSelectorsToMatch: what selects the manager's pods selects them and not the emulator's, and the other way round.
func expectSelectorsToMatch(t *testing.T, objects installation.Objects) {
	t.Helper()
	g := NewWithT(t)
	pods := func(suffix string) labels.Set {
		return installation.Find[appsv1.Deployment](t, objects, "Deployment", suffix).Spec.Template.Labels
	}
	managers, emulators := pods("controller-manager"), pods("emulator")
	selects := func(selector labels.Selector, what, other labels.Set) {
		g.Expect(selector.Matches(what)).To(BeTrue(), selector.String())
		g.Expect(selector.Matches(other)).To(BeFalse(), selector.String())
	}
	metrics := installation.Find[corev1.Service](t, objects, "Service", "-metrics")
	selects(labels.SelectorFromSet(metrics.Spec.Selector), managers, emulators)
	selects(labels.SelectorFromSet(installation.Find[corev1.Service](t, objects, "Service", "-emulator").Spec.Selector), emulators, managers)
	of := func(selector *metav1.LabelSelector) labels.Selector {
		found, err := metav1.LabelSelectorAsSelector(selector)
		g.Expect(err).NotTo(HaveOccurred())
		return found
	}
	budget := installation.Find[policyv1.PodDisruptionBudget](t, objects, "PodDisruptionBudget", "")
	selects(of(budget.Spec.Selector), managers, emulators)
	g.Expect(budget.Spec.MaxUnavailable.IntValue()).To(Equal(1))
	policy := installation.Find[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy", "")
	selects(of(&policy.Spec.PodSelector), managers, emulators)
	last := policy.Spec.Egress[len(policy.Spec.Egress)-1]
	selects(of(last.To[0].PodSelector), emulators, managers)
	for _, constraint := range objects.Deployment(t).Spec.Template.Spec.TopologySpreadConstraints {
		selects(of(constraint.LabelSelector), managers, emulators)
	}

	monitor := installation.Find[unstructured.Unstructured](t, objects, "ServiceMonitor", "")
	matched, _, err := unstructured.NestedStringMap(monitor.Object, "spec", "selector", "matchLabels")
	g.Expect(err).NotTo(HaveOccurred())
	emulator := installation.Find[corev1.Service](t, objects, "Service", "-emulator")
	selects(labels.SelectorFromSet(matched), metrics.Labels, emulator.Labels)
	endpoints, _, err := unstructured.NestedSlice(monitor.Object, "spec", "endpoints")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(endpoints).To(ConsistOf(And(HaveKeyWithValue("port", metrics.Spec.Ports[0].Name), HaveKeyWithValue("interval", "30s"))))
}

// TestAlertsAndDashboardAreThoseOfConfig: the chart wraps them, and changes nothing.
func TestAlertsAndDashboardAreThoseOfConfig(t *testing.T) {
	t.Parallel()
	g, objects := NewWithT(t), template(t, everything...)
	var rules map[string]any
	text, err := os.ReadFile("../config/prometheus/rules.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(yaml.Unmarshal(text, &rules)).To(Succeed())
	g.Expect(of(objects, "PrometheusRule")[0].Object["spec"]).To(Equal(rules["spec"]))
	var want, got any
	text, err = os.ReadFile("../config/grafana/dashboard.json")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(json.Unmarshal(text, &want)).To(Succeed())
	board := installation.Find[corev1.ConfigMap](t, objects, "ConfigMap", "-dashboard")
	g.Expect(json.Unmarshal([]byte(board.Data["greenapi-operator.json"]), &got)).To(Succeed())
	g.Expect(got).To(Equal(want))
	g.Expect(board.Labels).To(HaveKeyWithValue("grafana_dashboard", "1"))
	reader := installation.Find[rbacv1.ClusterRoleBinding](t, objects, "ClusterRoleBinding", "metrics-reader")
	g.Expect(reader.Subjects).To(ConsistOf(rbacv1.Subject{Kind: "ServiceAccount", Name: "prometheus", Namespace: "monitoring"}))
}

// TestEachSwitchSwitches: an object is there exactly when its switch is on.
func TestEachSwitchSwitches(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	count := func(kind string, flags ...string) int { return len(of(template(t, flags...), kind)) }
	for kind, flag := range map[string]string{
		"PodDisruptionBudget": "replicas=2", "NetworkPolicy": "networkPolicy.enabled=true", "ServiceMonitor": "serviceMonitor.enabled=true",
		"PrometheusRule": "prometheusRule.enabled=true", "ConfigMap": "grafana.dashboard.enabled=true", "Secret": "demo.enabled=true",
	} {
		g.Expect(count(kind)).To(BeZero(), kind)
		g.Expect(count(kind, "--set", flag)).To(Equal(1), kind)
	}
	g.Expect(count("PodDisruptionBudget", "--set", "replicas=2,podDisruptionBudget.enabled=false")).To(BeZero())
	for flag, kinds := range map[string][]string{
		"crds.enabled=false": {"CustomResourceDefinition"}, "metrics.enabled=false": {"Service"}, "serviceAccount.create=false": {"ServiceAccount"},
		"rbac.create=false": {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"},
	} {
		for _, kind := range kinds {
			g.Expect(count(kind)).NotTo(BeZero(), kind)
			g.Expect(count(kind, "--set", flag)).To(BeZero(), kind)
		}
	}
	var aggregated []string
	for _, role := range of(template(t, "--set", "rbac.aggregateRoles=false"), "ClusterRole") {
		for label := range role.GetLabels() {
			if strings.Contains(label, "aggregate") {
				aggregated = append(aggregated, role.GetName())
			}
		}
	}
	g.Expect(aggregated).To(BeEmpty())
	minimum := template(t, "--set", "replicas=3,podDisruptionBudget.minAvailable=0")
	g.Expect(installation.Find[policyv1.PodDisruptionBudget](t, minimum, "PodDisruptionBudget", "").Spec.MinAvailable.IntValue()).To(BeZero())
	for _, crd := range of(template(t, "--set", "crds.keep=false"), "CustomResourceDefinition") {
		g.Expect(crd.GetAnnotations()).NotTo(HaveKey("helm.sh/resource-policy"))
	}
	for _, crd := range of(template(t), "CustomResourceDefinition") {
		g.Expect(crd.GetAnnotations()).To(HaveKeyWithValue("helm.sh/resource-policy", "keep"))
	}
	long := template(t, "--set", "fullnameOverride="+strings.Repeat("x", 36))
	g.Expect(slices.MaxFunc(of(long, "Service"), func(a, b *unstructured.Unstructured) int { return len(a.GetName()) - len(b.GetName()) }).GetName()).To(HaveLen(63))
}
