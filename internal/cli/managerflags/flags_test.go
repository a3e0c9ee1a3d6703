// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package managerflags

import (
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// managerOf is the Deployment of a manager.
func managerOf(containers ...corev1.Container) appsv1.Deployment {
	var manager appsv1.Deployment
	manager.Spec.Template.Spec.Containers = containers
	return manager
}

func TestFlagsAreThoseOfTheManagersContainer(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	manager := corev1.Container{Name: "manager", Command: []string{"/manager"}, Args: []string{"--unknown", "--watch-namespaces=a, b", "--api-proxy", "http://proxy:8080", "--fleet-label=example.com/fleet"}}
	other := corev1.Container{Name: "sidecar", Args: []string{"--watch-namespaces=c"}}
	for _, deployment := range []appsv1.Deployment{managerOf(other, manager), managerOf(manager, other), managerOf(manager)} {
		flags := Of(deployment)
		g.Expect(flags.WatchNamespaces).To(Equal([]string{"a", "b"}))
		g.Expect(flags.FleetLabel).To(Equal("example.com/fleet"))
		g.Expect(flags.APIProxy).To(Equal("http://proxy:8080"))
		g.Expect(flags.DefaultAPIURL).To(Equal(Defaults().DefaultAPIURL))
	}
	g.Expect(Of(managerOf(other, corev1.Container{Name: "another"}))).To(Equal(Defaults()), "which of them is the manager is not known")
}

func TestWhatCannotBeReadExcludesNothing(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	flags := Of(managerOf(corev1.Container{Args: []string{"--watch-namespaces=$(NAMESPACES)", "--watch-label-selector=$(LABELS)"}}))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}
	g.Expect(flags.Watches(secret)).To(BeTrue())
	flags.WatchLabelSelector = "team=shop"
	g.Expect(flags.Watches(secret)).To(BeFalse())
	g.Expect(Flags{ShardRing: "r"}.Watches(secret)).To(BeFalse(), "nobody assigned it to a shard")
}
