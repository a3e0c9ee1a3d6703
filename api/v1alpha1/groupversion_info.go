// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the resources of the group messaging.greenapi-operator.dev: what a user asks for
// of an instance at GREEN-API, and what the operator saw and did.
//
// Nothing in a spec has a default in the schema: an unset field must stay distinguishable from a set one, since
// for a setting "unset" means "not managed".
//
// +kubebuilder:object:generate=true
// +groupName=messaging.greenapi-operator.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is the group and version of every resource in this package.
	GroupVersion = schema.GroupVersion{Group: "messaging.greenapi-operator.dev", Version: "v1alpha1"}

	// SchemeBuilder collects the functions that add this package's types to a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds this package's types to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&WhatsAppInstance{}, &WhatsAppInstanceList{},
		&MaxInstance{}, &MaxInstanceList{},
		&TelegramInstance{}, &TelegramInstanceList{},
		&PartnerAccount{}, &PartnerAccountList{},
		&InstanceClaim{}, &InstanceClaimList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
