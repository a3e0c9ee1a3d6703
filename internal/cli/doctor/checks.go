// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// checks makes all checks, in the order in which one trouble leads to the next.
func (e *examination) checks() []Check {
	list := []Check{e.checkDefinitions(), e.checkManager(), e.checkLeader()}
	if e.rights.asked > 0 {
		list = append(list, e.checkRights())
	}
	about := []func() Check{e.checkSecrets, e.checkHosts, e.checkDuplicates, e.checkLookedAfter, e.checkStalled, e.checkMessengers}
	for i, name := range []string{"Secrets", "Hosts", "Duplicates", "Looked after", "Stalled", "Messengers"} {
		if err := e.instancesErr; err != nil {
			list = append(list, skipped(name, e.whyNoInstances()))
			continue
		}
		list = append(list, about[i]())
	}
	if e.partner.any && e.instancesErr == nil {
		list = append(list, e.checkPartner(), e.checkAccounts(), e.checkClaims())
	}
	return list
}

func (e *examination) whyNoInstances() string {
	if apierrors.IsForbidden(e.instancesErr) {
		return "you may not list instances"
	}
	return "the CRDs are not installed"
}

func skipped(name, why string) Check {
	return Check{Name: name, Verdict: Skipped, Message: "not looked at: " + why}
}

// fewNames is how many names a line has; of more only the number.
const fewNames = 8

// namesOf lists resources in a line.
func namesOf(instances []v1alpha1.Instance) string {
	var names []string
	for i, resource := range instances {
		if i == fewNames {
			names = append(names, fmt.Sprintf("and %d more", len(instances)-fewNames))
			break
		}
		names = append(names, instance.KindOf(resource).ShortName+" "+resource.GetNamespace()+"/"+resource.GetName())
	}
	return strings.Join(names, ", ")
}

// checkHosts says whether each address is one that a manager sends tokens to. Where the vendor has accepted a token,
// some manager did, so the flags are not asked.
func (e *examination) checkHosts() Check {
	flags := e.running
	from := "the manager's flags"
	if len(e.managers) == 0 {
		from = "the defaults, as the manager's flags are not known"
	}
	c := Check{Name: "Hosts", Verdict: OK, Message: "every apiUrl is in use already, or allowed by " + from}
	for _, resource := range e.instances {
		if apimeta.IsStatusConditionTrue(resource.InstanceStatus().Conditions, v1alpha1.CredentialsValidCondition) {
			continue
		}
		var refused error
		for _, one := range flags {
			origin, err := instance.OriginSeen(resource, one.DefaultAPIURL)
			if err == nil {
				err = origin.CheckAllowed(one.AllowedAPIHosts, one.InsecureAPI)
			}
			if refused = err; err == nil {
				break
			}
		}
		if refused != nil {
			c.Details = append(c.Details, advice.Title(resource)+": "+refused.Error())
		}
	}
	if len(c.Details) > 0 {
		c.Verdict, c.Message = Problem, fmt.Sprintf("not allowed by %s: %d", from, len(c.Details))
		if len(e.managers) == 0 {
			c.Verdict = Warning
		}
		c.Details = append(c.Details, "Correct spec.apiUrl (the vendor's console shows it), or add the host to the manager's --allowed-api-hosts")
	}
	return c
}

// checkDuplicates says whether several resources are about one instance.
func (e *examination) checkDuplicates() Check {
	c := Check{Name: "Duplicates", Verdict: OK, Message: "no two resources are about one instance"}
	flags := e.running[0]
	groups := map[string][]v1alpha1.Instance{}
	for _, resource := range e.instances {
		number := instance.Number(resource)
		if origin, err := instance.OriginSeen(resource, flags.DefaultAPIURL); err == nil && number != 0 {
			key := fmt.Sprintf("%d at %s", number, origin.Identity())
			groups[key] = append(groups[key], resource)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		if group := groups[key]; len(group) > 1 {
			c.Verdict = Problem
			c.Details = append(c.Details, fmt.Sprintf("%d: %s", instance.Number(group[0]), namesOf(group)))
		}
	}
	if c.Verdict == Problem {
		c.Message = fmt.Sprintf("instances that several resources are about: %d", len(c.Details))
		c.Details = append(c.Details, "Delete all but one of each; deleting calls nothing at the vendor")
	}
	return c
}

// groupBy groups resources by the reason of a condition that has a status.
func (e *examination) groupBy(condition, status string) map[string][]v1alpha1.Instance {
	groups := map[string][]v1alpha1.Instance{}
	for _, instance := range e.instances {
		if c := apimeta.FindStatusCondition(instance.InstanceStatus().Conditions, condition); c != nil && string(c.Status) == status {
			groups[c.Reason] = append(groups[c.Reason], instance)
		}
	}
	return groups
}

// checkStalled says where a person has to act before the operator goes on.
func (e *examination) checkStalled() Check {
	c := Check{Name: "Stalled", Verdict: OK, Message: "none waits for a person"}
	groups := e.groupBy(v1alpha1.StalledCondition, "True")
	n := 0
	for _, reason := range slices.Sorted(maps.Keys(groups)) {
		n += len(groups[reason])
		c.Details = append(c.Details, forGroup(v1alpha1.StalledCondition, reason, groups[reason])...)
	}
	if n > 0 {
		c.Verdict, c.Message = Problem, fmt.Sprintf("waiting for a person: %d", n)
	}
	return c
}

// checkMessengers says whose account does not work. The operator can do nothing about it, so it is a warning.
func (e *examination) checkMessengers() Check {
	c := Check{Name: "Messengers", Verdict: OK, Message: "every account that was looked at works"}
	groups := e.groupBy(v1alpha1.AvailableCondition, "False")
	n := 0
	for _, reason := range slices.Sorted(maps.Keys(groups)) {
		if reason != v1alpha1.ReasonStarting && reason != v1alpha1.ReasonCreating { // these pass
			n += len(groups[reason])
			c.Details = append(c.Details, forGroup(v1alpha1.AvailableCondition, reason, groups[reason])...)
		}
	}
	if n > 0 {
		c.Verdict, c.Message = Warning, fmt.Sprintf("accounts that do not work: %d", n)
	}
	return c
}

// forGroup words what to do about several resources whose condition has one reason.
func forGroup(condition, reason string, group []v1alpha1.Instance) []string {
	next := advice.NextStep(reason)
	if len(group) == 1 {
		next = advice.For(group[0], reason)
	}
	lines := []string{fmt.Sprintf("%s (%d): %s", reason, len(group), namesOf(group))}
	if advice.NeedsMessage(next) {
		var messages []string
		for _, instance := range group {
			if c := apimeta.FindStatusCondition(instance.InstanceStatus().Conditions, condition); c != nil && len(messages) < fewNames && !slices.Contains(messages, c.Message) {
				messages = append(messages, c.Message)
			}
		}
		for _, message := range messages {
			lines = append(lines, "  "+advice.Sentence(message))
		}
	}
	next = strings.NewReplacer("{it}", "NAME -n NAMESPACE", "{namespace}", "NAMESPACE", "{secret}", "of spec.apiTokenSecretRef").Replace(next)
	return append(lines, "  "+next)
}
