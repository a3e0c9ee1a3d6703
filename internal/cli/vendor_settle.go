// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// vendorVariables are the variables of the environment by which flags about the vendor are set.
var vendorVariables = map[string]string{
	"api-proxy":         "GREENAPI_API_PROXY",
	"allowed-api-hosts": "GREENAPI_ALLOWED_API_HOSTS",
	"insecure-api":      "GREENAPI_INSECURE_API",
	"default-api-url":   "GREENAPI_DEFAULT_API_URL",
	"api-timeout":       "GREENAPI_API_TIMEOUT",
}

// longestLookup is how long the manager's flags are looked for, which are a convenience only.
const longestLookup = 5 * time.Second

// settle finds the values of flags that were not given: those of the environment, else those of the manager. cluster is nil
// where there is none.
func (v *vendorFlags) settle(ctx context.Context, s *session, cluster client.Reader) error {
	var open []string
	for _, name := range []string{"api-proxy", "allowed-api-hosts", "insecure-api", "default-api-url", "api-timeout"} {
		variable := vendorVariables[name]
		text, there := os.LookupEnv(variable)
		switch {
		case v.set.Changed(name):
		case !there || text == "":
			open = append(open, name)
		default:
			// What is not understood is not quoted: it may hold a password.
			if v.set.Set(name, text) != nil {
				return failf("Write it as for --"+name, "The variable %s cannot be read", variable)
			}
		}
	}
	if cluster != nil && slices.ContainsFunc(open, func(name string) bool { return name != "api-timeout" }) {
		v.byManager(ctx, s, cluster, open)
	}
	if v.proxy == "" {
		return nil
	}
	through, err := greenapi.ParseProxy(v.proxy)
	if err != nil {
		return failf("Correct it, or its variable GREENAPI_API_PROXY", "--api-proxy %s", err)
	}
	v.through = through
	return nil
}

// byManager takes flags of the manager. Whoever can make a Deployment with its label in any namespace could say by that
// where tokens go, so they count only if all namespaces were seen and all that were found say the same.
func (v *vendorFlags) byManager(ctx context.Context, s *session, cluster client.Reader, open []string) {
	ctx, stop := context.WithTimeout(ctx, longestLookup)
	defer stop()
	managers := &appsv1.DeploymentList{}
	if cluster.List(ctx, managers, client.MatchingLabels{managerflags.Label: managerflags.Name}) != nil || len(managers.Items) == 0 {
		return
	}
	first := vendorValues(managers.Items[0])
	for _, manager := range managers.Items[1:] {
		if other := vendorValues(manager); !slices.Equal(first, other) {
			fmt.Fprintln(s.ErrOut, "warning: several managers have different flags about the vendor's API, so none of them is taken; give --api-proxy, --allowed-api-hosts and the like")
			return
		}
	}
	var taken []string
	for i, name := range managerVendorFlags {
		flag := v.set.Lookup(name)
		if !slices.Contains(open, name) || flag == nil || strings.Contains(first[i], "$(") || first[i] == strings.Trim(flag.DefValue, "[]") {
			continue
		}
		if v.set.Set(name, first[i]) == nil {
			taken = append(taken, "--"+name)
		}
	}
	flags := managerflags.Of(managers.Items[0])
	v.secrets, v.webhookSecrets = flags.SecretLabelSelector, flags.WebhookSecretLabelSelector
	if len(taken) > 0 {
		fmt.Fprintf(s.ErrOut, "note: %s as Deployment %s/%s has it\n", strings.Join(taken, ", "), managers.Items[0].Namespace, managers.Items[0].Name)
	}
}

// managerVendorFlags are the manager's flags about the vendor's API that the plugin has too, in the order of vendorValues, which has
// the labels of Secrets besides.
var managerVendorFlags = []string{"api-proxy", "allowed-api-hosts", "insecure-api", "default-api-url"}

func vendorValues(manager appsv1.Deployment) []string {
	flags := managerflags.Of(manager)
	return []string{flags.APIProxy, strings.Join(flags.AllowedAPIHosts, ","), fmt.Sprint(flags.InsecureAPI), flags.DefaultAPIURL,
		flags.SecretLabelSelector, flags.WebhookSecretLabelSelector}
}
