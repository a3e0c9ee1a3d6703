// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// label sets labels of the line of a kind, or takes those off that end in a hyphen, as kubectl does.
func (s *story) label(kind instance.Kind, labels ...string) {
	s.t.Helper()
	s.must(kubectl, append([]string{"-n", s.ns, "label", "--overwrite", strings.ToLower(kind.Name), "line"}, labels...)...)
}

// another wishes for one setting more.
func (s *story) another(kind instance.Kind, value string) {
	s.t.Helper()
	s.must(kubectl, "-n", s.ns, "patch", strings.ToLower(kind.Name), "line", "--type=merge", "-p", `{"spec":{"settings":{"stateWebhook":`+value+`}}}`)
}

// fromPage is the first block of a section of docs/sharding.md in which something stands.
func fromPage(t *testing.T, heading, word string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/sharding.md")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	_, section, found := strings.Cut(string(page), "\n## "+heading+"\n")
	NewWithT(t).Expect(found).To(BeTrue(), heading)
	section, _, _ = strings.Cut(section, "\n## ")
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		if strings.Contains(block[1], word) {
			return block[1]
		}
	}
	t.Fatalf("docs/sharding.md: no block with %q under %s", word, heading)
	return ""
}

// TestShardsByHand does what docs/sharding.md says: installs in both ways two operators side by side, spreads the instances,
// and has each looked after by one, with a lease each; then all of them move, without a restart.
func TestShardsByHand(t *testing.T) {
	t.Parallel()
	for name, install := range map[string]func(*cluster) []installation.Objects{
		"kustomize": func(c *cluster) []installation.Objects {
			c.must(kubectl, "apply", "--server-side", "-k", "../config/shards")
			return []installation.Objects{installation.Render(c.t, "../config/shards/a"), installation.Render(c.t, "../config/shards/b")}
		},
		"helm": func(c *cluster) (shards []installation.Objects) {
			for line := range strings.Lines(strings.ReplaceAll(fromPage(c.t, "By Helm", "helm install"), "\\\n", "")) {
				arguments := strings.Fields(line)[1:]
				for i := range arguments {
					if strings.HasPrefix(arguments[i], "oci://") {
						arguments[i] = chart
					}
				}
				c.must(helm, arguments...)
				arguments[0] = "template"
				rendered, err := runWith(c.t.Context(), nil, helm, arguments...)
				c.Expect(err).NotTo(HaveOccurred(), rendered)
				shards = append(shards, installation.Parse(c.t, []byte(rendered)))
			}
			return shards
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			shards := install(c)
			c.Expect(shards).To(HaveLen(2))
			s := c.declare("shop")
			without := fromPage(t, "The ones without a shard", "-l '!shard'")
			c.Expect(strings.Count(c.shell(without), "line")).To(Equal(3))
			c.shell(fromPage(t, "By hand", `label "$kind"`))
			c.Expect(c.shell(without)).To(ContainSubstring("No resources found"))
			a, b := c.live(shards[0]), c.live(shards[1])
			_, outputA := s.start(t, a)
			processB, outputB := s.start(t, b)
			c.Eventually(s.unready, 2*patience).Should(BeEmpty(), "%s\n%s", outputA, outputB)
			var leases coordinationv1.LeaseList
			c.Expect(c.admin.List(t.Context(), &leases)).To(Succeed())
			held := map[string]bool{}
			for _, lease := range leases.Items {
				if strings.HasSuffix(lease.Name, ".greenapi-operator.dev") {
					held[lease.Namespace+"/"+lease.Name] = true
				}
			}
			c.Expect(held).To(HaveLen(2), "one each")
			c.Expect(s.restarts()).To(Equal(3))

			c.shell(fromPage(t, "Moving instances", "--all-namespaces"))
			c.Expect(processB.Process.Kill()).To(Succeed())
			for _, kind := range instance.Kinds {
				c.Expect(s.line(kind).GetLabels()).To(HaveKeyWithValue("shard", "a"))
				s.another(kind, "true")
			}
			c.Eventually(s.unready, 2*patience).Should(BeEmpty(), "%s", outputA)
			c.Expect(s.restarts()).To(Equal(6), "one for each change")
			for _, output := range []*lockedBuffer{outputA, outputB} {
				c.Expect(output.String()).NotTo(ContainSubstring("forbidden"))
			}
		})
	}
}

