// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/sandbox"
)

const (
	// reseller is the name of the partner account, resellerNamespace that of the claims on it, and resellerLabel what all of it has.
	reseller, resellerNamespace, resellerLabel = "reseller", "team-blue", "example.com/reseller"
	nameResellerManager, resellerUser          = "reseller-manager", "reseller-manager"
	bornLine                                   = "born-line"
	// bornName is what it is called at the vendor.
	bornName = "demo/" + resellerNamespace + "/" + bornLine
	// listTime is within which two lists of a partner account come: the second one no sooner than 20 seconds after the first.
	listTime = 90 * time.Second
)

// accountsFile writes the file of the emulator's partner accounts, and returns its path.
func (s *stage) accountsFile() (string, error) {
	s.partnerToken = "gac." + newToken()
	s.hide(s.partnerToken)
	file := filepath.Join(s.directory, "accounts.json")
	return file, os.WriteFile(file, fmt.Appendf(nil, `[{"name": %q, "partnerToken": %q}]`, reseller, s.partnerToken), 0o600)
}

// startReseller starts one more manager, with the rights to buy and to write Secrets, which sees what has a label and nothing else.
func (s *stage) startReseller(ctx context.Context) error {
	if _, err := s.plane.AddUser(resellerUser, s.kubeconfig(nameResellerManager)); err != nil {
		return err
	}
	if err := s.Grant(ctx, s.admin, resellerUser, sandbox.PartnerRoles()...); err != nil {
		return err
	}
	flags := append(s.managerFlags(), "--partner-accounts", "--watch-label-selector="+resellerLabel, "--leader-election-id=reseller.greenapi-operator.dev")
	cmd, err := s.Command(nameManager, s.directory, s.kubeconfig(nameResellerManager), flags...)
	if err != nil {
		return err
	}
	s.resellerManager, err = sandbox.StartProcess(nameResellerManager, s.log(nameResellerManager), cmd, s.stopDemo)
	return err
}

