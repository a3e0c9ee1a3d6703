#!/bin/sh
# Guess:  two events of the same object become one with a count if they say the same, and stay two if they say something else.
# Truth:  what they say does not count, and the object's resourceVersion does. Two events with other words for one version become one, and
#         the second one's words are never written anywhere. Two with the same words stay two if the object was written between them.
# Matters here: the events of a pass are sent once the status is stored, so the object has another version than at the last ones, and what
#         they say is not lost. Events that are sent without a write of the object would be.
# Seen with: k8s.io/client-go v0.37.2 (tools/events, which controller-runtime v0.25 uses), go1.26.
set -eu
cd "$(mktemp -d)"
trap 'chmod -R u+w . 2>/dev/null; rm -rf "$PWD"' EXIT
quietly() {
	"$@" > log 2>&1 || {
		cat log >&2
		return 1
	}
}
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	clients := fake.NewClientset()
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: clients.EventsV1()})
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		panic(err)
	}
	recorder := broadcaster.NewRecorder(scheme.Scheme, "example.com/keeper")
	lamp := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: "quay", Name: "lamp"}}
	for i, said := range []struct{ version, words string }{{"1", "Ada lit it"}, {"1", "Bo put it out"}, {"2", "Ada lit it"}} {
		lamp.ResourceVersion = said.version
		recorder.Eventf(lamp, nil, corev1.EventTypeNormal, "Turned", "Turn", said.words)
		for len(clients.Actions()) <= i { // each is written, the second as a patch of the first
			time.Sleep(10 * time.Millisecond)
		}
	}
	list, err := clients.EventsV1().Events("quay").List(ctx, metav1.ListOptions{})
	if err != nil {
		panic(err)
	}
	slices.SortFunc(list.Items, func(a, b eventsv1.Event) int { return a.EventTime.Compare(b.EventTime.Time) })
	for _, event := range list.Items {
		count := int32(1)
		if event.Series != nil {
			count = event.Series.Count
		}
		fmt.Printf("version %s, %q, %d times\n", event.Regarding.ResourceVersion, event.Note, count)
	}
}
GO
quietly go mod init finding
quietly go get k8s.io/client-go@v0.37.2 k8s.io/api@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
version 1, "Ada lit it", 2 times
version 2, "Ada lit it", 1 times
TEXT
diff want seen
