// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// podNamespace is the file that has the namespace of a pod.
const podNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// shardFlags make the process one shard of a ControllerRing of the project kubernetes-controller-sharding.
type shardFlags struct {
	ring, name string
	given      func(flag string) bool
}

func (s *shardFlags) bind(f *flag.FlagSet) {
	f.StringVar(&s.ring, "shard-ring", "", "ControllerRing of kubernetes-controller-sharding that this process is a shard of; implies --leader-elect")
	f.StringVar(&s.name, "shard-name", "", "name of the shard and of its lease, which no other process has; default is the host's name, which is the pod's")
	s.given = func(name string) (found bool) {
		f.Visit(func(set *flag.Flag) { found = found || set.Name == name })
		return found
	}
}

// complete checks the flags. In a ring the lease is the shard's own, and the instances are those that the sharder assigns.
func (s *shardFlags) complete(o *options) error {
	switch {
	case s.ring == "" && s.name != "":
		return errors.New("--shard-name needs --shard-ring; leave it out, or name the ControllerRing")
	case s.ring == "":
		return nil
	case !nameAndLabel(s.ring):
		return errors.New("--shard-ring must be the name of a ControllerRing, such as greenapi: small letters, digits, - and ., at most 63 of them")
	case s.given("leader-elect") && !o.leaderElect:
		return errors.New("--shard-ring needs the shard's lease: leave --leader-elect=false out")
	case s.given("leader-election-id"):
		return errors.New("--shard-ring names the lease as the shard: leave --leader-election-id out, or set --shard-name")
	}
	host, _ := os.Hostname()
	if s.name = cmp.Or(s.name, host); !nameAndLabel(s.name) {
		return fmt.Errorf("--shard-name must be small letters, digits, - and ., at most 63 of them, such as shard-1; it is %q", s.name)
	}
	ring := sharding.Ring{Name: s.ring, Shard: s.name}
	o.controller.Ring, o.leaderElect, o.leaderElectionID = ring, true, s.name
	if o.instanceOnly == nil {
		o.instanceOnly = labels.Everything()
	}
	assigned, _ := labels.SelectorFromSet(labels.Set{ring.ShardLabel(): ring.Shard}).Requirements()
	o.instanceOnly = o.instanceOnly.DeepCopySelector().Add(assigned...)
	return nil
}

// nameAndLabel reports whether a text may be the name of an object as well as a label.
func nameAndLabel(text string) bool {
	return len(validation.IsDNS1123Subdomain(text))+len(validation.IsValidLabelValue(text)) == 0
}

// lock is the lease by which the sharder knows that this shard is alive; nil without a ring.
func (s *shardFlags) lock(config *rest.Config, namespace string, renewDeadline time.Duration) (resourcelock.Interface, error) {
	if s.ring == "" {
		return nil, nil
	}
	if namespace == "" {
		text, err := os.ReadFile(podNamespace)
		if err != nil {
			return nil, fmt.Errorf("--leader-election-namespace is needed outside a cluster: %w", err)
		}
		namespace = strings.TrimSpace(string(text))
	}
	config = rest.CopyConfig(config)
	// One request that hangs must not cost the lease.
	config.Timeout = max(renewDeadline/2, time.Second)
	leases, err := coordinationv1.NewForConfig(rest.AddUserAgent(config, "shard-lease"))
	if err != nil {
		return nil, err
	}
	return &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: s.name},
		Client:     leases,
		LockConfig: resourcelock.ResourceLockConfig{Identity: s.name},
		Labels:     map[string]string{sharding.RingLabel: s.ring},
	}, nil
}
