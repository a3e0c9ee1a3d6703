// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/doctor"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
	"github.com/greenapi-operator/greenapi-operator/internal/testenv"
)

// manager makes a Deployment like that of the operator, with some available replicas.
func (d *desk) manager(available int32, arguments ...string) *appsv1.Deployment {
	d.t.Helper()
	labels := map[string]string{managerflags.Label: managerflags.Name}
	manager := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "controller-manager", Labels: labels}}
	manager.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	manager.Spec.Template.Labels = labels
	manager.Spec.Template.Spec.Containers = []corev1.Container{{Name: "manager", Image: "controller:latest", Args: append([]string{"--leader-elect"}, arguments...)}}
	d.Expect(admin.Create(d.ctx, manager)).To(Succeed())
	manager.Status.Replicas, manager.Status.ReadyReplicas, manager.Status.AvailableReplicas = available, available, available
	d.Expect(admin.Status().Update(d.ctx, manager)).To(Succeed())
	return manager
}

// lease makes the lease of a manager that was renewed at a time.
func (d *desk) lease(renewed time.Time, name ...string) *coordinationv1.Lease {
	d.t.Helper()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: append(name, "manager.greenapi-operator.dev")[0]}}
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = new("manager-0"), new(int32(10)), new(metav1.NewMicroTime(renewed))
	d.Expect(admin.Create(d.ctx, lease)).To(Succeed())
	return lease
}

// tidy removes what other tests of doctor would see, as doctor looks for managers in all namespaces.
func (d *desk) tidy(objects ...client.Object) {
	d.t.Helper()
	for _, object := range objects {
		d.Expect(admin.Delete(d.ctx, object)).To(Succeed())
	}
}

