// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/jsonvalue"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

func TestFieldsAreAllSettingsThatAKindHasAFieldFor(t *testing.T) {
	g := NewWithT(t)
	kinds := map[string]plan.SettingKind{}
	for _, field := range plan.Fields(&v1alpha1.MaxSettings{}) {
		kinds[field.Name] = field.Kind
	}
	g.Expect(kinds).To(Equal(map[string]plan.SettingKind{
		"webhookUrl": plan.KindURL, "webhookUrlToken": plan.KindSecret, "delaySendMessagesMilliseconds": plan.KindNumber,
		"markIncomingMessagesReaded": plan.KindFlag, "markIncomingMessagesReadedOnReply": plan.KindFlag, "outgoingWebhook": plan.KindFlag,
		"outgoingMessageWebhook": plan.KindFlag, "outgoingAPIMessageWebhook": plan.KindFlag, "incomingWebhook": plan.KindFlag,
		"stateWebhook": plan.KindFlag, "pollMessageWebhook": plan.KindFlag, "editedMessageWebhook": plan.KindFlag,
		"deletedMessageWebhook": plan.KindFlag, "downloadUrlJpeg": plan.KindFlag,
	}))
}

func TestR5AnAdoptedValueIsOneThatDoesNotDiffer(t *testing.T) {
	g := NewWithT(t)
	kinds := []plan.SettingKind{plan.KindFlag, plan.KindNumber, plan.KindURL, plan.KindText, plan.KindSecret, plan.KindAdditional}
	forms := []jsonvalue.Type{jsonvalue.String, jsonvalue.Number, jsonvalue.Bool, jsonvalue.Other}
	adopted := 0
	for _, text := range []string{"", "yes", " No ", "true", "1", "5000", " 5000 ", "007", "5e3", "maybe", "https://Shop.example:443", "<b>"} {
		for _, kind := range kinds {
			for _, form := range forms {
				value := jsonvalue.Value{Type: form, Text: text}
				wish, ok := plan.Adopt(kind, value)
				if !ok {
					continue
				}
				adopted++
				desired := plan.Desired{Settings: []plan.Setting{{Name: "x", Kind: kind, Value: wish}}}
				shown := plan.Observed{"x": value}
				g.Expect(plan.Unreadable(desired, shown)).To(BeEmpty(), "%q as %d of form %d", text, kind, form)
				g.Expect(plan.Differences(desired, shown)).To(BeEmpty(), "%q as %d of form %d", text, kind, form)
			}
		}
	}
	g.Expect(adopted).To(BeNumerically(">", 60))
	for text, want := range map[string]string{"yes": "yes", " True ": "yes", "no": "no", "false": "no", "maybe": "", "": ""} {
		for form, is := range map[jsonvalue.Type]bool{jsonvalue.String: true, jsonvalue.Bool: true, jsonvalue.Number: false} {
			wish, ok := plan.Adopt(plan.KindFlag, jsonvalue.Value{Type: form, Text: text})
			g.Expect(ok).To(Equal(is && want != ""), "%q of form %d", text, form)
			if ok {
				g.Expect(wish).To(Equal(want))
			}
		}
	}
	_, ok := plan.Adopt(plan.KindURL, jsonvalue.Value{Type: jsonvalue.Null})
	g.Expect(ok).To(BeFalse())
}
