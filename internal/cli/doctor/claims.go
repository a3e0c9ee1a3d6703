// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// howToSwitchOn ends an advice to let a manager look after partner accounts.
const howToSwitchOn = "by Helm partnerAccounts.enabled=true, by kustomize config/partner in place of config/default (docs/partneraccount.md)"

// checkPartner says whether a manager looks after claims and accounts, and may.
func (e *examination) checkPartner() Check {
	c := Check{Name: "Partner", Verdict: OK}
	managers := e.sellers()
	switch {
	case len(e.managers) == 0 && apierrors.IsForbidden(e.managersErr):
		return skipped(c.Name, "you may not list deployments in all namespaces, so whether a manager has --partner-accounts is not known")
	case len(e.managers) == 0:
		return skipped(c.Name, "no manager was found whose flags tell whether it has --partner-accounts")
	case len(managers) == 0:
		c.Verdict, c.Message = Problem, "no manager that was found has --partner-accounts, so nobody looks after claims and partner accounts"
		if e.mayBeOthers() {
			c.Verdict = Warning
			c.Details = append(c.Details, "If a manager that you may not see, or one outside this cluster, has it, all is well. Else:")
		}
		c.Details = append(c.Details, "Switch it on, with its roles: "+howToSwitchOn)
		return c
	case len(e.partner.missing) > 0:
		c.Verdict, c.Message = Problem, "the manager may not do what --partner-accounts needs"
		c.Details = append(slices.Clone(e.partner.missing), "Install its roles: "+howToSwitchOn)
		return c
	}
	var names []string
	for _, manager := range managers {
		names = append(names, manager.Namespace+"/"+manager.Name)
	}
	c.Message = "Deployment " + strings.Join(names, ", ") + " looks after claims and partner accounts"
	switch err := e.partner.rightsErr; {
	case apierrors.IsForbidden(err):
		c.Message += " (whether it may is not known: you may not create subjectaccessreviews)"
	case err != nil:
		c.Message += " (whether it may is not known: " + err.Error() + ")"
	default:
		c.Message += ", and has its roles"
	}
	return c
}

// checkAccounts says which accounts cannot be used, and what is paid for and claimed by nobody.
func (e *examination) checkAccounts() Check {
	f := &e.partner
	c := Check{Name: "Accounts", Verdict: OK}
	if f.accountsErr != nil && len(f.accounts) == 0 {
		return skipped(c.Name, whyUnseen(f.accountsErr, "partneraccounts"))
	}
	bad, unclaimed, n := 0, 0, 0
	for _, name := range slices.Sorted(maps.Keys(f.accounts)) {
		account := f.accounts[name]
		if account == nil {
			continue // the check of claims tells
		}
		n++
		how := advice.AssessAccount(account, e.Now)
		switch wrong := f.tokens[name]; {
		case wrong != "":
			bad++
			c.Details = append(c.Details, fmt.Sprintf("PartnerAccount %s: %s", name, wrong))
		case how.Mood == advice.NeedsYou:
			bad++
			_, why, _ := strings.Cut(how.Headline, ": ")
			c.Details = append(c.Details, fmt.Sprintf("PartnerAccount %s: %s", name, why), "  "+how.Steps[0])
		}
		if step := advice.Unclaimed(account); step != "" {
			unclaimed += int(account.Status.Instances.Unclaimed)
			c.Details = append(c.Details, fmt.Sprintf("PartnerAccount %s: %d of %d living instances are claimed by nobody", name, account.Status.Instances.Unclaimed, account.Status.Instances.Living), "  "+step)
		}
	}
	switch {
	case bad > 0:
		c.Verdict, c.Message = Problem, fmt.Sprintf("of %d, %d cannot be used", n, bad)
	case unclaimed > 0:
		c.Verdict, c.Message = Warning, fmt.Sprintf("instances that are paid for and claimed by nobody: %d", unclaimed)
	default:
		c.Message = fmt.Sprintf("nothing is wrong with any (%d)", n)
	}
	if f.unread > 0 {
		c.Message += fmt.Sprintf(" (the Secrets with partner tokens may not be read: %d)", f.unread)
	}
	return c
}