// TestDoctorFindsWhatIsToBeMended runs alone: what it makes is for a whole cluster.
//
//nolint:paralleltest // see above
func TestDoctorFindsWhatIsToBeMended(t *testing.T) {
	d := newDesk(t)
	good := d.craft("good", 1, written)
	now := later(good, 2*time.Hour)

	empty := d.run(now, "doctor")
	d.Expect(empty.code).To(Equal(exitNo))
	d.Expect(empty.out).To(MatchRegexp(`(?m)^PROBLEM  Manager: no Deployment with the label `))
	d.Expect(empty.out).To(MatchRegexp(`(?m)^warning  Leader: no lease `))

	manager, lease := d.manager(1), d.lease(now.Now())
	fine := d.run(now, "doctor")
	d.Expect(fine.code).To(Equal(exitDone), fine.out)
	golden(t, "doctor-fine", d.named(fine.out))

	d.craft("bad", 2, flapping)
	d.line("twin", 1, func(i *v1alpha1.WhatsAppInstance) { i.Spec.APIURL = "https://api.green-api.com" })
	d.line("lost", 3, func(i *v1alpha1.WhatsAppInstance) {
		i.Spec.APIURL = vendorURL
		i.Spec.APITokenSecretRef.Name = "nowhere"
		i.Spec.Settings = &v1alpha1.WhatsAppSettings{}
		i.Spec.Settings.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: "lost-token"}
	})
	d.line("elsewhere", 4, func(i *v1alpha1.WhatsAppInstance) { i.Spec.APIURL = "https://api.example.org" })
	d.craft("unanswered", 5, func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		set(s, at(time.Hour), v1alpha1.ReadyCondition, metav1.ConditionUnknown, v1alpha1.ReasonObservationStale, "The vendor has not answered for some time")
		set(s, at(time.Hour), v1alpha1.AvailableCondition, metav1.ConditionFalse, v1alpha1.ReasonStarting, "The instance is starting")
	})
	d.craft("suspended", 6, func(s *v1alpha1.InstanceStatus, at func(time.Duration) metav1.Time) {
		set(s, at(time.Hour), v1alpha1.AvailableCondition, metav1.ConditionFalse, v1alpha1.ReasonSuspended, "The messenger restricts the account for a time")
	})
	d.Expect(admin.Update(d.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "unanswered-token"},
		Data: map[string][]byte{"apiTokenInstance": []byte("not a token")}})).To(Succeed())
	bad := d.run(now, "doctor")
	d.Expect(bad.code).To(Equal(exitNo))
	d.Expect(bad.err).To(BeEmpty())
	golden(t, "doctor-bad", d.named(bad.out))

	// The flags of the manager count, and a manager that is down.
	d.tidy(manager)
	manager = d.manager(0, "--allowed-api-hosts=api.example.org,*.api.greenapi.com,api.green-api.com")
	flags := d.run(now, "doctor")
	d.Expect(flags.out).To(MatchRegexp(`(?m)^ok       Hosts: every apiUrl is in use already, or allowed by the manager's flags$`))
	d.Expect(flags.out).To(MatchRegexp(`(?m)^PROBLEM  Manager: not available\n +Deployment ` + d.ns + `/controller-manager has no available replica\. See why: kubectl `))

	// So do its namespaces and labels, of instances that were looked at in earlier days too.
	for _, arguments := range []string{"--watch-namespaces=a,b", "--watch-label-selector=shard=1", "--shard-ring=r"} {
		d.tidy(manager)
		manager = d.manager(1, arguments)
		printed := d.run(now, "doctor").out
		d.Expect(printed).To(ContainSubstring("\n           7 instances are watched by no manager that was found: wai "+d.ns+"/bad, "), arguments)
		d.Expect(printed).NotTo(ContainSubstring("Is the manager running"), arguments)
	}
	// A namespace that the manager may not watch is named, and with its rights in one it is not (R42).
	d.tidy(manager)
	manager = d.manager(1, "--watch-namespaces=a,"+d.ns)
	d.Expect(d.run(now, "doctor").out).To(MatchRegexp(`(?m)^PROBLEM  Rights: namespaces that the manager cannot watch: 2\n +a: Deployment ` + d.ns + `/controller-manager may not list whatsappinstances there\n +` + d.ns + `: Deployment `))
	watching := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "watching"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"list", "watch"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list", "watch"}},
	}}
	bound := &rbacv1.RoleBinding{ObjectMeta: watching.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: watching.Name},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: d.ns, Name: "default"}}}
	d.Expect(admin.Create(d.ctx, watching)).To(Succeed())
	d.Expect(admin.Create(d.ctx, bound)).To(Succeed())
	d.Eventually(func() string { return d.run(now, "doctor").out }, 10*time.Second).Should(MatchRegexp(`(?m)^PROBLEM  Rights: namespaces that the manager cannot watch: 1\n +a: `))
	d.tidy(watching, bound, manager)
	manager = d.manager(1, "--shard-ring=r")

	// In a ring what the sharder assigned is watched, and each shard has a lease.
	good.SetLabels(map[string]string{sharding.Ring{Name: "r"}.ShardLabel(): "pod-1"})
	d.Expect(admin.Update(d.ctx, good)).To(Succeed())
	ofShard := d.lease(now.Now(), "pod-1")
	ofShard.Labels = map[string]string{sharding.RingLabel: "r"}
	d.Expect(admin.Update(d.ctx, ofShard)).To(Succeed())
	ring := d.run(now, "doctor").out
	d.Expect(ring).To(ContainSubstring("\n           6 instances are watched by no manager that was found: wai " + d.ns + "/bad, "))
	d.Expect(ring).To(ContainSubstring("manager-0 holds " + d.ns + "/pod-1"))
	d.tidy(ofShard)
	d.tidy(manager)
	manager = d.manager(1, "--secret-label-selector", "team=shop", "--watch-namespaces", "a,"+d.ns)
	strict := d.run(now, "doctor").out
	d.Expect(strict).To(ContainSubstring("/good: Secret good-token has not the labels that the manager's --secret-label-selector wants: team=shop. Label it so\n"))
	d.Expect(strict).To(ContainSubstring("\n           Is the manager running, does it watch"))

	// A lease that ran out a little may be a matter of clocks, one of long ago is not.
	for after, want := range map[time.Duration]string{9 * time.Second: "ok       Leader: manager-0 holds", 20 * time.Second: "warning  Leader: ", 2 * time.Minute: "PROBLEM  Leader: nobody leads"} {
		at := clocktesting.NewFakeClock(now.Now().Add(after))
		d.Expect(d.run(at, "doctor").out).To(ContainSubstring("\n"+want), after.String())
	}
	// Edited, and nobody looked.
	good.Spec.StateInterval = &metav1.Duration{Duration: time.Hour}
	d.Expect(admin.Update(d.ctx, good)).To(Succeed())
	d.Expect(d.run(now, "doctor").out).To(ContainSubstring("\n           Edited more than a minute ago, and not looked at since (1): wai " + d.ns + "/good\n"))
	d.Expect(d.run(now, "status", "good").out).To(ContainSubstring("\nWaiting: the latest edit of the manifest was not compared"))

	d.tidy(manager)
	outside := d.run(now, "doctor")
	d.Expect(outside.out).To(ContainSubstring("\nok       Manager: runs outside this cluster"))
	d.tidy(lease)
}