// TestTheRingOfTheChart: the replicas of one release are shards, with the rights that this takes, which are those of
// config/sharding; without a ring nobody has them.
func TestTheRingOfTheChart(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	flags := []string{"--set", "manager.shardRing=greenapi,replicas=3"}
	c.Expect(c.install(chart, flags...)).To(ContainSubstring("shards of the ControllerRing greenapi"))
	rendered, kustomized := template(t, flags...), installation.Render(t, "../config/sharding")
	objects := c.live(rendered)
	c.Expect(objects.Rights(t)).To(ConsistOf(kustomized.Rights(t)), "the two ways are equal")
	of, want := objects.Deployment(t), kustomized.Deployment(t)
	c.Expect(of.Spec.Replicas).To(Equal(want.Spec.Replicas))
	c.Expect(of.Spec.Template.Spec.Containers[0].Args).To(Equal(want.Spec.Template.Spec.Containers[0].Args))
	c.Expect(installation.Find[policyv1.PodDisruptionBudget](t, objects, "PodDisruptionBudget", "").Spec.MaxUnavailable.IntValue()).To(Equal(1))
	for _, r := range installation.Render(t, "../config/default").Rights(t) {
		c.Expect(r.Verb).NotTo(Equal("patch"), "%s", r)
	}

	s, ring := c.declare("shop"), sharding.Ring{Name: "greenapi"}
	for _, kind := range instance.Kinds {
		s.label(kind, ring.ShardLabel()+"=pod-1")
	}
	outputs := map[string]*lockedBuffer{}
	for _, pod := range []string{"pod-1", "pod-2"} {
		// The pod's name would be the host's.
		_, outputs[pod] = s.start(t, objects, "--shard-name="+pod)
	}
	c.Eventually(s.unready, 2*patience).Should(BeEmpty(), "%s", outputs["pod-1"])
	for _, kind := range instance.Kinds {
		s.label(kind, ring.DrainLabel()+"=true")
		var line v1alpha1.Instance
		c.Eventually(func() map[string]string { line = s.line(kind); return line.GetLabels() }, patience).Should(BeEmpty(), "%s", outputs["pod-1"])
		s.label(kind, ring.ShardLabel()+"=pod-2")
		s.another(kind, "true")
	}
	c.Eventually(s.unready, 2*patience).Should(BeEmpty(), "%s", outputs["pod-2"])
	c.Expect(s.restarts()).To(Equal(2*len(instance.Kinds)), "one for each change")
	for pod, output := range outputs {
		c.Expect(output.String()).NotTo(ContainSubstring("forbidden"), pod)
		lease := &coordinationv1.Lease{}
		c.Expect(c.admin.Get(t.Context(), client.ObjectKey{Namespace: system, Name: pod}, lease)).To(Succeed())
		c.Expect(lease.Spec.HolderIdentity).To(HaveValue(Equal(pod)))
		c.Expect(lease.Labels).To(HaveKeyWithValue(sharding.RingLabel, "greenapi"))
	}
}

// TestTheSharderHasTheRightsThatItNeeds: those of config/sharding/ring.yaml, to the kinds that the ring is about.
func TestTheSharderHasTheRightsThatItNeeds(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	text, err := os.ReadFile("../config/sharding/ring.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	objects := installation.Parse(t, text)
	ring := of(objects, "ControllerRing")[0]
	var resources []string
	for _, resource := range ring.Object["spec"].(map[string]any)["resources"].([]any) {
		g.Expect(resource).To(HaveKeyWithValue("group", v1alpha1.GroupVersion.Group))
		resources = append(resources, fmt.Sprint(resource.(map[string]any)["resource"]))
	}
	g.Expect(resources).To(HaveLen(len(instance.Kinds)))
	rules := installation.Find[rbacv1.ClusterRole](t, objects, "ClusterRole", ring.GetName()).Rules
	g.Expect(rules).To(HaveLen(1))
	g.Expect(rules[0].Resources).To(ConsistOf(resources))
	g.Expect(rules[0].Verbs).To(ConsistOf("list", "patch"))
	g.Expect(installation.Render(t, "../config/sharding").Deployment(t).Spec.Template.Spec.Containers[0].Args).To(ContainElement("--shard-ring=" + ring.GetName()))
}
