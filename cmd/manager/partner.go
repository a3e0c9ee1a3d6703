// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/greenapi-operator/greenapi-operator/controllers/accounts"
	"github.com/greenapi-operator/greenapi-operator/controllers/claims"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/partner"
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

// claimsAtOnce is how many claims are looked at side by side: one that buys waits for the vendor.
const claimsAtOnce = 8

// addAccounts adds the controllers of partner accounts and of claims.
func addAccounts(ctx context.Context, mgr ctrl.Manager, o options, vendor *greenapi.Client) error {
	if err := claims.SetupIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	counted, err := claims.NewMetrics(metrics.Registry)
	if err != nil {
		return err
	}
	if err := accounts.RegisterMetrics(metrics.Registry, mgr.GetCache()); err != nil {
		return err
	}
	book := &partner.Book{}
	recorder := mgr.GetEventRecorder("greenapi-operator")
	accountReconciler := &accounts.Reconciler{
		Options: accounts.Options{Namespace: o.ownNamespace, SecretSelector: o.controller.SecretSelector},
		Client:  mgr.GetClient(), Live: mgr.GetAPIReader(), Clock: clock.RealClock{}, Recorder: recorder,
		Connect: vendor.Partner, Book: book,
	}
	if err := accountReconciler.SetupWithManager(mgr, controllerOptions(accountsAtOnce)); err != nil {
		return err
	}
	claimReconciler := &claims.Reconciler{
		Options: claims.Options{CallTimeout: o.controller.CallTimeout, SecretSelector: o.controller.SecretSelector},
		Client:  mgr.GetClient(), Live: mgr.GetAPIReader(), Clock: clock.RealClock{}, Recorder: recorder, Metrics: counted,
		Connect: func(target greenapi.Target) (claims.Line, error) { return vendor.Instance(target) }, Book: book,
	}
	return claimReconciler.SetupWithManager(mgr, controllerOptions(claimsAtOnce))
}
