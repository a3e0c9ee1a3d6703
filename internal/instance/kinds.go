// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"reflect"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// List is a list of resources of one kind.
type List interface {
	metav1.ListInterface
	runtime.Object
}

// Kind is what differs between the kinds of resources. A further messenger is one more value of it, beside its API
// types.
type Kind struct {
	// Name of the kind. Plural is its name in the API, and ShortName the one that people type.
	Name, Plural, ShortName string
	// Messenger is the vendor's typeInstance of its instances.
	Messenger string
	// Prefix of the paths of the vendor's methods.
	Prefix string
	// AccountMethod is the vendor's method that shows the account.
	AccountMethod string
	// HistoryMethod is the vendor's method that shows how the state changed, "" if there is none.
	HistoryMethod string
	// New and NewList return an empty resource and an empty list of them.
	New     func() v1alpha1.Instance
	NewList func() List
	// NewSettings returns a pointer to the kind's settings, none of them set.
	NewSettings func() any
}

// Kinds are all kinds that the operator looks after.
var Kinds = []Kind{
	{
		Name:          "WhatsAppInstance",
		Plural:        "whatsappinstances",
		ShortName:     "wai",
		Messenger:     "whatsapp",
		AccountMethod: greenapi.MethodGetWaSettings,
		HistoryMethod: greenapi.MethodGetStateInstanceHistory,
		New:           func() v1alpha1.Instance { return &v1alpha1.WhatsAppInstance{} },
		NewList:       func() List { return &v1alpha1.WhatsAppInstanceList{} },
		NewSettings:   func() any { return &v1alpha1.WhatsAppSettings{} },
	},
	{
		Name:          "MaxInstance",
		Plural:        "maxinstances",
		ShortName:     "maxi",
		Messenger:     "v3",
		Prefix:        "/v3",
		AccountMethod: greenapi.MethodGetAccountSettings,
		New:           func() v1alpha1.Instance { return &v1alpha1.MaxInstance{} },
		NewList:       func() List { return &v1alpha1.MaxInstanceList{} },
		NewSettings:   func() any { return &v1alpha1.MaxSettings{} },
	},
	{
		Name:          "TelegramInstance",
		Plural:        "telegraminstances",
		ShortName:     "tgi",
		Messenger:     "telegram",
		AccountMethod: greenapi.MethodGetAccountSettings,
		New:           func() v1alpha1.Instance { return &v1alpha1.TelegramInstance{} },
		NewList:       func() List { return &v1alpha1.TelegramInstanceList{} },
		NewSettings:   func() any { return &v1alpha1.TelegramSettings{} },
	},
}

// Each calls a function with every resource of a list of any kind.
func Each(list runtime.Object, do func(v1alpha1.Instance)) {
	_ = apimeta.EachListItem(list, func(object runtime.Object) error {
		if resource, ok := object.(v1alpha1.Instance); ok {
			do(resource)
		}
		return nil
	})
}

// byType are the kinds by the type of their resources: each pass asks for one.
var byType = func() map[reflect.Type]Kind {
	index := make(map[reflect.Type]Kind, len(Kinds))
	for _, kind := range Kinds {
		index[reflect.TypeOf(kind.New())] = kind
	}
	return index
}()

// KindOf returns the kind of a resource.
func KindOf(resource v1alpha1.Instance) Kind { return byType[reflect.TypeOf(resource)] }

// PrefixOf returns the prefix of the paths of a messenger, by the vendor's typeInstance.
func PrefixOf(messenger string) string {
	kind, _ := kindWhere(func(kind Kind) bool { return kind.Messenger == messenger })
	return kind.Prefix
}

// KindNamed returns the kind of a name as manifests have it, such as WhatsAppInstance; false if there is none.
func KindNamed(name string) (Kind, bool) {
	return kindWhere(func(kind Kind) bool { return kind.Name == name })
}

// KindCalled returns the kind that people call so at the command line: by its name, its plural or its short name, in any case.
func KindCalled(word string) (Kind, bool) {
	return kindWhere(func(kind Kind) bool {
		return strings.EqualFold(word, kind.Name) || strings.EqualFold(word, kind.Plural) || strings.EqualFold(word, kind.ShortName)
	})
}

// KindOfMessenger returns the kind that a messenger's instances belong to; false for a messenger that is not known.
func KindOfMessenger(messenger string) (Kind, bool) {
	return kindWhere(func(kind Kind) bool { return kind.Messenger == messenger })
}

func kindWhere(holds func(Kind) bool) (Kind, bool) {
	at := slices.IndexFunc(Kinds, holds)
	if at < 0 {
		return Kind{}, false
	}
	return Kinds[at], true
}

// WatchRights are the rights without which a namespace cannot be watched, without the namespace. claims: by a manager that looks after
// partner accounts.
func WatchRights(claims bool) []authorizationv1.ResourceAttributes {
	var rights []authorizationv1.ResourceAttributes
	add := func(group, resource string) {
		for _, verb := range []string{"list", "watch"} {
			rights = append(rights, authorizationv1.ResourceAttributes{Group: group, Resource: resource, Verb: verb})
		}
	}
	for _, kind := range Kinds {
		add(v1alpha1.GroupVersion.Group, kind.Plural)
	}
	if claims {
		add(v1alpha1.GroupVersion.Group, "instanceclaims")
	}
	add("", "secrets")
	return rights
}
