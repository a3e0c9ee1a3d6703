// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestR44AProcessEndsWhoseVersionsGoBack, and not for one that stays, is not a number, or cannot be read.
func TestR44AProcessEndsWhoseVersionsGoBack(t *testing.T) {
	g := NewWithT(t)
	var answer string
	var failure error
	v := newVersions(interceptor.NewClient(fake.NewFakeClient(), interceptor.Funcs{
		List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			asked := (&client.ListOptions{}).ApplyOptions(options)
			g.Expect(asked.Namespace).To(Equal("shop"))
			g.Expect(asked.Limit).To(BeEquivalentTo(1))
			g.Expect(asked.LabelSelector.String()).To(Equal("tier=paid"))
			if known, ok := list.(*metav1.PartialObjectMetadataList); ok {
				known.ResourceVersion = answer
			}
			return failure
		},
	}), "shop", labels.SelectorFromSet(labels.Set{"tier": "paid"}))
	look := func(version string, err error) error {
		answer, failure = version, err
		return v.look(t.Context())
	}
	g.Expect(look("7", nil)).To(Succeed())
	g.Expect(look("100", nil)).To(Succeed())
	g.Expect(look("100", nil)).To(Succeed(), "nobody has written anything")
	g.Expect(look("", errors.New("connection refused"))).To(Succeed())
	g.Expect(look("a word", nil)).To(Succeed())
	g.Expect(look("99", nil)).To(And(MatchError(errPutBack), MatchError(ContainSubstring("version 99 after 100"))))
}

// TestR44AStandbyLooksToo: it may lead next.
func TestR44AStandbyLooksToo(t *testing.T) {
	NewWithT(t).Expect((&versions{}).NeedLeaderElection()).To(BeFalse())
}

// TestR44EtcdIsPutBack under a manager that runs: watches that go on miss what happens then, so the process ends and says why, and the
// next one finds that it is all as the snapshot has it.
func TestR44EtcdIsPutBack(t *testing.T) {
	t.Parallel()
	own, ownAdmin := startControlPlane(t)
	apiServer, etcd := processesOf(t, own)
	f := newFleet(t, ownAdmin, 2)
	g := newGate(t, own.Config)
	var looks atomic.Int64
	g.kubeconfig = stand(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.ServeHTTP(w, r)
		if r.URL.Query().Get("limit") == "1" {
			looks.Add(1)
		}
	}))
	p := f.launch(g)
	f.delay("line-0", 1000)
	f.converge("at the beginning")

	data, snapshot := own.ControlPlane.Etcd.DataDir, filepath.Join(t.TempDir(), "snapshot")
	etcd.signal(syscall.SIGSTOP)
	f.Expect(os.CopyFS(snapshot, os.DirFS(data))).To(Succeed())
	etcd.signal(syscall.SIGCONT)
	f.delay("line-0", 2000)
	f.converge("after the snapshot")
	for i := range 300 {
		// The versions come far, as they do in the hours since a snapshot.
		patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"annotations":{"x":"%d"}}}`, i))
		f.Expect(f.admin.Patch(f.ctx, &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: "line-1"}}, patch)).To(Succeed())
	}
	// The first may have begun before.
	f.Eventually(looks.Load, patience).Should(BeNumerically(">=", looks.Load()+2), "it knows how far they came")
	serveAgain, storeAgain := apiServer.kill(), etcd.kill()
	f.Expect(os.RemoveAll(data)).To(Succeed())
	f.Expect(os.CopyFS(data, os.DirFS(snapshot))).To(Succeed())
	storeAgain()
	serveAgain()
	p.expectExit("etcd was put back")
	f.Expect(f.alarm.String()).To(ContainSubstring("manager: the API server has an older version than it had: etcd was put back"))

	f.launch(g)
	f.Eventually(func() *int32 { return f.get("line-0").Spec.Settings.DelaySendMessagesMilliseconds }, patience).Should(HaveValue(BeEquivalentTo(1000)))
	f.Eventually(f.problem, 2*patience).Should(BeEmpty(), "as the snapshot has it\n%s", f.alarm)
	f.Expect(f.sets()).To(Equal(3), "the wish of then is one change")
}
