// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package managerflags tells from a Deployment of the manager how that manager was told to work.
package managerflags

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

// The label that Deployments of the manager have.
const (
	Label = "app.kubernetes.io/name"
	Name  = "greenapi-operator"
)

// Flags are those flags of a manager that the plugin understands. Each is named after its flag.
type Flags struct {
	AllowedAPIHosts            []string
	InsecureAPI                bool
	DefaultAPIURL              string
	APIProxy                   string
	WatchNamespaces            []string
	WatchLabelSelector         string
	ShardRing                  string
	SecretLabelSelector        string
	WebhookSecretLabelSelector string
	FleetLabel                 string
	PartnerAccounts            bool
}

// Defaults returns the flags of a manager that was given none.
func Defaults() Flags { return read(nil) }

// Of returns the flags of the manager of a Deployment.
func Of(manager appsv1.Deployment) Flags { return read(argumentsOf(manager)) }

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

func read(arguments []string) Flags {
	var flags Flags
	set := pflag.NewFlagSet("manager", pflag.ContinueOnError)
	set.ParseErrorsAllowlist.UnknownFlags = true
	set.Usage = func() {}
	set.StringSliceVar(&flags.AllowedAPIHosts, "allowed-api-hosts", greenapi.DefaultAllowedHosts, "")
	set.BoolVar(&flags.InsecureAPI, "insecure-api", false, "")
	set.StringVar(&flags.DefaultAPIURL, "default-api-url", greenapi.DefaultURL, "")
	set.StringSliceVar(&flags.WatchNamespaces, "watch-namespaces", nil, "")
	set.StringVar(&flags.WatchLabelSelector, "watch-label-selector", "", "")
	set.StringVar(&flags.ShardRing, "shard-ring", "", "")
	set.StringVar(&flags.APIProxy, "api-proxy", "", "")
	set.StringVar(&flags.SecretLabelSelector, "secret-label-selector", "", "")
	set.StringVar(&flags.WebhookSecretLabelSelector, "webhook-secret-label-selector", "", "")
	set.StringVar(&flags.FleetLabel, "fleet-label", "", "")
	set.BoolVar(&flags.PartnerAccounts, "partner-accounts", false, "")
	_ = set.Parse(arguments) // what cannot be read keeps its default; the manager itself refuses it
	for i, namespace := range flags.WatchNamespaces {
		flags.WatchNamespaces[i] = strings.TrimSpace(namespace) // as the manager does
	}
	if slices.ContainsFunc(flags.WatchNamespaces, func(name string) bool { return strings.Contains(name, "$(") }) {
		flags.WatchNamespaces = nil // a variable of the container, whose value may be in a ConfigMap: it may be any namespace
	}
	return flags
}

// Watches reports whether a manager with these flags looks after a resource.
func (f Flags) Watches(object client.Object) bool {
	_, assigned := object.GetLabels()[sharding.Ring{Name: f.ShardRing}.ShardLabel()]
	return (len(f.WatchNamespaces) == 0 || slices.Contains(f.WatchNamespaces, object.GetNamespace())) && Selects(f.WatchLabelSelector, object) &&
		(assigned || f.ShardRing == "")
}

// Selects reports whether an object has the labels that a selector wants; one that cannot be read selects all.
func Selects(selector string, object client.Object) bool {
	parsed, err := labels.Parse(selector)
	return err != nil || parsed.Matches(labels.Set(object.GetLabels()))
}
