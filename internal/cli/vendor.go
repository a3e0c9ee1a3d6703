// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// vendorFlags say how a verb that calls the vendor may do so. They are the operator's own flags of the same names.
type vendorFlags struct {
	hosts      []string
	insecure   bool
	defaultURL string
	proxy      string
	timeout    time.Duration

	// set are the flags of the command line, for settle to see which were given.
	set *pflag.FlagSet
	// through is the proxy, once settle has read it.
	through *url.URL
	// secrets and webhookSecrets are the labels that the manager wants of Secrets, "" for any or where that is not known.
	secrets, webhookSecrets string
}

func (v *vendorFlags) bind(command *cobra.Command) {
	f := command.Flags()
	v.set = f
	f.StringVar(&v.proxy, "api-proxy", "", "HTTP proxy for calls to the vendor, such as http://egress.example:3128; HTTPS_PROXY is ignored")
	f.StringSliceVar(&v.hosts, "allowed-api-hosts", greenapi.DefaultAllowedHosts, "Hosts a token may be sent to; *. matches any labels below")
	f.BoolVar(&v.insecure, "insecure-api", false, "Permit http://, other ports than 443, and private or loopback addresses; for the emulator only")
	f.StringVar(&v.defaultURL, "default-api-url", greenapi.DefaultURL, "Origin of the API where neither spec nor status of the instance name one")
	f.DurationVar(&v.timeout, "api-timeout", 15*time.Second, "How long one call to the vendor may take")
}

// open makes the vendor's client of these flags. Nothing is called yet.
func (v *vendorFlags) open() *greenapi.Client {
	return greenapi.New(greenapi.Options{Timeout: v.timeout, AllowedHosts: v.hosts, Insecure: v.insecure, Proxy: v.through, UserAgent: userAgent()})
}

// connect reaches the instance of a resource with the token in its Secret, which the caller must be allowed to read.
// No text of the vendor's will show what is to be concealed, nor the token.
func (s *session) connect(ctx context.Context, cluster client.Reader, resource v1alpha1.Instance, flags vendorFlags, conceal ...string) (*greenapi.Instance, error) {
	resource, err := withClaim(ctx, cluster, resource)
	if err != nil {
		return nil, err
	}
	origin, err := instance.OriginSeen(resource, flags.defaultURL)
	if err != nil {
		return nil, failf("Correct spec.apiUrl", "%s: %s", advice.Title(resource), err)
	}
	target := instance.Target(resource, origin, plan.Wishes(resource.TypedSettings()))
	target.Conceal, target.HideNumbers = conceal, instance.AccountDetailsSeen(resource) != v1alpha1.AccountFull
	vendor := flags.open()
	// The address is checked before the Secret is read: a token that may not be sent need not be known.
	if _, err := vendor.Instance(target); err != nil {
		return nil, failf("Correct spec.apiUrl, or allow the host by --allowed-api-hosts", "%s: %s", advice.Title(resource), err)
	}
	ref := instance.APITokenRef(resource)
	value, err := flags.apiToken(ctx, cluster, resource)
	if err != nil {
		return nil, err
	}
	target.Token = strings.TrimSpace(value)
	if !greenapi.ValidToken(target.Token) {
		return nil, failf("Copy apiTokenInstance from the vendor's console into it", "%s: key %q of Secret %q does not hold an API token",
			advice.Title(resource), ref.Key, ref.Name)
	}
	return vendor.Instance(target)
}

// apiToken reads the value that a resource names as its API token.
func (v *vendorFlags) apiToken(ctx context.Context, cluster client.Reader, resource v1alpha1.Instance) (string, error) {
	ref := instance.APITokenRef(resource)
	secret, err := readSecret(ctx, cluster, resource, ref.Name)
	if err != nil {
		return "", err
	}
	if why := v.unlabeled(secret, false); why != "" {
		return "", failf("Label it so", "%s: %s", advice.Title(resource), why)
	}
	value, ok := secret.Data[ref.Key]
	if !ok {
		return "", failf("Add it, or name another key in the spec", "%s: Secret %q has no key %q", advice.Title(resource), ref.Name, ref.Key)
	}
	return string(value), nil
}

// unlabeled says why the manager does not read a Secret, "" if it does as far as is known. webhook: it is for a webhook token.
func (v *vendorFlags) unlabeled(secret *corev1.Secret, webhook bool) string {
	const text = "Secret %q has not the labels that the manager's %s wants: %s"
	switch {
	case !managerflags.Selects(v.secrets, secret):
		return fmt.Sprintf(text, secret.Name, "--secret-label-selector", v.secrets)
	case webhook && !managerflags.Selects(v.webhookSecrets, secret):
		return fmt.Sprintf(text, secret.Name, "--webhook-secret-label-selector", v.webhookSecrets)
	default:
		return ""
	}
}

// readSecret reads a Secret in the namespace of a resource.
func readSecret(ctx context.Context, cluster client.Reader, instance v1alpha1.Instance, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	// client-go logs bodies of answers at high levels; this one must not be logged.
	err := cluster.Get(klog.NewContext(ctx, logr.Discard()), client.ObjectKey{Namespace: instance.GetNamespace(), Name: name}, secret)
	known := (*problem)(nil)
	switch {
	case errors.As(err, &known):
		return nil, err
	case apierrors.IsNotFound(err):
		return nil, &problem{what: fmt.Sprintf("%s: Secret %q is not there", advice.Title(instance), name), next: "Create it in the namespace of the instance", cause: err}
	case err != nil:
		return nil, explain(err, advice.Title(instance)+", Secret "+name)
	}
	return secret, nil
}