// declareReseller makes the account, and a claim with the resource that names it.
func (s *stage) declareReseller(ctx context.Context) error {
	labels := map[string]string{resellerLabel: "blue"}
	account := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: reseller, Labels: labels}, Spec: v1alpha1.PartnerAccountSpec{
		PartnerAPIURL: s.vendor.Origin, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: reseller}, Messenger: emulator.WhatsApp, OwnerKey: "demo",
		AllowedNamespaces: &metav1.LabelSelector{MatchLabels: labels}, Limits: v1alpha1.PartnerLimits{MaxInstances: 2, MaxCreatesPerHour: 2}, Mode: v1alpha1.ModeCreateAndDelete,
	}}
	meta := metav1.ObjectMeta{Namespace: resellerNamespace, Name: bornLine, Labels: labels}
	line := &v1alpha1.WhatsAppInstance{ObjectMeta: meta}
	line.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: bornLine}
	line.Spec.Settings = &v1alpha1.WhatsAppSettings{}
	line.Spec.Settings.IncomingWebhook = new(true)
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: resellerNamespace, Labels: labels}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: sandbox.RoleNamespace, Name: reseller}, StringData: map[string]string{v1alpha1.DefaultPartnerTokenKey: s.partnerToken}},
		account, line,
		&v1alpha1.InstanceClaim{ObjectMeta: meta, Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: reseller}, DeletionPolicy: v1alpha1.DeletionDelete}},
	} {
		if err := s.admin.Create(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// claim shows a line that is born and dies declaratively, although the answer of the call that buys it is lost.
func (s *story) claim(ctx context.Context) {
	s.note("A team writes a claim on a partner account, and a WhatsAppInstance that names the claim. The answer of the call that buys the instance gets lost on its way.")
	s.do(ctx, "the claim is declared", func(ctx context.Context) error {
		fault := emulator.Fault{Method: "createInstance", Drop: true, AfterEffect: true}
		if err := s.vendor.Do(ctx, http.MethodPost, s.vendor.Origin+"/emulator/faults", fault, nil); err != nil {
			return err
		}
		if err := s.declareReseller(ctx); err != nil {
			return err
		}
		return s.startReseller(ctx)
	})
	s.check(ctx, line{text: "the list shows the instance, so it is taken and not bought again", expected: "1 instance sold, and Created True of the claim", within: listTime, look: s.lookForBorn})
	s.check(ctx, line{text: "born-line is configured with one setSettings; nobody has scanned a QR code, so Ready is True and Available False", expected: "1 setSettings, Ready True, Available False", within: soon, look: s.lookForConfigured})
	s.note("The team deletes both. Deleting the WhatsAppInstance calls nothing; the claim says deletionPolicy: Delete.")
	s.do(ctx, "both are deleted", func(ctx context.Context) error {
		meta := metav1.ObjectMeta{Namespace: resellerNamespace, Name: bornLine}
		if err := s.admin.Delete(ctx, &v1alpha1.WhatsAppInstance{ObjectMeta: meta}); err != nil {
			return err
		}
		return s.admin.Delete(ctx, &v1alpha1.InstanceClaim{ObjectMeta: meta})
	})
	s.check(ctx, line{text: "the instance is deleted at the vendor, once, and then the claim is gone", expected: "1 instance sold, 1 deleted, and no claim", within: listTime, look: s.lookForDead})
	s.do(ctx, "the team leaves", func(context.Context) error {
		s.resellerManager.Stop(time.Minute)
		s.resellerManager = nil
		return nil
	})
}

// ledger counts what the vendor sold and deleted.
func (s *story) ledger(ctx context.Context) (sold, deleted int, err error) {
	var entries []emulator.Entry
	if err := s.vendor.Do(ctx, http.MethodGet, s.vendor.Origin+"/emulator/ledger", nil, &entries); err != nil {
		return 0, 0, err
	}
	for _, entry := range entries {
		switch {
		case entry.What == emulator.EntryCreated && entry.Name == bornName:
			sold++
		case entry.What == emulator.EntryDeleted:
			deleted++
		}
	}
	return sold, deleted, nil
}

func (s *story) lookForBorn(ctx context.Context) (look, error) {
	sold, _, err := s.ledger(ctx)
	if err != nil {
		return look{}, err
	}
	claim := &v1alpha1.InstanceClaim{}
	if err := s.admin.Get(ctx, client.ObjectKey{Namespace: resellerNamespace, Name: bornLine}, claim); err != nil {
		return look{}, err
	}
	created := apimeta.IsStatusConditionTrue(claim.Status.Conditions, v1alpha1.CreatedCondition)
	seen := look{seen: fmt.Sprintf("%s sold, Created %t", plural(sold, "instance"), created)}
	switch {
	case sold > 1:
		seen.state = never
	case sold == 1 && created:
		seen.state = holds
	}
	return seen, nil
}

func (s *story) lookForConfigured(ctx context.Context) (look, error) {
	i := &v1alpha1.WhatsAppInstance{}
	if err := s.admin.Get(ctx, client.ObjectKey{Namespace: resellerNamespace, Name: bornLine}, i); err != nil || i.Status.IDInstance == 0 {
		return look{seen: "no number yet"}, err
	}
	calls, err := s.vendor.Calls(ctx, i.Status.IDInstance, sandbox.MethodSet, 0)
	if err != nil {
		return look{}, err
	}
	seen := look{seen: fmt.Sprintf("%s, %s", describe(calls), summary(i))}
	switch {
	case len(calls) > 1:
		seen.state = never
	case len(calls) == 1 && ready(i) && apimeta.IsStatusConditionFalse(i.Status.Conditions, v1alpha1.AvailableCondition):
		seen.state = holds
	}
	return seen, nil
}

func (s *story) lookForDead(ctx context.Context) (look, error) {
	sold, deleted, err := s.ledger(ctx)
	if err != nil {
		return look{}, err
	}
	list := &v1alpha1.InstanceClaimList{}
	if err := s.admin.List(ctx, list, client.InNamespace(resellerNamespace)); err != nil {
		return look{}, err
	}
	seen := look{seen: fmt.Sprintf("%s sold, %d deleted, %s", plural(sold, "instance"), deleted, plural(len(list.Items), "claim"))}
	switch {
	case sold > 1 || deleted > 1:
		seen.state = never
	case sold == 1 && deleted == 1 && len(list.Items) == 0:
		seen.state = holds
	}
	return seen, nil
}
