// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"go.uber.org/zap/zapcore"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/canary"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// TestR24WebhookURLsInRefusalsDoNotShow: the vendor quotes the URL that it refuses, whole, in part or encoded. Of it no more
// than scheme and host come to the status, the events and the log at its most verbose level.
func TestR24WebhookURLsInRefusalsDoNotShow(t *testing.T) {
	t.Parallel()
	for name, wished := range map[string]string{
		"user":      "https://us3r-5ecret-canary@hooks.example",
		"password":  "https://u:pa55-5ecret-canary@hooks.example/x",
		"slash":     "https://u:12/pa55-5ecret-canary@hooks.example/x",
		"bare":      "https://hooks.example/?bare-5ecret-canary",
		"semicolon": "https://hooks.example/?a=1;key=semi-5ecret-canary;b=2",
		"name":      "https://hooks.example/?name-5ecret-canary=1",
		"percent":   "https://hooks.example/%zz?key=%-5ecret-canary%",
		"path":      "https://hooks.example/services/5ecret-canary",
		"fragment":  "https://hooks.example/#frag-5ecret-canary",
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			var log bytes.Buffer
			s.log = zap.New(zap.WriteTo(locked(&log)), zap.Level(zapcore.Level(-2)))
			watch := &canary.Watch{}
			watch.Add("5ecret-canary")
			_, tail, _ := strings.Cut(wished, "://")
			_, userless, _ := strings.Cut(tail, "@")
			_, behind, _ := strings.Cut(tail, "hooks.example")
			s.instance("line", incoming(true))
			for i, quoted := range []string{
				wished, url.QueryEscape(wished), strings.ReplaceAll(wished, "/", `\/`), tail, base64.StdEncoding.EncodeToString([]byte(tail)), hex.EncodeToString([]byte(tail)),
				strings.Repeat("x", 200-len(wished)/2) + " " + wished, userless, behind,
			} {
				s.vendor.Fault(emulator.Fault{ID: instanceID, Method: "setSettings", Status: 400, Message: "Validation failed. Details: '" + quoted + "' must be a valid uri", Times: 1})
				s.edit("line", manage(func(w *v1alpha1.WhatsAppSettings) {
					w.WebhookURL = new(wished)
					w.DelaySendMessagesMilliseconds = new(int32(1000 + i))
				}))
				s.Expect(s.until(time.Hour, func() bool {
					return s.condition("line", v1alpha1.StalledCondition).Reason == v1alpha1.ReasonSettingsRejected
				})).To(BeTrue())
				status, err := json.Marshal(s.status("line"))
				s.Expect(err).NotTo(HaveOccurred())
				s.Expect(watch.Search(string(status))).To(BeEmpty(), "the status, of %s", quoted)
			}
			s.Expect(s.events.count("Warning SettingsRejected")).To(BeNumerically(">", 0))
			s.Expect(watch.Search(s.events.text())).To(BeEmpty(), "the events")
			s.Expect(watch.Search(log.String())).To(BeEmpty(), "the log")
		})
	}
}

// TestR24EncodedTokensInRefusalsDoNotShow: every pass of a story searches status and events for tokens in any form.
func TestR24EncodedTokensInRefusalsDoNotShow(t *testing.T) {
	s := newStory(t)
	var log bytes.Buffer
	s.log = zap.New(zap.WriteTo(locked(&log)), zap.Level(zapcore.Level(-2)))
	s.instance("line", incoming(true))
	instance, _ := s.vendor.Get(instanceID)
	s.settled("line", v1alpha1.ReasonSucceeded)
	echoes := 0
	for _, prefix := range []string{"", "u:", "me:"} {
		plain := []byte(prefix + instance.Token)
		for _, echo := range []string{
			base64.StdEncoding.EncodeToString(plain), base64.RawURLEncoding.EncodeToString(plain), "/x/" + hex.EncodeToString(plain), strings.ToUpper(hex.EncodeToString(plain)),
		} {
			s.vendor.Fault(emulator.Fault{ID: instanceID, Method: "getStateInstance", Status: 500, Message: "not known: " + echo, Times: 1})
			s.forward(5 * time.Minute)
			echoes++
		}
	}
	s.Expect(strings.Count(log.String(), "(a text with a secret in it, not shown)")).To(BeNumerically(">=", echoes))
	s.Expect(leaks.Search(log.String())).To(BeEmpty(), "the log")
}
