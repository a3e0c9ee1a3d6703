// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

func TestTheVendorMayQuoteEveryWishedText(t *testing.T) {
	g := NewWithT(t)
	settings := &struct {
		v1alpha1.CommonSettings

		Greeting *string `json:"greeting,omitempty" setting:"text"`
	}{Greeting: new("a greeting")}
	settings.IncomingWebhook, settings.WebhookURL, settings.DelaySendMessagesMilliseconds = new(true), new("https://shop.example"), new(int32(5000))
	settings.AdditionalSettings = []v1alpha1.AdditionalSetting{{Name: "other", Value: "another"}}
	target := instance.Target(&v1alpha1.MaxInstance{}, greenapi.Origin{}, plan.Wishes(settings))
	g.Expect(target.Quotable).To(ConsistOf("https://shop.example", "a greeting", "another"))
}