// checkClaims says which claims wait for a person, and which resources name one that is not there.
func (e *examination) checkClaims() Check {
	f := &e.partner
	c := Check{Name: "Claims", Verdict: OK}
	if f.claimsErr != nil {
		return skipped(c.Name, whyUnseen(f.claimsErr, "instanceclaims"))
	}
	for _, judge := range []func(*Check){e.judgeDangling, e.judgeNamespaces, e.judgeStalledClaims, e.judgeUnseenClaims, e.judgeLimits} {
		judge(&c)
	}
	have := 0
	for i := range f.claims {
		if apimeta.IsStatusConditionTrue(f.claims[i].Status.Conditions, v1alpha1.CreatedCondition) {
			have++
		}
	}
	c.Message = fmt.Sprintf("%d of %d have their instance", have, len(f.claims))
	switch {
	case c.Verdict == Problem:
		c.Message += ", and somebody has to act"
	case c.Verdict == Warning:
		c.Message += ", and the account's limits hold others"
	case have < len(f.claims):
		c.Message += ", the operator is at work on the others"
	}
	return c
}

// judgeDangling tells of resources that name a claim which is not there, and claims that name an account which is not.
func (e *examination) judgeDangling(c *Check) {
	n := len(c.Details)
	for _, resource := range e.instances {
		if name := instance.ClaimName(resource); name != "" && e.partner.claimOf(resource) == nil {
			c.Details = append(c.Details, fmt.Sprintf("%s names InstanceClaim %s, which is not there", advice.Title(resource), name))
		}
	}
	if len(c.Details) > n {
		c.worsen(Problem)
		c.Details = append(c.Details, "  Write the manifest of the claim and apply it in the namespace of the resource, or delete the resource; deleting calls nothing at the vendor")
	}
	n = len(c.Details)
	for i := range e.partner.claims {
		claim := &e.partner.claims[i]
		if account, seen := e.partner.accounts[claim.Spec.AccountRef.Name]; seen && account == nil {
			c.Details = append(c.Details, fmt.Sprintf("InstanceClaim %s/%s names PartnerAccount %s, which is not there", claim.Namespace, claim.Name, claim.Spec.AccountRef.Name))
		}
	}
	if len(c.Details) > n {
		c.worsen(Problem)
		c.Details = append(c.Details, "  Create the account, or delete the claim and make one that names another account")
	}
}