// TestDoctorSeesThatNoManagerWatchesAnInstance runs alone: what it makes is for a whole cluster.
//
//nolint:paralleltest // see above
func TestDoctorSeesThatNoManagerWatchesAnInstance(t *testing.T) {
	d := newDesk(t)
	good := d.craft("good", 1, written)
	now := later(good, 2*time.Hour)
	lease := d.lease(now.Now())
	manager := d.manager(1, "--watch-namespaces=shop")
	unwatched := d.run(now, "doctor")
	d.Expect(unwatched.code).To(Equal(exitNo), unwatched.out)
	golden(t, "doctor-unwatched", d.named(unwatched.out))

	// Whoever sees the lease of a manager that was not found hears that there may be others.
	foreign := lease.DeepCopy()
	foreign.ObjectMeta = metav1.ObjectMeta{Namespace: "default", Name: "other.greenapi-operator.dev"}
	d.Expect(admin.Create(d.ctx, foreign)).To(Succeed())
	d.Expect(d.run(now, "doctor").out).To(ContainSubstring("\nwarning  Looked after: perhaps nobody looks after some\n"))
	d.tidy(foreign)

	// One manager that watches is enough, and flags that cannot be read accuse nobody.
	for _, arguments := range []string{"--watch-namespaces=shop, " + d.ns, "--watch-namespaces=$(NAMESPACES)", "--watch-label-selector=$(LABELS)"} {
		d.tidy(manager)
		manager = d.manager(1, arguments)
		d.Expect(d.run(now, "doctor").out).To(ContainSubstring("\nok       Looked after: every instance was looked at (1)\n"), arguments)
	}

	// Whoever may not list all managers hears too that there may be others.
	d.tidy(manager)
	manager = d.manager(1, "--watch-namespaces=shop")
	d.asUser("viewer", viewer, rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"list"}})
	perhaps := d.run(now, "doctor")
	d.Expect(perhaps.code).To(Equal(exitDone), perhaps.out)
	d.Expect(perhaps.out).To(ContainSubstring("\nwarning  Looked after: perhaps nobody looks after some\n           1 instance is watched by no manager that was found: wai " + d.ns + "/good\n           If a manager "))
	d.tidy(manager, lease)
}

