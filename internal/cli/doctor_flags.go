// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/sharding"
)

// managerFlags are the flags of a manager that doctor understands.
type managerFlags struct {
	hosts                   []string
	insecure                bool
	defaultURL              string
	namespaces              []string
	instances               string
	ring                    string
	secrets, webhookSecrets string
	proxy                   string
}

// flagsOf are the flags of the managers that were found, or the defaults.
func (e *examination) flagsOf() []managerFlags {
	var all []managerFlags
	for _, manager := range e.managers {
		all = append(all, readManagerFlags(argumentsOf(manager)))
	}
	if len(all) == 0 {
		all = append(all, readManagerFlags(nil))
	}
	return all
}

// argumentsOf are the arguments of a manager. Those of a Deployment whose manager cannot be told from its other containers
// are not known.
func argumentsOf(manager appsv1.Deployment) []string {
	var arguments []string
	containers := manager.Spec.Template.Spec.Containers
	for _, container := range containers {
		if container.Name == "manager" || len(containers) == 1 {
			arguments = slices.Concat(container.Command, container.Args)
		}
	}
	return arguments
}

func readManagerFlags(arguments []string) managerFlags {
	var flags managerFlags
	set := pflag.NewFlagSet("manager", pflag.ContinueOnError)
	set.ParseErrorsAllowlist.UnknownFlags = true
	set.Usage = func() {}
	set.StringSliceVar(&flags.hosts, "allowed-api-hosts", greenapi.DefaultAllowedHosts, "")
	set.BoolVar(&flags.insecure, "insecure-api", false, "")
	set.StringVar(&flags.defaultURL, "default-api-url", greenapi.DefaultURL, "")
	set.StringSliceVar(&flags.namespaces, "watch-namespaces", nil, "")
	set.StringVar(&flags.instances, "watch-label-selector", "", "")
	set.StringVar(&flags.ring, "shard-ring", "", "")
	set.StringVar(&flags.proxy, "api-proxy", "", "")
	set.StringVar(&flags.secrets, "secret-label-selector", "", "")
	set.StringVar(&flags.webhookSecrets, "webhook-secret-label-selector", "", "")
	_ = set.Parse(arguments) // what cannot be read keeps its default; the manager itself refuses it
	for i, namespace := range flags.namespaces {
		flags.namespaces[i] = strings.TrimSpace(namespace) // as the manager does
	}
	if slices.ContainsFunc(flags.namespaces, func(name string) bool { return strings.Contains(name, "$(") }) {
		flags.namespaces = nil // a variable of the container, whose value may be in a ConfigMap: it may be any namespace
	}
	return flags
}

// watches reports whether a manager with these flags looks after a resource.
func (f managerFlags) watches(object client.Object) bool {
	_, assigned := object.GetLabels()[sharding.Ring{Name: f.ring}.ShardLabel()]
	return (len(f.namespaces) == 0 || slices.Contains(f.namespaces, object.GetNamespace())) && selects(f.instances, object) &&
		(assigned || f.ring == "")
}

// selects reports whether an object has the labels that a selector wants; one that cannot be read selects all.
func selects(selector string, object client.Object) bool {
	parsed, err := labels.Parse(selector)
	return err != nil || parsed.Matches(labels.Set(object.GetLabels()))
}
