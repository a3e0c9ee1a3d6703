// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"slices"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// completeDetails reads how much of an account shows.
func (o *options) completeDetails() error {
	details := v1alpha1.AccountDetails(o.accountDetails)
	if !slices.Contains([]v1alpha1.AccountDetails{v1alpha1.AccountFull, v1alpha1.AccountMasked, v1alpha1.AccountNone}, details) {
		return errors.New("--account-details must be Full, Masked or None")
	}
	o.controller.AccountDetails = details
	return nil
}