func TestDoctorAsJSON(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.craft("bad", 1, flapping)
	printed := d.kubectl("doctor", "-o", "json")
	d.Expect(printed.code).To(Equal(exitNo))
	var found struct {
		Checks []struct {
			Name, Verdict, Message string
			Details                []string
		}
		Summary string
	}
	d.Expect(json.Unmarshal([]byte(printed.out), &found)).To(Succeed())
	d.Expect(found.Checks).To(HaveLen(9))
	d.Expect(found.Checks[7].Name).To(Equal("Stalled"))
	d.Expect(found.Checks[7].Verdict).To(Equal("problem"))
	d.Expect(found.Checks[7].Details[0]).To(Equal("DriftFlapping (1): wai " + d.ns + "/bad"))
	d.Expect(found.Summary).To(HavePrefix("Of 9 checks: "))
	d.Expect(d.kubectl("doctor", "-o", "wide").code).To(Equal(exitFailed))
	d.Expect(d.kubectl("doctor", "nobody").code).To(Equal(exitFailed))
}

func TestDoctorLooksAtWhatItsCallerMay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := d.craft("good", 1, written)
	d.asUser("viewer", viewer)
	few := d.run(later(good, time.Hour), "doctor")
	d.Expect(few.code).To(Equal(exitDone), few.out+few.err)
	golden(t, "doctor-few-rights", d.named(few.out))

	// Without -n it falls back to the current namespace, and says so; -A insists.
	d.Expect(d.inCurrent("doctor").out).To(HavePrefix("Instances of namespace " + d.ns + ": 1. You may not look at other namespaces; -n names another one.\n"))
	d.Expect(d.inCurrent("doctor", "-A").out).To(ContainSubstring("Stalled: not looked at: you may not list instances"))

	d.asUser("keeper", viewer, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"good-token"}, Verbs: []string{"get"}})
	d.line("other", 2, nil)
	d.Expect(d.kubectl("doctor").out).To(ContainSubstring("Secrets: all 1 values that instances refer to are there (you may not get 1 others)"))

	d.asUser("nobody")
	none := d.kubectl("doctor")
	d.Expect(none.code).To(Equal(exitFailed))
	d.Expect(none.err).To(Equal("error: You may look at nothing here\n  Ask whoever runs the cluster for the role view in a namespace, and name it by -n\n"))
	d.Expect(none.out).To(ContainSubstring("- "))
}

// inCurrent runs the real kubectl with the desk's namespace as the current one of the kubeconfig.
func (d *desk) inCurrent(arguments ...string) result {
	d.t.Helper()
	text, err := os.ReadFile(d.kubeconfig)
	d.Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(d.t.TempDir(), "current")
	d.Expect(os.WriteFile(path, text, 0o600)).To(Succeed())
	before := d.kubeconfig
	defer func() { d.kubeconfig = before }()
	d.kubeconfig = path
	set := d.command()
	set.Args = []string{kubectl, "config", "set-context", "--current", "--namespace", d.ns}
	output, err := set.CombinedOutput()
	d.Expect(err).NotTo(HaveOccurred(), string(output))
	return d.plainly(arguments...)
}

func TestDoctorOfARunningOperatorIsContentWithTheInstances(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.operate()
	d.line("live", 1, nil)
	d.ready("live")
	printed := d.run(clock.RealClock{}, "doctor")
	for _, want := range []string{"CRDs: installed, and those of this version", "Secrets: all 1 values", "Hosts: every apiUrl", "Looked after: every instance was looked at (1)",
		"Stalled: none waits for a person", "Messengers: every account that was looked at works"} {
		d.Expect(printed.out).To(ContainSubstring("\nok       " + want))
	}
}

func TestWithoutCRDs(t *testing.T) {
	t.Parallel()
	bare := &envtest.Environment{}
	_, stop, err := testenv.Start(bare)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	for _, part := range []struct {
		name string
		test func(*desk)
	}{
		{"diff explains itself and still compares files", diffWithoutCRDs},
		{"every verb says how to install them", verbsWithoutCRDs},
		{"doctor says what is missing or of another version", func(d *desk) { doctorWithoutCRDs(d, bare.Config) }},
	} {
		t.Run(part.name, func(t *testing.T) {
			d := newDesk(t)
			d.kubeconfig = d.file("kubeconfig", string(bare.KubeConfig))
			part.test(d)
		})
	}
}

