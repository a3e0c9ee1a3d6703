// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

const (
	// account is the name of the partner account and of all that belongs to it.
	account      = "reseller"
	partnerToken = "gac.bench-partner-token"
	// claimID is the number of the first instance that is claimed.
	claimID = firstID + 3_000_000
	// claimWindows is how many windows claims are watched in their steady state: a list comes every ten minutes.
	claimWindows = 5
)

// claimLabels are those of what the manager of claims sees: nothing else.
func claimLabels() map[string]string { return map[string]string{"bench": account} }

// claimed is the i-th instance that is claimed.
func claimed(i int) line {
	return line{id: claimID + int64(i), namespace: fmt.Sprintf("fleet-%d", i%namespaces)}
}

// claims lets a manager of its own adopt many instances of one partner account by claims, and watches it when it is done.
func (b *bench) claims(ctx context.Context) error {
	k := b.options.claims
	if k < 0 {
		k = b.n
	}
	if k == 0 || b.build != "" {
		return nil
	}
	b.stopManager()
	vendor, err := b.startReseller(ctx)
	if err != nil {
		return err
	}
	if err := b.createClaims(ctx, vendor, k); err != nil {
		return err
	}
	b.result.Claims = k
	before, err := b.writes(ctx, v1alpha1.GroupVersion.Group, "")
	if err != nil {
		return err
	}
	began := time.Now()
	m, err := b.startManager(ctx, "--partner-accounts", "--watch-label-selector=bench="+account)
	if err != nil {
		return err
	}
	b.show.track(k, "adopting %d instances of a partner account by claims", k)
	err = errors.Join(m.await(ctx), wait.PollUntilContextTimeout(ctx, time.Second, limitFor(max(b.n, k)), true, func(ctx context.Context) (bool, error) {
		created, err := b.createdClaims(ctx)
		b.show.set(created)
		return created >= k, err
	}))
	b.show.end()
	if err != nil {
		return fmt.Errorf("not all claims have their instance: %w", err)
	}
	b.result.set(keyClaims, time.Since(began).Seconds())
	after, err := b.writes(ctx, v1alpha1.GroupVersion.Group, "")
	if err != nil {
		return err
	}
	b.result.set(keyClaimWrites, (after-before)/float64(k))
	return b.steadyClaims(ctx, vendor)
}

// steadyClaims watches claims that have all they want.
func (b *bench) steadyClaims(ctx context.Context, vendor *vendor) error {
	// The counts of the account are written with the list after the last claim was looked at.
	if err := b.pass(ctx, b.options.stateInterval, "letting the last list pass"); err != nil {
		return err
	}
	if err := vendor.resetCounts(); err != nil {
		return err
	}
	before, err := b.writes(ctx, v1alpha1.GroupVersion.Group, "", "events.k8s.io")
	if err != nil {
		return err
	}
	list, err := b.allocatedForAList(ctx)
	if err != nil {
		return err
	}
	b.result.set(keyClaimList, list)
	after, err := b.writes(ctx, v1alpha1.GroupVersion.Group, "", "events.k8s.io")
	if err != nil {
		return err
	}
	b.result.set(keyClaimSteadyWrites, after-before)
	if err := vendor.read(); err != nil {
		return err
	}
	b.result.set(keyClaimLists, float64(vendor.counts.total))
	then, err := b.usage()
	if err == nil && !b.result.NoProc {
		b.result.set(keyClaimMemory, mebibytes(then.resident))
	}
	return err
}

// allocatedForAList lets the windows pass, and returns what the manager allocated in that one in which it allocated most, over what it does
// in one without a list, in MiB. The peak of its memory would not tell: the collector lets the heap grow by more than a list.
func (b *bench) allocatedForAList(ctx context.Context) (float64, error) {
	before, err := b.manager.metrics.scrape(ctx)
	if err != nil {
		return 0, err
	}
	var each []float64
	for i := range claimWindows {
		if err := b.pass(ctx, b.options.window, fmt.Sprintf("claims that have all they want, %d of %d", i+1, claimWindows)); err != nil {
			return 0, err
		}
		after, err := b.manager.metrics.scrape(ctx)
		if err != nil {
			return 0, err
		}
		each = append(each, mebibytes(after.allocated()-before.allocated()))
		before = after
	}
	slices.Sort(each)
	return each[len(each)-1] - each[len(each)/2], nil
}

// startReseller starts a vendor with a partner account.
func (b *bench) startReseller(ctx context.Context) (*vendor, error) {
	file := filepath.Join(b.directory, "accounts.json")
	if err := os.WriteFile(file, fmt.Appendf(nil, `[{"name": %q, "partnerToken": %q}]`, account, partnerToken), 0o600); err != nil {
		return nil, err
	}
	p, v, err := b.startEmulator(ctx, account, "--accounts="+file)
	b.resellerEmulator = p
	return v, err
}

// createClaims puts instances on the vendor, and claims for them into the cluster.
func (b *bench) createClaims(ctx context.Context, vendor *vendor, k int) error {
	b.show.track(k, "creating %d instances of a partner account, and their claims", k)
	defer b.show.end()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: sandbox.RoleNamespace, Name: account}, StringData: map[string]string{v1alpha1.DefaultPartnerTokenKey: partnerToken}}
	pays := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: account, Labels: claimLabels()}, Spec: v1alpha1.PartnerAccountSpec{
		PartnerAPIURL: vendor.Origin, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: account}, Messenger: "whatsapp", OwnerKey: "bench",
		AllowedNamespaces: &metav1.LabelSelector{}, Limits: v1alpha1.PartnerLimits{MaxInstances: 1, MaxCreatesPerHour: 1},
	}}
	if err := errors.Join(b.admin.Create(ctx, secret), b.admin.Create(ctx, pays)); err != nil {
		return err
	}
	return sideBySide(ctx, k, creators, b.show.set, func(ctx context.Context, i int) error {
		l := claimed(i)
		in := emulator.Instance{ID: l.id, Token: l.token(), Account: account, Name: strings.Join([]string{"bench", l.namespace, l.name()}, "/")}
		claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: l.name(), Labels: claimLabels()},
			Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: account}}}
		return errors.Join(vendor.Add(ctx, in), b.admin.Create(ctx, claim))
	})
}

// createdClaims is how many claims have their instance.
func (b *bench) createdClaims(ctx context.Context) (int, error) {
	list := &v1alpha1.InstanceClaimList{}
	if err := b.admin.List(ctx, list, client.MatchingLabels(claimLabels())); err != nil {
		return 0, err
	}
	created := 0
	for i := range list.Items {
		if apimeta.IsStatusConditionTrue(list.Items[i].Status.Conditions, v1alpha1.CreatedCondition) {
			created++
		}
	}
	return created, nil
}
