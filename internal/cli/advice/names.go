// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"fmt"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// Title names a resource in messages, such as "WhatsAppInstance shop/support-line".
func Title(resource v1alpha1.Instance) string {
	return fmt.Sprintf("%s %s/%s", instance.KindOf(resource).Name, resource.GetNamespace(), resource.GetName())
}

// Argument names a resource to kubectl greenapi, from wherever it is called, such as "wai/support-line -n shop".
func Argument(resource v1alpha1.Instance) string {
	return instance.KindOf(resource).ShortName + "/" + resource.GetName() + " -n " + resource.GetNamespace()
}
