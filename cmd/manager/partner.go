// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"os"
	"strings"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/greenapi-operator/greenapi-operator/controllers/accounts"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// podNamespaceVariable is the variable in which the manifests name the namespace of the pod.
const podNamespaceVariable = "POD_NAMESPACE"

// accountsAtOnce is how many partner accounts are looked at side by side, so that a list that hangs holds up no other.
const accountsAtOnce = 4

// completePartner finds out the process's own namespace, in which the Secrets with partner tokens are.
func (o *options) completePartner() error {
	if !o.partnerAccounts {
		return nil
	}
	if o.shard.ring != "" {
		return errors.New("--partner-accounts does not go with --shard-ring: every shard would look after every account. Run one more manager without it for the accounts")
	}
	file, _ := os.ReadFile(podNamespace)
	o.ownNamespace = cmp.Or(os.Getenv(podNamespaceVariable), strings.TrimSpace(string(file)), o.leaderElectionNamespace)
	if o.ownNamespace == "" {
		return errors.New("--partner-accounts needs the namespace that has the Secrets with partner tokens: outside a cluster set the variable POD_NAMESPACE, or --leader-election-namespace")
	}
	return nil
}

// addAccounts adds the controller of partner accounts.
func addAccounts(mgr ctrl.Manager, o options, vendor *greenapi.Client) error {
	if err := accounts.RegisterMetrics(metrics.Registry, mgr.GetCache()); err != nil {
		return err
	}
	reconciler := &accounts.Reconciler{
		Options: accounts.Options{Namespace: o.ownNamespace, SecretSelector: o.controller.SecretSelector},
		Client:  mgr.GetClient(), Live: mgr.GetAPIReader(), Clock: clock.RealClock{}, Recorder: mgr.GetEventRecorder("greenapi-operator"),
		Connect: func(target greenapi.PartnerTarget) (accounts.Lister, error) { return vendor.Partner(target) },
	}
	warm, queue := true, true
	return reconciler.SetupWithManager(mgr, controller.Options{
		MaxConcurrentReconciles: accountsAtOnce,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](shortestRetry, longestRetry),
		EnableWarmup:            &warm, UsePriorityQueue: &queue,
	})
}
