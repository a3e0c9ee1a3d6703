// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package claims_test

import (
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

const (
	modelInstances = 3
	modelCreates   = 4
)

// model plays a random history of claims, crashes and a vendor that loses answers.
type model struct {
	*world
	t *rapid.T
	// seen are the entries of the ledger that were judged.
	seen int
	// byHand are the instances that a person deleted in the console.
	byHand map[int64]bool
}

func (m *model) names() []string { return []string{"a", "b", "c", "d"} }

func (m *model) exists(name string) (*v1alpha1.InstanceClaim, bool) {
	claim := &v1alpha1.InstanceClaim{}
	err := m.cluster.Get(m.ctx, m.claimKey(name), claim)
	return claim, err == nil
}

// act does one thing at random.
func (m *model) act() {
	t := m.t
	name := rapid.SampledFrom(m.names()).Draw(t, "name")
	claim, there := m.exists(name)
	switch what := rapid.SampledFrom([]string{"claim", "claim", "delete", "anew", "crash", "crash", "freeze", "lost", "refused", "never arrives", "odd list", "honest list", "fails", "restart", "ask", "remove", "edit account", "lose secret", "rival", "end rival", "account anew"}).Draw(t, "what"); what {
	case "claim":
		if !there {
			policy := rapid.SampledFrom([]v1alpha1.DeletionPolicy{"", v1alpha1.DeletionDelete}).Draw(t, "policy")
			m.claim(name, func(c *v1alpha1.InstanceClaim) { c.Spec.DeletionPolicy = policy })
		}
	case "delete":
		if there && claim.DeletionTimestamp.IsZero() {
			m.delete(m.claimKey(name))
		}
	case "anew":
		// A restore, or a prune and a sync of GitOps: another object, without status.
		if there && claim.DeletionTimestamp.IsZero() && len(claim.Finalizers) == 0 {
			m.delete(m.claimKey(name))
			m.claim(name, func(c *v1alpha1.InstanceClaim) { c.Spec.DeletionPolicy = claim.Spec.DeletionPolicy })
		}
	case "crash":
		m.at(rapid.IntRange(0, 12).Draw(t, "request"), rapid.SampledFrom([]string{"before", "after"}).Draw(t, "when"), func() { panic(crash{}) })
	case "freeze":
		m.freeze(rapid.IntRange(0, 8).Draw(t, "request"), time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes"))*time.Minute)
	case "lost", "never arrives", "refused":
		fault := emulator.Fault{Method: rapid.SampledFrom([]string{greenapi.MethodCreateInstance, greenapi.MethodDeleteInstanceAccount}).Draw(t, "method")}
		fault.Drop, fault.AfterEffect = what != "refused", what == "lost"
		if what == "refused" {
			fault.Status = 429
		}
		if what == "lost" && fault.Method == greenapi.MethodCreateInstance {
			fault.Partner = &emulator.PartnerBehavior{Late: time.Duration(rapid.IntRange(0, 25).Draw(t, "late")) * time.Minute}
		}
		m.vendor.Fault(fault)
	case "odd list":
		if len(m.account().Status.KnownIDs) == 0 {
			// Whatever the first list shows is what the account is known by.
			return
		}
		m.vendor.Fault(emulator.Fault{Method: greenapi.MethodGetInstances, Times: rapid.IntRange(1, 8).Draw(t, "times"),
			Partner: &emulator.PartnerBehavior{List: rapid.SampledFrom([]string{emulator.ListEmpty, emulator.ListForeign}).Draw(t, "list")}})
	case "honest list":
		m.vendor.ClearFaults()
	case "fails":
		m.vendor.Fault(emulator.Fault{Method: greenapi.MethodGetInstances, Status: rapid.SampledFrom([]int{500, 429, 502}).Draw(t, "status"), Times: rapid.IntRange(1, 5).Draw(t, "times")})
	case "restart":
		m.restart()
	case "ask":
		if there && claim.DeletionTimestamp.IsZero() {
			m.edit(m.claimKey(name), func(c *v1alpha1.InstanceClaim) {
				c.Annotations = map[string]string{v1alpha1.ReconcileRequestedAtAnnotation: m.clock.Now().String()}
			})
		}
	case "account anew":
		for _, create := range m.account().Status.Creates {
			if !m.known(create.ClaimUID) {
				// Nobody but the account knows of this call.
				return
			}
		}
		// Without what it was known by it believes the first list, whatever that is.
		m.vendor.ClearFaults()
		m.op = nil
		m.accountAnew(nil)
		m.forward(time.Second)
	case "edit account":
		m.editAccount(func(*v1alpha1.PartnerAccount) {})
	case "lose secret":
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: name + v1alpha1.ClaimSecretSuffix}}
		if m.cluster.Delete(m.ctx, secret) == nil && there {
			m.wake("claim", m.claimKey(name))
		}
	case "rival":
		// Another claim asks for the same name.
		if _, also := m.exists("rival-" + name); !also {
			m.claim("rival-"+name, func(c *v1alpha1.InstanceClaim) { c.Spec.InstanceName = "prod-eu/shop/" + name })
		}
	case "end rival":
		if rival, also := m.exists("rival-" + name); also && rival.DeletionTimestamp.IsZero() {
			m.delete(m.claimKey(rival.Name))
			m.wakeAll()
		}
	case "remove":
		// Somebody deletes a line in the console, which no claim waits for.
		if there && claim.Status.IDInstance != 0 && rapid.IntRange(0, 3).Draw(t, "really") == 0 {
			m.byHand[claim.Status.IDInstance] = true
			vendor := greenapi.New(greenapi.Options{Timeout: callTimeout, AllowedHosts: []string{"127.0.0.1"}, Insecure: true, UserAgent: "a person"})
			origin, err := greenapi.ParseOrigin(m.url)
			m.Expect(err).NotTo(HaveOccurred())
			api, err := vendor.Partner(greenapi.PartnerTarget{Origin: origin, Token: m.token})
			m.Expect(err).NotTo(HaveOccurred())
			_, _ = api.Delete(m.ctx, claim.Status.IDInstance, greenapi.NewPermit(callTimeout))
		}
	}
}

