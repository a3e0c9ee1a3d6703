// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cacheindex

import (
	"context"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// catcher keeps what a cache would ask for the values of an index.
type catcher struct {
	builder *fake.ClientBuilder
	of      client.IndexerFunc
}

func (c *catcher) IndexField(_ context.Context, kind client.Object, name string, of client.IndexerFunc) error {
	c.of = of
	c.builder.WithIndex(kind, name, of)
	return nil
}

// shops is an index of config maps by the names in their data.
var shops = New("shops", func(m *corev1.ConfigMap) (names []string) {
	for name := range m.Data {
		names = append(names, name)
	}
	return names
})

func shop(name string, names ...string) *corev1.ConfigMap {
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: name}, Data: map[string]string{}}
	for _, of := range names {
		m.Data[of] = ""
	}
	return m
}

// neighbor is another value in the bucket of one.
func neighbor(value string) string {
	for i := 0; ; i++ {
		if other := strconv.Itoa(i); other != value && bucket(other) == bucket(value) {
			return other
		}
	}
}

// TestFindReturnsThoseThatHaveTheValue and not those whose value is in the same bucket, each of them once.
func TestFindReturnsThoseThatHaveTheValue(t *testing.T) {
	g := NewWithT(t)
	beside := neighbor("mine")
	in := &catcher{builder: fake.NewClientBuilder()}
	g.Expect(shops.AddTo(t.Context(), in, &corev1.ConfigMap{})).To(Succeed())
	elsewhere := shop("elsewhere", "mine")
	elsewhere.Namespace = "there"
	cache := in.builder.WithObjects(shop("one", "mine"), shop("both", "mine", beside), shop("other", beside), shop("none"), shop("empty", ""), elsewhere).Build()
	found := func(value string, options ...client.ListOption) (names []string) {
		maps, err := shops.Find(t.Context(), cache, &corev1.ConfigMapList{}, value, options...)
		g.Expect(err).NotTo(HaveOccurred())
		for _, m := range maps {
			names = append(names, m.Name)
		}
		return names
	}
	g.Expect(found("mine")).To(ConsistOf("one", "both", "elsewhere"))
	g.Expect(found("mine", client.InNamespace("here"))).To(ConsistOf("one", "both"))
	g.Expect(found(beside)).To(ConsistOf("both", "other"))
	g.Expect(found("nobody's")).To(BeEmpty())
	g.Expect(found("")).To(BeEmpty())
	g.Expect(in.of(shop("both", "mine", beside))).To(HaveLen(1), "a bucket is named once")
	g.Expect(in.of(&corev1.Secret{})).To(BeEmpty())
}

// TestAnIndexKeepsFewSets: of ten thousand values several share a set each.
func TestAnIndexKeepsFewSets(t *testing.T) {
	g := NewWithT(t)
	count := map[string]int{}
	for i := range 10_000 {
		count[bucket(strconv.Itoa(7_107_000_000+i))]++
	}
	g.Expect(len(count)).To(And(BeNumerically(">", buckets/2), BeNumerically("<=", buckets)))
	for _, n := range count {
		g.Expect(n).To(BeNumerically("<", 60))
	}
}

// TestFindTellsOfWhatFails: an index that the cache does not have is an error, not an empty answer.
func TestFindTellsOfWhatFails(t *testing.T) {
	g := NewWithT(t)
	_, err := shops.Find(t.Context(), fake.NewFakeClient(), &corev1.ConfigMapList{}, "mine")
	g.Expect(err).To(HaveOccurred())
}
