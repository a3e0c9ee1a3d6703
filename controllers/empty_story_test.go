// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// Everything is in order; for a minute and a half getSettings answers 200 with an object in which no setting is.
func TestR6AReadingThatShowsNothingIsNoDrift(t *testing.T) {
	for name, body := range map[string]string{"empty": `{}`, "error": `{"status":"error","message":"try again later"}`, "type": `{"typeInstance":"whatsapp"}`} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.instance("line", incoming(true))
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.forward(30 * time.Minute)
			s.vendor.Fault(emulator.Fault{Method: "getSettings", Status: 200, Body: body, Times: 3})
			s.forward(2 * time.Hour)
			t.Logf("setSettings: %v", s.sets())
			s.Expect(s.vendor.Restarts(instanceID)).To(Equal(1), "nothing was changed, and nothing drifted")
		})
	}
}

// A fleet.
func TestR6AFleetThatShowsNothingIsNotRestarted(t *testing.T) {
	l := newLines(t, 12, intstr.FromInt32(4))
	l.changeAll()
	l.followThrough(4)
	l.forward(20 * time.Minute)
	l.vendor.Fault(emulator.Fault{Method: "getSettings", Status: 200, Body: `{}`, Times: -1})
	l.forward(12 * time.Minute)
	l.vendor.ClearFaults()
	l.forward(2 * time.Hour)
	n := 0
	for _, name := range l.names {
		n += l.restarts(name)
	}
	t.Logf("%d restarts of 12 lines, 12 of them asked for", n)
	l.Expect(n).To(Equal(12))
}

// countingReader counts what is read past the cache.
type countingReader struct {
	client.Reader
	n *int
}

func (c countingReader) Get(ctx context.Context, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	if _, ok := object.(v1alpha1.Instance); ok {
		*c.n++
	}
	return c.Reader.Get(ctx, key, object, opts...)
}

// The API server was restored from an older backup: resource versions are less than those of this process's own writes.
func TestR10VersionsOfARestoredEtcdAreBelieved(t *testing.T) {
	s := newStory(t)
	reads, restored := 0, false
	s.live = countingReader{s.live, &reads}
	s.wrapClient = func(c client.Client) client.Client {
		return interceptor.NewClient(withoutWatch{c}, interceptor.Funcs{
			Get: func(ctx context.Context, inner client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
				err := inner.Get(ctx, key, object, opts...)
				if _, ok := object.(v1alpha1.Instance); ok && restored && err == nil {
					object.SetResourceVersion("7")
				}
				return err
			},
		})
	}
	s.restart()
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.forward(time.Hour)
	t.Logf("reads past the cache before: %d", reads)
	restored, reads = true, 0
	s.forward(24 * time.Hour)
	t.Logf("reads past the cache in the 24 hours after: %d", reads)
	s.Expect(reads).To(BeNumerically("<=", 10))
}
