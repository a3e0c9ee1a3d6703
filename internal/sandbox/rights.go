// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// ManagerUser is the name that the manager has at the API server.
const ManagerUser = "greenapi-operator"

// RoleNamespace is the namespace that the Role for leader election stands in, before kustomize gives it another name.
const RoleNamespace = "system"

// InstallCRDs puts the CRDs of the checkout into the control plane as they are.
func (p *ControlPlane) InstallCRDs(c Checkout) error {
	options := envtest.CRDInstallOptions{Paths: []string{c.Config("crd", "bases")}, ErrorIfPathMissing: true, MaxTime: StartTime}
	_, err := envtest.InstallCRDs(p.Config, options)
	return err
}

// Kubeconfig is the text of one that has all rights.
func (p *ControlPlane) Kubeconfig() []byte { return p.environment.KubeConfig }

// PartnerRoles are the files of config/rbac with what a manager may do beside its usual rights where it looks after partner accounts.
func PartnerRoles() []string {
	return []string{"partner/partner_role.yaml", "partner/partner_claims_role.yaml", "partner/partner_secrets_role.yaml"}
}

// Grant applies the roles of config/rbac as they are, and those of more files there, and binds them to a user. Roles that are there stay.
func (c Checkout) Grant(ctx context.Context, admin client.Client, user string, more ...string) error {
	objects := []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: RoleNamespace}}}
	for _, file := range append([]string{"role.yaml", "leader_election_role.yaml"}, more...) {
		roles, err := ReadManifests(admin.Scheme(), c.Config("rbac", file))
		if err != nil {
			return err
		}
		objects = append(objects, roles...)
	}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	for _, object := range objects {
		meta := metav1.ObjectMeta{Name: user + "-" + object.GetName(), Namespace: object.GetNamespace()}
		ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Name: object.GetName()}
		switch object.(type) {
		case *rbacv1.ClusterRole:
			ref.Kind = "ClusterRole"
			objects = append(objects, &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects})
		case *rbacv1.Role:
			ref.Kind = "Role"
			objects = append(objects, &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects})
		}
	}
	for _, object := range objects {
		if err := admin.Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("cannot create %s: %w", object.GetName(), err)
		}
	}
	return nil
}