// known reports whether a claim is there.
func (m *model) known(uid types.UID) bool {
	list := &v1alpha1.InstanceClaimList{}
	m.Expect(m.cluster.List(m.ctx, list)).To(Succeed())
	return slices.ContainsFunc(list.Items, func(c v1alpha1.InstanceClaim) bool { return c.UID == uid })
}

// at does something before or after one of the next requests to the API server.
func (m *model) at(request int, when string, do func()) {
	m.op = func(now, _ string, _ client.Object) {
		if now != when {
			return
		}
		if request--; request < 0 {
			m.op = nil
			do()
		}
	}
}

// freeze stops the leader before one of its next requests. Another process leads meanwhile; then the first wakes up, and goes on in
// the middle of what it did.
func (m *model) freeze(request int, d time.Duration) {
	m.at(request, "before", func() {
		run, due := m.run, m.due
		m.restart()
		m.forward(d)
		m.run, m.due = run, due
		for _, controller := range []string{"account", "claim"} {
			for name := range m.due[controller] {
				m.due[controller][name] = m.clock.Now()
			}
		}
	})
}

// judge holds the vendor's ledger against what is promised.
func (m *model) judge() {
	total := 0
	for _, name := range m.names() {
		living := m.living("prod-eu/shop/" + name)
		total += len(living)
		if len(living) > 1 {
			m.t.Fatalf("%s lives %d times: %v", name, len(living), m.vendor.Ledger())
		}
	}
	if total > modelInstances {
		m.t.Fatalf("%d live: %v", total, m.vendor.Ledger())
	}
	calls := m.vendor.Calls(0, greenapi.MethodCreateInstance)
	for i := modelCreates; i < len(calls); i++ {
		if calls[i].Time.Sub(calls[i-modelCreates].Time) < time.Hour-2*time.Second {
			m.t.Fatalf("more than %d creates within an hour: %v", modelCreates, calls)
		}
	}
	ledger := m.vendor.Ledger()
	for _, entry := range ledger[m.seen:] {
		if entry.What != emulator.EntryDeleted || m.byHand[entry.ID] {
			continue
		}
		for _, name := range m.names() {
			if claim, there := m.exists(name); there && claim.DeletionTimestamp.IsZero() && claim.Status.IDInstance == entry.ID {
				m.t.Fatalf("%d was deleted, and %s names it", entry.ID, name)
			}
			if rival, there := m.exists("rival-" + name); there && rival.DeletionTimestamp.IsZero() && rival.Spec.InstanceName == entry.Name {
				m.t.Fatalf("%d was deleted, and %s has its name", entry.ID, rival.Name)
			}
		}
	}
	m.seen = len(ledger)
}

// TestTheModelOfClaims: whatever crashes, is lost, late, foreign, deleted or made anew, the living lines of one name are never more
// than one, all of them never more than maxInstances, creates within an hour never more than allowed, and no line is deleted that a
// claim names. When the vendor is honest again, every claim comes to an end.
func TestTheModelOfClaims(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{t: t, byHand: map[int64]bool{}, world: newWorld(t, func(a *v1alpha1.PartnerAccount) {
			a.Spec.Limits = v1alpha1.PartnerLimits{MaxInstances: modelInstances, MaxCreatesPerHour: modelCreates}
		})}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			m.act()
			m.forward(time.Duration(rapid.SampledFrom([]int{0, 1, 25, 60, 300, 1200, 3600}).Draw(t, "seconds")) * time.Second)
			m.judge()
		}
		m.op = nil
		m.vendor.ClearFaults()
		m.restart()
		m.forward(5 * time.Hour)
		m.judge()
		for _, name := range m.names() {
			if claim, there := m.exists(name); there {
				m.ends(claim)
			}
		}
	})
}

// ends says that a claim has come to an end.
func (m *model) ends(claim *v1alpha1.InstanceClaim) {
	created := apimeta.FindStatusCondition(claim.Status.Conditions, v1alpha1.CreatedCondition)
	switch {
	case !claim.DeletionTimestamp.IsZero():
		m.t.Fatalf("%s is still being deleted: %+v", claim.Name, claim.Status)
	case created == nil:
		m.t.Fatalf("%s was never looked at", claim.Name)
	case created.Status == "True":
		m.Expect(m.living("prod-eu/shop/"+claim.Name)).To(ConsistOf(claim.Status.IDInstance), claim.Name)
	case created.Reason == v1alpha1.ReasonLimitReached, apimeta.IsStatusConditionTrue(claim.Status.Conditions, v1alpha1.StalledCondition):
	default:
		m.t.Fatalf("%s goes nowhere: %+v", claim.Name, claim.Status)
	}
}
