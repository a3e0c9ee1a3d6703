// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// checkHosts sees to it that each allowed host is one that an address can have: whatever else is written there would
// allow nothing, and be noticed only when every instance is Stalled.
func checkHosts(hosts []string) error {
	if len(hosts) == 0 {
		return errors.New("--allowed-api-hosts must name at least one host")
	}
	for _, host := range hosts {
		name := strings.ToLower(strings.TrimPrefix(host, "*."))
		if _, err := netip.ParseAddr(host); err == nil || len(validation.IsDNS1123Subdomain(name)) == 0 {
			continue
		}
		said := ""
		if !strings.Contains(host, "@") {
			// With an @ there may be a password in it.
			said = fmt.Sprintf("; %q is none", host)
		}
		return errors.New("--allowed-api-hosts must be names such as api.greenapi.com or *.api.greenapi.com, without https://, a port or a path" + said)
	}
	return nil
}

// checkDefault sees to it that instances without an apiUrl can be looked after. Who has hosts of their own need not have
// the built-in default address among them, but one that they give must be.
func (o *options) checkDefault() error {
	address := o.controller.DefaultAPIURL
	origin, err := greenapi.ParseOrigin(address)
	if err == nil {
		err = origin.CheckAllowed(o.hosts, o.insecureAPI)
	}
	if err == nil || address == greenapi.DefaultURL && o.allowedHosts != strings.Join(greenapi.DefaultAllowedHosts, ",") {
		return nil
	}
	return fmt.Errorf("--default-api-url: %w", err)
}
