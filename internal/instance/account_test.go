// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// TestR36TheStricterWins: of the flag, the spec and what the status says held last.
func TestR36TheStricterWins(t *testing.T) {
	const full, masked, none = v1alpha1.AccountFull, v1alpha1.AccountMasked, v1alpha1.AccountNone
	for _, test := range []struct{ operator, spec, want v1alpha1.AccountDetails }{
		{"", "", full}, {full, "", full}, {full, full, full}, {"", masked, masked}, {full, none, none},
		{masked, "", masked}, {masked, full, masked}, {masked, none, none},
		{none, "", none}, {none, full, none}, {none, masked, none},
		{full, "Half", none}, {"Half", full, none},
	} {
		for _, kind := range Kinds {
			resource := kind.New()
			resource.Core().AccountDetails = test.spec
			if got := AccountDetails(resource, test.operator); got != test.want {
				t.Errorf("%s, flag %q, spec %q: %q, want %q", kind.Name, test.operator, test.spec, got, test.want)
			}
			if got := AccountDetailsSeen(resource); got != none {
				t.Errorf("%s, spec %q, without a status: %q", kind.Name, test.spec, got)
			}
			resource.InstanceStatus().Conditions = make([]metav1.Condition, 1)
			resource.InstanceStatus().AccountDetails = test.operator
			if got := AccountDetailsSeen(resource); got != test.want {
				t.Errorf("%s, status %q, spec %q: %q, want %q", kind.Name, test.operator, test.spec, got, test.want)
			}
		}
	}
}

// TestR36WhatAStatusShowsOfAnAccount: of each field, in each mode, and nothing more changes the second time.
func TestR36WhatAStatusShowsOfAnAccount(t *testing.T) {
	type shown struct{ phone, device string }
	for name, test := range map[string]struct{ full, masked shown }{
		"nothing":                      {},
		"a number":                     {shown{"79161234567", "79161234567:8@s.whatsapp.net"}, shown{"7***67", ":8@s.whatsapp.net"}},
		"as people write it":           {shown{"+7 (916) 123-45-67", "+7 (916) 123-45-67:1"}, shown{"7***67", ":1"}},
		"a short number":               {shown{"123456", "123456"}, shown{"***", ""}},
		"the shortest":                 {shown{"1234567", ":"}, shown{"1***67", ":"}},
		"no number":                    {shown{"(a text)", "(a text)"}, shown{"***", ""}},
		"in another script":            {shown{"٧٩١٦١٢٣٤٥٦٧", "x:٧٩١٦١٢٣٤٥٦٧"}, shown{"***", ""}},
		"a number after the colon too": {shown{"79161234567", "79161234567:79161234567@s.whatsapp.net"}, shown{"7***67", ""}},
		"no colon":                     {shown{"79161234567", "79161234567@lid"}, shown{"7***67", ""}},
	} {
		for details, want := range map[v1alpha1.AccountDetails]shown{"": test.full, v1alpha1.AccountFull: test.full, v1alpha1.AccountMasked: test.masked, v1alpha1.AccountNone: {}} {
			progress := int32(40)
			status := v1alpha1.InstanceStatus{StateInstance: "authorized", HistorySyncProgress: &progress,
				Phone: test.full.phone, DeviceID: test.full.device, ChatID: "79161234567@c.us", AvatarURL: "https://pictures.example/79161234567.jpg"}
			wanted := v1alpha1.InstanceStatus{Phone: want.phone, DeviceID: want.device}
			limited := strictness(details) > 0
			if limited {
				wanted.AccountDetails = details
			} else {
				wanted.ChatID, wanted.AvatarURL = status.ChatID, status.AvatarURL
			}
			if changed := LimitAccount(&status, details); changed != limited || accountOf(&status) != accountOf(&wanted) {
				t.Errorf("%s, %q: %q, changed %t; want %q", name, details, accountOf(&status), changed, accountOf(&wanted))
			}
			if LimitAccount(&status, details) || accountOf(&status) != accountOf(&wanted) {
				t.Errorf("%s, %q: the second time it makes %q", name, details, accountOf(&status))
			}
			if status.StateInstance == "" || status.HistorySyncProgress == nil {
				t.Errorf("%s, %q: what is not about whose account it is has gone", name, details)
			}
		}
	}
	status := v1alpha1.InstanceStatus{AccountDetails: v1alpha1.AccountMasked, Phone: "7***67"}
	if !LimitAccount(&status, v1alpha1.AccountFull) || status.AccountDetails != "" || status.Phone != "7***67" {
		t.Errorf("all may show again: %q", accountOf(&status))
	}
	if !LimitAccount(&status, v1alpha1.AccountNone) || status.Phone != "" {
		t.Errorf("after a mask nothing may show: %q", accountOf(&status))
	}
}
