// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/util/retry"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// shard is a process that looks after the resources with its label, and a door of its own to the one vendor, so that its
// calls can be told from the others'.
type shard struct {
	name  string
	calls atomic.Int64
	// instances has how often it called each, by the first part of the path.
	instances sync.Map
	process   *process
}

// newShard starts a process with a door of its own.
func newShard(f *fleet, g *gate, name string, flags ...string) *shard {
	f.t.Helper()
	s := &shard{name: name}
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		count, _ := s.instances.LoadOrStore(strings.Split(r.URL.Path, "/")[1], &atomic.Int64{})
		count.(*atomic.Int64).Add(1)
		f.vendor.ServeHTTP(w, r)
	}))
	f.t.Cleanup(door.Close)
	s.process = f.launch(g, append(flags, "--default-api-url="+door.URL, "--leader-election-namespace="+f.ns)...)
	return s
}

// callsOf is how often it called an instance.
func (s *shard) callsOf(id int64) int64 {
	count, ok := s.instances.Load(fmt.Sprintf("waInstance%d", id))
	if !ok {
		return 0
	}
	return count.(*atomic.Int64).Load()
}

// startShards starts three processes, each with a lease of its own.
func startShards(f *fleet) []*shard {
	var shards []*shard
	for _, name := range []string{"a", "b", "c"} {
		shards = append(shards, newShard(f, newGate(f.t, environment.Config), name, "--watch-label-selector=shard="+name, "--leader-elect", "--leader-election-id=shard-"+name))
	}
	return shards
}

// label puts a line into a shard.
func (f *fleet) label(name, shard string) {
	f.t.Helper()
	f.Expect(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		resource := f.get(name)
		resource.Labels = map[string]string{"shard": shard}
		return f.admin.Update(f.ctx, resource)
	})).To(Succeed())
}

// TestThreeShards: each instance is looked after by the one shard whose label it has, one without a label by none, and a
// label that is changed hands it over without a restart, even while a write settles.
func TestThreeShards(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 9)
	for i, name := range f.names {
		f.label(name, string(rune('a'+i%3)))
	}
	shards := startShards(f)
	for i, name := range f.names {
		f.delay(name, int32(1000+i))
	}
	f.converge("three shards")
	for i, name := range f.names {
		for at, s := range shards {
			f.Expect(s.callsOf(f.id(name)) > 0).To(Equal(at == i%3), "%s is called by shard %s", name, s.name)
		}
	}

	// Everything is handed to shard a, part of it in the middle of a write.
	for i, name := range f.names {
		if i%2 == 0 {
			f.delay(name, int32(2000+i))
		}
		f.label(name, "a")
	}
	f.converge("after the hand-over")
	before := make([]int64, len(shards))
	for i, s := range shards {
		before[i] = s.calls.Load()
	}
	for i, name := range f.names {
		f.delay(name, int32(3000+i))
	}
	f.converge("by shard a alone")
	for i, s := range shards {
		f.Expect(s.calls.Load() > before[i]).To(Equal(s.name == "a"), fmt.Sprintf("shard %s", s.name))
	}

	// One that no shard has is left alone.
	f.label(f.names[0], "nobody")
	f.edit(f.names[0], 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Settings.DelaySendMessagesMilliseconds = new(int32(9000)) })
	f.delay(f.names[1], 4000)
	f.Eventually(func() int { return f.vendor.Restarts(f.id(f.names[1])) }, patience).Should(Equal(f.restarts[f.names[1]]))
	f.Expect(f.vendor.Restarts(f.id(f.names[0]))).To(Equal(f.restarts[f.names[0]]))
}

// TestR23AShardSendsNobodysAPIToken as a webhook token, though it does not watch the instance whose token it is.
func TestR23AShardSendsNobodysAPIToken(t *testing.T) {
	t.Parallel()
	f := newFleet(t, admin, 2)
	victim, thief := f.names[0], f.names[1]
	f.label(victim, "a")
	f.label(thief, "b")
	startShards(f)
	f.delay(victim, 1000)
	f.delay(thief, 1001)
	f.converge("two shards")
	f.edit(thief, 0, func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.Settings.WebhookURLTokenSecretRef = &v1alpha1.SecretKeyReference{Name: victim + "-token", Key: v1alpha1.DefaultAPITokenKey}
	})
	f.Eventually(func() string {
		if synced := apimeta.FindStatusCondition(f.get(thief).Status.Conditions, v1alpha1.SyncedCondition); synced != nil {
			return synced.Message
		}
		return ""
	}, patience).Should(ContainSubstring("is where API tokens are kept"))
	f.Expect(f.vendor.Restarts(f.id(thief))).To(Equal(f.restarts[thief]))
}
