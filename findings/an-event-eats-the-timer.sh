#!/bin/sh
# Guess:  an object that is to be looked at again in an hour is looked at then, also if an event brings it up before; so it is with client-go's
#         queue, in which the two are entries of their own.
# Truth:  controller-runtime's queue has one entry for an object. The event makes it due now, and the look that was planned is gone with it.
#         A pass that the event starts and that asks for no further one is the last.
# Matters here: a pass says when the next one is to be, or gives its resource to the poller, also if it found nothing to do. Else a
#         resource that somebody touches would be looked at no more.
# Seen with: sigs.k8s.io/controller-runtime v0.25.2, k8s.io/client-go v0.37.2, go1.26.
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
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
)

func main() {
	limiter := workqueue.DefaultTypedControllerRateLimiter[string]()
	for _, tried := range []struct {
		name  string
		queue workqueue.TypedRateLimitingInterface[string]
	}{
		{"client-go's queue", workqueue.NewTypedRateLimitingQueue(limiter)},
		{"controller-runtime's queue", priorityqueue.New[string]("lanterns")},
	} {
		var looks atomic.Int32
		tried.queue.AddAfter("lamp", 2*time.Second)
		time.Sleep(500 * time.Millisecond)
		tried.queue.Add("lamp")
		go func() {
			for {
				lamp, over := tried.queue.Get()
				if over {
					return
				}
				looks.Add(1)
				tried.queue.Done(lamp)
			}
		}()
		time.Sleep(4 * time.Second)
		fmt.Printf("%s: an event and a timer: %d looks\n", tried.name, looks.Load())
		tried.queue.ShutDown()
	}
}
GO
quietly go mod init finding
quietly go get sigs.k8s.io/controller-runtime@v0.25.2 k8s.io/client-go@v0.37.2
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
client-go's queue: an event and a timer: 2 looks
controller-runtime's queue: an event and a timer: 1 looks
TEXT
diff want seen
