// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// Kind is what differs between the kinds of resources. A further messenger is one more value of it, beside its API
// types.
type Kind struct {
	// Name of the kind.
	Name string
	// Messenger is the vendor's typeInstance of its instances.
	Messenger string
	// Prefix of the paths of the vendor's methods.
	Prefix string
	// AccountMethod is the vendor's method that shows the account.
	AccountMethod string
	// New and NewList return an empty resource and an empty list of them.
	New     func() v1alpha1.Instance
	NewList func() client.ObjectList
	// NewSettings returns a pointer to the kind's settings, none of them set.
	NewSettings func() any
}

// Kinds are all kinds that the operator looks after.
var Kinds = []Kind{
	{
		Name:          "WhatsAppInstance",
		Messenger:     "whatsapp",
		AccountMethod: greenapi.MethodGetWaSettings,
		New:           func() v1alpha1.Instance { return &v1alpha1.WhatsAppInstance{} },
		NewList:       func() client.ObjectList { return &v1alpha1.WhatsAppInstanceList{} },
		NewSettings:   func() any { return &v1alpha1.WhatsAppSettings{} },
	},
	{
		Name:          "MaxInstance",
		Messenger:     "v3",
		Prefix:        "/v3",
		AccountMethod: greenapi.MethodGetAccountSettings,
		New:           func() v1alpha1.Instance { return &v1alpha1.MaxInstance{} },
		NewList:       func() client.ObjectList { return &v1alpha1.MaxInstanceList{} },
		NewSettings:   func() any { return &v1alpha1.MaxSettings{} },
	},
	{
		Name:          "TelegramInstance",
		Messenger:     "telegram",
		AccountMethod: greenapi.MethodGetAccountSettings,
		New:           func() v1alpha1.Instance { return &v1alpha1.TelegramInstance{} },
		NewList:       func() client.ObjectList { return &v1alpha1.TelegramInstanceList{} },
		NewSettings:   func() any { return &v1alpha1.TelegramSettings{} },
	},
}

// eachOf calls a function with every resource of a list of any kind.
func eachOf(list client.ObjectList, do func(v1alpha1.Instance)) {
	_ = apimeta.EachListItem(list, func(object runtime.Object) error {
		if instance, ok := object.(v1alpha1.Instance); ok {
			do(instance)
		}
		return nil
	})
}

// KindOfMessenger returns the name of the kind that a messenger's instances belong to, "" for a messenger that is not known.
func KindOfMessenger(messenger string) string {
	for _, kind := range Kinds {
		if kind.Messenger == messenger {
			return kind.Name
		}
	}
	return ""
}