func verbsWithoutCRDs(d *desk) {
	for _, arguments := range [][]string{{"status"}, {"status", "one"}, {"status", "-A", "-w"}, {"events", "one"}} {
		refused := d.kubectl(arguments...)
		d.Expect(refused.code).To(Equal(exitFailed))
		d.Expect(refused.err).To(Equal("error: This cluster does not know the operator's resources: their CRDs are not installed\n" +
			"  Install them" + doctor.HowToInstallCRDs() + "\n"))
	}
}

// doctorWithoutCRDs leaves some of them behind.
func doctorWithoutCRDs(d *desk, bare *rest.Config) {
	sick := d.kubectl("doctor")
	d.Expect(sick.code).To(Equal(exitNo))
	d.Expect(sick.err).To(BeEmpty())
	golden(d.t, "doctor-no-crds", d.named(sick.out))

	// Only some of the kinds.
	some, err := doctor.CRDs()
	d.Expect(err).NotTo(HaveOccurred())
	some = slices.DeleteFunc(some, func(one apiextensionsv1.CustomResourceDefinition) bool {
		return slices.Contains([]string{"MaxInstance", "TelegramInstance"}, one.Spec.Names.Kind)
	})
	_, err = envtest.InstallCRDs(bare, envtest.CRDInstallOptions{CRDs: addresses(some)})
	d.Expect(err).NotTo(HaveOccurred())
	partly := d.kubectl("doctor").out
	d.Expect(partly).To(ContainSubstring("           MaxInstance is not installed\n           TelegramInstance is not installed\n"))
	d.Expect(partly).To(ContainSubstring("\nok       Stalled: none waits"))

	// Those of another version: one lacks a field, one has another text.
	wanted, err := doctor.CRDs()
	d.Expect(err).NotTo(HaveOccurred())
	wanted = slices.DeleteFunc(wanted, func(one apiextensionsv1.CustomResourceDefinition) bool {
		return slices.Contains([]string{"PartnerAccount", "InstanceClaim"}, one.Spec.Names.Kind)
	})
	root := wanted[0].Spec.Versions[0].Schema.OpenAPIV3Schema
	spec := root.Properties["spec"]
	delete(spec.Properties, "paused")
	root.Properties["spec"] = spec
	wanted[1].Spec.Versions[0].Schema.OpenAPIV3Schema.Description = "Another text"
	_, err = envtest.InstallCRDs(bare, envtest.CRDInstallOptions{CRDs: addresses(wanted[:2])})
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(d.kubectl("doctor").out).To(ContainSubstring("\nPROBLEM  CRDs: not those of this version\n" +
		"           MaxInstance is older than this program: it has no spec.paused\n" +
		"           TelegramInstance is of another version than this program\n           Install those of this version" + doctor.HowToInstallCRDs() + "\n"))
}

func addresses(crds []apiextensionsv1.CustomResourceDefinition) []*apiextensionsv1.CustomResourceDefinition {
	var all []*apiextensionsv1.CustomResourceDefinition
	for i := range crds {
		all = append(all, &crds[i])
	}
	return all
}

func TestWithoutAClusterTheErrorSaysSo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	d.Expect(os.WriteFile(d.kubeconfig, []byte(`{apiVersion: v1, kind: Config, current-context: c,
contexts: [{name: c, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}], users: [{name: u, user: {}}]}`), 0o600)).To(Succeed())
	for _, verb := range []string{"status", "doctor"} {
		refused := d.kubectl(verb)
		d.Expect(refused.code).To(Equal(exitFailed))
		d.Expect(refused.out).To(BeEmpty())
		d.Expect(refused.err).To(ContainSubstring("the cluster does not answer\n  See whether the cluster is up"))
	}
}