// judgeNamespaces tells which namespaces an account lets no claims of, and what label would change that.
func (e *examination) judgeNamespaces(c *Check) {
	told := map[string]bool{}
	for i := range e.partner.claims {
		claim := &e.partner.claims[i]
		account, has := e.partner.accounts[claim.Spec.AccountRef.Name], e.partner.labels[claim.Namespace]
		if account == nil || has == nil || claim.Status.IDInstance != 0 {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(account.Spec.AllowedNamespaces)
		line := fmt.Sprintf("PartnerAccount %s lets no claims of namespace %s", account.Name, claim.Namespace)
		if told[line] || err == nil && selector.Matches(labels.Set(has)) {
			continue
		}
		told[line] = true
		c.worsen(Problem)
		c.Details = append(c.Details, line, "  "+howToAllow(account, claim.Namespace))
	}
}

// howToAllow words how an account lets a namespace have claims.
func howToAllow(account *v1alpha1.PartnerAccount, namespace string) string {
	selector := account.Spec.AllowedNamespaces
	if selector == nil || len(selector.MatchExpressions) > 0 || len(selector.MatchLabels) == 0 {
		return "Have those who run the operator select it in spec.allowedNamespaces of the account; {} selects all"
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(selector.MatchLabels)) {
		pairs = append(pairs, key+"="+selector.MatchLabels[key])
	}
	return "Have those who run the operator label it: kubectl label namespace " + namespace + " " + strings.Join(pairs, " ")
}

// judgeStalledClaims tells which claims wait for a person.
func (e *examination) judgeStalledClaims(c *Check) {
	groups := map[string][]*v1alpha1.InstanceClaim{}
	for i := range e.partner.claims {
		claim := &e.partner.claims[i]
		if stalled := apimeta.FindStatusCondition(claim.Status.Conditions, v1alpha1.StalledCondition); stalled != nil {
			groups[stalled.Reason] = append(groups[stalled.Reason], claim)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(groups)) {
		c.worsen(Problem)
		c.Details = append(c.Details, forClaims(reason, v1alpha1.StalledCondition, groups[reason])...)
	}
}

// judgeUnseenClaims tells which claims nobody looked at.
func (e *examination) judgeUnseenClaims(c *Check) {
	var unseen []*v1alpha1.InstanceClaim
	for i := range e.partner.claims {
		if claim := &e.partner.claims[i]; len(claim.Status.Conditions) == 0 && e.Now.Sub(claim.CreationTimestamp.Time) > advice.UnseenAfter {
			unseen = append(unseen, claim)
		}
	}
	if len(unseen) > 0 {
		c.worsen(Problem)
		c.Details = append(c.Details, fmt.Sprintf("Never looked at (%d): %s", len(unseen), namesOfClaims(unseen)),
			"  Has a manager --partner-accounts, and does it watch their namespaces (--watch-namespaces)? What it lacks is said above, or in its log")
	}
}

// judgeLimits tells which claims the limits of an account hold.
func (e *examination) judgeLimits(c *Check) {
	var held []*v1alpha1.InstanceClaim
	for i := range e.partner.claims {
		claim := &e.partner.claims[i]
		if created := apimeta.FindStatusCondition(claim.Status.Conditions, v1alpha1.CreatedCondition); created != nil && created.Reason == v1alpha1.ReasonLimitReached {
			held = append(held, claim)
		}
	}
	if len(held) > 0 {
		c.worsen(Warning)
		c.Details = append(c.Details, forClaims(v1alpha1.ReasonLimitReached, v1alpha1.CreatedCondition, held)...)
	}
}

// namesOfClaims lists claims in a line.
func namesOfClaims(claims []*v1alpha1.InstanceClaim) string {
	var names []string
	for i, claim := range claims {
		if i == fewNames {
			names = append(names, fmt.Sprintf("and %d more", len(claims)-fewNames))
			break
		}
		names = append(names, "gic "+claim.Namespace+"/"+claim.Name)
	}
	return strings.Join(names, ", ")
}

// forClaims words what to do about several claims whose condition has one reason, after what it says of the first ones.
func forClaims(reason, condition string, group []*v1alpha1.InstanceClaim) []string {
	lines := []string{fmt.Sprintf("%s (%d): %s", reason, len(group), namesOfClaims(group))}
	var messages []string
	for _, claim := range group {
		found := apimeta.FindStatusCondition(claim.Status.Conditions, condition)
		if found != nil && found.Message != "" && len(messages) < fewNames && !slices.Contains(messages, found.Message) {
			messages = append(messages, found.Message)
			lines = append(lines, "  "+advice.Sentence(found.Message))
		}
	}
	one := group[0].DeepCopy()
	if len(group) > 1 {
		one.Name, one.Namespace = "NAME", "NAMESPACE"
	}
	if slices.ContainsFunc(group, func(claim *v1alpha1.InstanceClaim) bool { return claim.Spec.AccountRef != one.Spec.AccountRef }) {
		one.Spec.AccountRef.Name = "ACCOUNT"
	}
	return append(lines, "  "+cmp.Or(advice.ForClaim(one, reason), "See kubectl greenapi status claims"))
}
