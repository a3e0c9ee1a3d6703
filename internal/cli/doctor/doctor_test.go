// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// today is the time of these tests.
var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// healthy is a manager that leads.
func healthy() []client.Object {
	manager := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "manager", Labels: map[string]string{managerflags.Label: managerflags.Name}}}
	manager.Status.AvailableReplicas = 1
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "manager" + leaseSuffix}}
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = new("manager-0"), new(int32(10)), new(metav1.NewMicroTime(today))
	return []client.Object{manager, lease}
}

// line is a resource that everything is fine with, and its Secret.
func line(namespace, name string, id int64) (*v1alpha1.WhatsAppInstance, client.Object) {
	resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	resource.Spec.IDInstance, resource.Spec.APITokenSecretRef.Name = id, name
	for _, condition := range []string{v1alpha1.ReadyCondition, v1alpha1.AvailableCondition, v1alpha1.CredentialsValidCondition} {
		resource.Status.Conditions = append(resource.Status.Conditions, metav1.Condition{Type: condition, Status: metav1.ConditionTrue})
	}
	return resource, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data: map[string][]byte{v1alpha1.DefaultAPITokenKey: []byte("0123456789abcdef0123456789abcdef")}}
}

// fakeCluster holds objects. It has a scheme of its own: a fake client registers kinds that it is asked for in the one it was
// given, under a lock of its own, which tests that run side by side do not share.
func fakeCluster(objects []client.Object) client.Client {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

// requestFor examines objects and resources; may says which namespaces the caller may look at.
func requestFor(objects []client.Object, may func(namespace string) bool, resources ...v1alpha1.Instance) Request {
	return Request{
		Cluster: fakeCluster(objects),
		ListKind: func(_ context.Context, kind instance.Kind, namespace string) ([]v1alpha1.Instance, error) {
			if !may(namespace) {
				return nil, apierrors.NewForbidden(schema.GroupResource{Resource: kind.Plural}, "", nil)
			}
			var found []v1alpha1.Instance
			for _, resource := range resources {
				if instance.KindOf(resource).Name == kind.Name && (namespace == "" || resource.GetNamespace() == namespace) {
					found = append(found, resource)
				}
			}
			return found, nil
		},
		Current: func() (string, error) { return "shop", nil },
		Now:     today,
	}
}

func everywhere(string) bool { return true }

// verdicts are those of a report by the names of its checks.
func verdicts(report Report) map[string]Verdict {
	all := map[string]Verdict{}
	for _, check := range report.Checks {
		all[check.Name] = check.Verdict
	}
	return all
}

func TestAHealthyOperatorAndWhatDisturbsIt(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	one, token := line("shop", "one", 1)
	fine, err := Examine(t.Context(), requestFor(append(healthy(), token), everywhere, one))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(fine.Scope).To(Equal("Instances of all namespaces: 1."))
	want := map[string]Verdict{"CRDs": Problem, "Manager": OK, "Leader": OK, "Secrets": OK, "Hosts": OK, "Duplicates": OK,
		"Looked after": OK, "Stalled": OK, "Messengers": OK}
	g.Expect(verdicts(fine)).To(Equal(want), "there are no CRDs in this cluster, and all else is fine")
	g.Expect(fine.Summary).To(Equal("Of 9 checks: 1 problem."))

	twin, _ := line("office", "twin", 1)
	disturbed, err := Examine(t.Context(), requestFor(append(healthy()[1:], token), everywhere, one, twin))
	g.Expect(err).NotTo(HaveOccurred())
	want["Secrets"], want["Duplicates"] = Problem, Problem
	g.Expect(verdicts(disturbed)).To(Equal(want), "the lease tells of a manager outside the cluster")
	g.Expect(disturbed.Count(Problem)).To(Equal(3))
}

func TestWhereTheCallerMayNotLookEverywhereTheCurrentNamespaceIsLookedAt(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	one, token := line("shop", "one", 1)
	other, _ := line("office", "other", 2)
	request := requestFor(append(healthy(), token), func(namespace string) bool { return namespace == "shop" }, one, other)
	report, err := Examine(t.Context(), request)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(report.Scope).To(Equal("Instances of namespace shop: 1. You may not look at other namespaces; -n names another one."))
	g.Expect(verdicts(report)).To(HaveKeyWithValue("Looked after", OK))

	request.All = true
	report, err = Examine(t.Context(), request)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(report.Scope).To(Equal("Instances of all namespaces: 0."))
	for _, name := range []string{"Secrets", "Hosts", "Duplicates", "Looked after", "Stalled", "Messengers"} {
		g.Expect(verdicts(report)).To(HaveKeyWithValue(name, Skipped))
	}
}

func TestASummaryCountsWhatIsNotFine(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	checks := func(verdicts ...Verdict) Report {
		var report Report
		for _, verdict := range verdicts {
			report.Checks = append(report.Checks, Check{Verdict: verdict})
		}
		return report
	}
	g.Expect(checks(OK, OK).summarize()).To(Equal("All 2 checks are fine."))
	g.Expect(checks(OK, Warning, Problem, Problem, Skipped).summarize()).To(Equal("Of 5 checks: 2 problems, 1 warning, 1 not looked at."))
}
