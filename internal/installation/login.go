// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package installation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patience is how long the API server may take to know of rights; it is no part of what is tested.
const patience = 60 * time.Second

// May asks the API server whether a user has a right.
func May(t *testing.T, admin client.Client, user string, r Right) bool {
	t.Helper()
	resource, subresource, _ := strings.Cut(r.Resource, "/")
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: r.Namespace, Verb: r.Verb, Group: r.Group, Resource: resource, Subresource: subresource,
		}}}
	if err := admin.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

// Login returns how the manager's ServiceAccount connects, once the API server knows of its rights.
func (i Objects) Login(t *testing.T, cluster *rest.Config, admin client.Client) *rest.Config {
	t.Helper()
	account := Find[corev1.ServiceAccount](t, i, "ServiceAccount", "manager")
	user := fmt.Sprintf("system:serviceaccount:%s:%s", account.Namespace, account.Name)
	for _, r := range i.Rights(t) {
		gomega.NewWithT(t).Eventually(func() bool { return May(t, admin, user, r) }, patience).Should(gomega.BeTrue(), "%s", r)
	}
	return &rest.Config{
		Host: cluster.Host, BearerToken: TokenOf(t, admin, account),
		TLSClientConfig: rest.TLSClientConfig{CAData: cluster.CAData},
	}
}

// TokenOf makes a token of a ServiceAccount.
func TokenOf(t *testing.T, admin client.Client, account *corev1.ServiceAccount) string {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	account = &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: account.Namespace, Name: account.Name}}
	if err := admin.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}
