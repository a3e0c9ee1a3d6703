// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/greenapi-operator/greenapi-operator/internal/installation"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// TestInstallingWithoutRightsToTheCluster: where the CRDs are, somebody who has rights in one namespace only installs an
// operator for it, which does its work there.
func TestInstallingWithoutRightsToTheCluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.must(kubectl, "apply", "--server-side", "-f", "../config/crd/bases")
	s := c.declare("shop")
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "owner"}}
	c.Expect(c.admin.Create(t.Context(), owner)).To(Succeed())
	c.Expect(c.admin.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "owner"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "shop", Name: "owner"}},
	})).To(Succeed())
	kubeconfig := testenv.Kubeconfig(t, &rest.Config{
		Host: c.config.Host, BearerToken: installation.TokenOf(t, c.admin, owner), TLSClientConfig: rest.TLSClientConfig{CAData: c.config.CAData},
	})
	flags := []string{"--namespace", "shop", "--set", "scope=namespaced", "--set", "crds.enabled=false", "--set", "rbac.userRoles=false", "--set", "metrics.enabled=false"}
	install := append([]string{"install", release, chart}, flags...)

	output, err := c.runAs(kubeconfig, helm, "install", release, chart, "--namespace", "shop", "--set", "crds.enabled=false")
	c.Expect(err).To(HaveOccurred(), "the owner of a namespace may not install for the cluster")
	c.Expect(output).To(ContainSubstring("forbidden"))
	output, err = c.runAs(kubeconfig, helm, "uninstall", release, "--namespace", "shop", "--ignore-not-found")
	c.Expect(err).NotTo(HaveOccurred(), output)

	output, err = c.runAs(kubeconfig, helm, install...)
	c.Expect(err).NotTo(HaveOccurred(), output)
	objects := template(t, flags...)
	for _, o := range objects {
		c.Expect(o.GetNamespace()).To(Equal("shop"), "%s %s", o.GetKind(), o.GetName())
	}
	s.operate(t, objects)
}
