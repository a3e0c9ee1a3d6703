// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
)

// Claims and partner accounts are no instances: nothing is read of them at the vendor, and most verbs are not about them. status and
// events show them all the same.

// paper is a claim or a partner account.
type paper interface {
	client.Object
	// assess says how it is.
	assess(now time.Time) advice.Assessment
	conditions() []metav1.Condition
	// bare is the resource itself.
	bare() client.Object
	// record is what its status tells beside events and conditions.
	record() []happening
}

// paperKind is what differs between claims and partner accounts.
type paperKind struct {
	// name, plural and short are those of the API, one and many what people say.
	name, plural, short, one, many string
	namespaced                     bool
	newObject                      func() client.Object
	newList                        func() client.ObjectList
	// of makes one of a typed resource.
	of func(runtime.Object) (paper, bool)
}

var (
	claimKind = &paperKind{name: "InstanceClaim", plural: "instanceclaims", short: "gic", one: "claim", many: "claims", namespaced: true,
		newObject: func() client.Object { return &v1alpha1.InstanceClaim{} },
		newList:   func() client.ObjectList { return &v1alpha1.InstanceClaimList{} },
		of: func(object runtime.Object) (paper, bool) {
			claim, ok := object.(*v1alpha1.InstanceClaim)
			return claimPaper{claim}, ok
		}}
	accountKind = &paperKind{name: "PartnerAccount", plural: "partneraccounts", short: "gpa", one: "account", many: "accounts",
		newObject: func() client.Object { return &v1alpha1.PartnerAccount{} },
		newList:   func() client.ObjectList { return &v1alpha1.PartnerAccountList{} },
		of: func(object runtime.Object) (paper, bool) {
			account, ok := object.(*v1alpha1.PartnerAccount)
			return accountPaper{account}, ok
		}}
)

// titleOf names a claim or an account in messages.
func titleOf(one paper) string {
	kind := accountKind
	if _, ok := one.(claimPaper); ok {
		kind = claimKind
	}
	return kind.name + " " + strings.TrimPrefix(client.ObjectKeyFromObject(one).String(), "/")
}

// paperKindCalled returns the kind that people call so, nil if there is none.
func paperKindCalled(word string) *paperKind {
	for _, kind := range []*paperKind{claimKind, accountKind} {
		if slices.ContainsFunc([]string{kind.name, kind.plural, kind.short, kind.one, kind.many}, func(name string) bool { return strings.EqualFold(name, word) }) {
			return kind
		}
	}
	return nil
}

// papersNamed reads arguments that are about claims or accounts: KIND/NAME..., KIND NAME..., or KIND alone for all of them. The kind is
// nil if they are about instances.
func papersNamed(arguments []string) (*paperKind, []string, error) {
	if len(arguments) == 0 {
		return nil, nil, nil
	}
	if kind := paperKindCalled(arguments[0]); kind != nil && !strings.Contains(strings.Join(arguments, ""), "/") {
		return kind, arguments[1:], nil
	}
	var kinds []*paperKind
	var names []string
	for _, argument := range arguments {
		word, name := splitArgument(argument)
		kinds, names = append(kinds, paperKindCalled(word)), append(names, name)
	}
	kind := kinds[0]
	switch {
	case slices.ContainsFunc(kinds, func(other *paperKind) bool { return other != kind }):
		return nil, nil, failf("Ask for one kind after the other", "Instances, claims and accounts are shown apart")
	case kind != nil && slices.Contains(names, ""):
		return nil, nil, failf("Write "+kind.one+"/NAME, or "+kind.many+" for all", "%q names no %s", kind.one+"/", kind.one)
	case kind == nil:
		return nil, nil, nil
	}
	return kind, names, nil
}

// nameOfPaper is the rule of verbs that are about one claim or account.
func nameOfPaper(command *cobra.Command, kind *paperKind, names []string) error {
	if len(names) == 1 {
		return nil
	}
	return failf("Write "+command.CommandPath()+" "+kind.one+"/NAME; kubectl greenapi status "+kind.many+" lists the names", "%s is about one %s, and %d names were given", command.Name(), kind.one, len(names))
}

// findPaper returns the claim or account of a name.
func (s *session) findPaper(ctx context.Context, cluster client.Reader, kind *paperKind, name string) (paper, error) {
	key, where := client.ObjectKey{Name: name}, ""
	if kind.namespaced {
		namespace, err := s.namespace()
		if err != nil {
			return nil, err
		}
		key.Namespace, where = namespace, " in namespace "+namespace
	}
	object := kind.newObject()
	switch err := cluster.Get(ctx, key, object); {
	case apierrors.IsNotFound(err):
		return nil, failf("List what there is: kubectl greenapi status "+kind.many, "There is no %s %s%s", kind.one, name, where)
	case err != nil:
		return nil, explain(err, kind.name+" "+strings.TrimPrefix(key.String(), "/"))
	}
	found, _ := kind.of(object)
	return found, nil
}

// findPapers returns those that are named, or else those of the selection, sorted by namespace and name.
func (s *session) findPapers(ctx context.Context, cluster client.Reader, kind *paperKind, names []string, by selection) ([]paper, error) {
	if len(names) > 0 && (by.allNamespaces || by.labels != "") {
		return nil, failf("Give names, or choose by -A and -l", "Names go with neither --all-namespaces nor --selector")
	}
	var found []paper
	for _, name := range names {
		one, err := s.findPaper(ctx, cluster, kind, name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(found, func(other paper) bool { return other.GetUID() == one.GetUID() }) {
			found = append(found, one)
		}
	}
	if len(names) > 0 {
		return found, nil
	}
	selector, err := labels.Parse(by.labels)
	if err != nil {
		return nil, failf("Write it as for kubectl get, such as -l team=shop", "--selector %q cannot be read: %s", by.labels, err)
	}
	options := []client.ListOption{client.MatchingLabelsSelector{Selector: selector}}
	if kind.namespaced && !by.allNamespaces {
		namespace, err := s.namespace()
		if err != nil {
			return nil, err
		}
		options = append(options, client.InNamespace(namespace))
	}
	if found, err = listPapers(ctx, cluster, kind, options); err != nil {
		return nil, explain(err, "The list of "+kind.name)
	}
	slices.SortStableFunc(found, func(a, b paper) int {
		return strings.Compare(a.GetNamespace()+"/"+a.GetName(), b.GetNamespace()+"/"+b.GetName())
	})
	return found, nil
}

// listPapers lists claims or accounts, in chunks.
func listPapers(ctx context.Context, cluster client.Reader, kind *paperKind, options []client.ListOption) ([]paper, error) {
	var found []paper
	for next := ""; ; {
		list := kind.newList()
		err := cluster.List(ctx, list, append(slices.Clone(options), client.Limit(chunk), client.Continue(next))...)
		if apierrors.IsResourceExpired(err) && next != "" {
			// The list took so long that its snapshot is gone: begin anew.
			found, next = nil, ""
			continue
		}
		if err != nil {
			return nil, err
		}
		_ = apimeta.EachListItem(list, func(object runtime.Object) error {
			if one, ok := kind.of(object); ok {
				found = append(found, one)
			}
			return nil
		})
		if next = list.GetContinue(); next == "" {
			return found, nil
		}
	}
}
