#!/bin/sh
# Guess:  a lease that was last renewed a year ago is over, so whoever comes takes it at once.
# Truth:  the time in the lease is not looked at. Who sees the lease for the first time waits as long as it lasts, from then on, as if it had
#         been renewed that moment. Only a holder that gave it back, with an empty name, is not waited for.
# Matters here: after a crash, or when a cluster comes up from a backup, the only replica does nothing for the whole lease; a clean stop gives
#         the lease back. And a wrong clock at a node takes no lease away from anybody.
# Seen with: k8s.io/client-go v0.37.2, go1.26.
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
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func main() {
	for _, holder := range []string{"keeper of last year", ""} {
		renewed, seconds := metav1.NewMicroTime(time.Now().AddDate(-1, 0, 0)), int32(4)
		clients := fake.NewClientset(&coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Namespace: "quay", Name: "keepers"},
			Spec: coordinationv1.LeaseSpec{
				HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &renewed, RenewTime: &renewed,
			},
		})
		ctx, cancel := context.WithCancel(context.Background())
		start := time.Now()
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: &resourcelock.LeaseLock{
				LeaseMeta: metav1.ObjectMeta{Namespace: "quay", Name: "keepers"}, Client: clients.CoordinationV1(),
				LockConfig: resourcelock.ResourceLockConfig{Identity: "keeper of today"},
			},
			LeaseDuration: 4 * time.Second, RenewDeadline: 3 * time.Second, RetryPeriod: 100 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) {
					fmt.Printf("held by %q, renewed a year ago: waited for the whole lease: %t\n", holder, time.Since(start) >= 4*time.Second)
					cancel()
				},
				OnStoppedLeading: func() {},
			},
		})
		cancel()
	}
}
GO
quietly go mod init finding
quietly go get k8s.io/client-go@v0.37.2 k8s.io/api@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
held by "keeper of last year", renewed a year ago: waited for the whole lease: true
held by "", renewed a year ago: waited for the whole lease: false
TEXT
diff want seen
