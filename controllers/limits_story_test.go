// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// longName is a name of a setting with as many characters as the schema takes.
func longName(series string, i int) string {
	name := fmt.Sprintf("%s%d", series, i)
	return name + strings.Repeat("x", 64-len(name))
}

// manySettings are as many additional settings as the schema takes, each as long as it takes, in characters of four
// bytes.
func manySettings(series string) []v1alpha1.AdditionalSetting {
	var list []v1alpha1.AdditionalSetting
	for i := range 64 {
		list = append(list, v1alpha1.AdditionalSetting{Name: longName(series, i), Value: strings.Repeat("😀", 1024)})
	}
	return list
}

// atTheLimits makes everything as long and as large as the schema takes it.
func atTheLimits(r *v1alpha1.WhatsAppInstance) {
	yes, longest := new(true), &metav1.Duration{Duration: 99999 * time.Hour}
	r.Annotations = map[string]string{
		v1alpha1.ReconcileRequestedAtAnnotation: strings.Repeat("ж", 10000), v1alpha1.RebootRequestedAtAnnotation: strings.Repeat("r", 10000),
	}
	r.Spec.APITokenSecretRef = v1alpha1.SecretKeyReference{Name: strings.Repeat("s", 253), Key: strings.Repeat("k", 253)}
	r.Spec.StateInterval, r.Spec.SettingsInterval = longest, longest
	r.Spec.Recovery = &v1alpha1.WhatsAppRecovery{YellowCard: v1alpha1.RecoveryReboot, Recovery: v1alpha1.Recovery{
		StuckStarting: v1alpha1.RecoveryReboot, StuckAfter: longest, MaxRebootsPerDay: new(int32(24))}}
	r.Spec.IncomingStatuses = &v1alpha1.IncomingStatuses{Window: &metav1.Duration{Duration: 720 * time.Hour}, Interval: longest}
	r.Spec.Settings = &v1alpha1.WhatsAppSettings{KeepOnlineStatus: yes, IncomingCallWebhook: yes, DeviceWebhook: yes, IncomingBlockWebhook: yes, CommonSettings: v1alpha1.CommonSettings{
		WebhookURL:                        new("https://" + strings.Repeat("h", 200) + ".example/" + strings.Repeat("p", 2048-8-200-9)),
		WebhookURLTokenSecretRef:          &v1alpha1.SecretKeyReference{Name: strings.Repeat("w", 253), Key: strings.Repeat("k", 253)},
		DelaySendMessagesMilliseconds:     new(int32(86400000)),
		MarkIncomingMessagesReaded:        yes,
		MarkIncomingMessagesReadedOnReply: yes, OutgoingWebhook: yes, OutgoingMessageWebhook: yes, OutgoingAPIMessageWebhook: yes, IncomingWebhook: yes,
		StateWebhook: yes, PollMessageWebhook: yes, EditedMessageWebhook: yes, DeletedMessageWebhook: yes, AdditionalSettings: manySettings("first"),
	}}
}

// largest is a story of a resource at the limits of the schema, with its Secrets.
func largest(t *testing.T) (s *story, name string) {
	t.Helper()
	s, name = newStory(t), strings.Repeat("n", 240)
	s.options.StateInterval = 10 * time.Minute
	s.restart()
	token := "t" + strings.Repeat("0", 255)
	s.vendor.Add(emulator.Instance{ID: instanceID, Token: token, Messenger: emulator.WhatsApp})
	s.secret(strings.Repeat("s", 253), map[string]string{strings.Repeat("k", 253): token})
	s.secret(strings.Repeat("w", 253), map[string]string{strings.Repeat("k", 253): strings.Repeat("~", 1024)})
	s.instance(name, atTheLimits)
	return s, name
}

// TestAnInstanceAtTheLimitsOfTheSchema: the operator looks after it, and the API server takes every status of it, also
// while its names are replaced by others again and again, and while everything drifts until it is given up.
func TestAnInstanceAtTheLimitsOfTheSchema(t *testing.T) {
	s, name := largest(t)
	s.Expect(s.until(time.Hour, func() bool { return s.status(name).Apply != nil })).To(BeTrue())
	s.Expect(s.status(name).PendingChanges).NotTo(BeEmpty())
	s.Expect(s.status(name).ManagedSettings).To(HaveLen(64 + 17))
	for _, series := range []string{"second", "third", "fourth"} {
		s.forward(2 * time.Minute)
		s.edit(name, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Settings.AdditionalSettings = manySettings(series) })
	}
	s.forward(12 * time.Hour)
	for range 10 {
		s.vendor.Edit(instanceID, map[string]any{"incomingWebhook": "no", "outgoingWebhook": "no", "stateWebhook": "no", "webhookUrl": strings.Repeat("u", 100000)})
		s.edit(name, func(r *v1alpha1.WhatsAppInstance) { r.Annotations["look"] += "x" })
		s.forward(20 * time.Minute)
	}
	s.Expect(s.failures).To(BeEmpty(), "every status was stored")
	s.Expect(s.status(name).LastHandledReconcileAt).To(HavePrefix("sha256:"), "a request too long to be echoed")
	s.Expect(s.status(name).LastHandledRebootAt).To(HavePrefix("sha256:"))
}

// TestRequestedRebootsFitIntoTheStatus: a person may ask for more reboots a day than the list in the status has places.
func TestRequestedRebootsFitIntoTheStatus(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	s.settled("line", v1alpha1.ReasonSucceeded)
	for i := range 36 {
		s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
			r.Annotations = map[string]string{v1alpha1.RebootRequestedAtAnnotation: fmt.Sprint(i)}
		})
		s.forward(2 * time.Minute)
	}
	s.Expect(s.failures).To(BeEmpty(), "every status was stored")
	s.Expect(s.status("line").LastHandledRebootAt).To(Equal("35"))
	s.Expect(s.status("line").Restarts.RecentReboots).To(HaveLen(32))
}

// TestALongAddressIsRefusedInAStatusThatFits is apiUrl at its limit.
func TestALongAddressIsRefusedInAStatusThatFits(t *testing.T) {
	s := newStory(t)
	s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
		r.Spec.APIURL = "https://" + strings.Repeat(strings.Repeat("a", 62)+".", 4) + "a/"
	})
	s.pass("line")
	s.Expect(s.failures).To(BeEmpty())
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Reason).To(Equal(v1alpha1.ReasonEndpointNotAllowed))
}

// hostileAnswers are what a vendor could answer to do harm.
func hostileAnswers(token string) map[string]string {
	keys := make([]string, 0, 28000)
	for i := range 28000 {
		keys = append(keys, fmt.Sprintf(`"setting%d":{"x":[%d]}`, i, i))
	}
	long := strings.Repeat("ё", 100000)
	return map[string]string{
		"28,000 keys":    "{" + strings.Join(keys, ",") + "}",
		"long texts":     `{"stateInstance":"` + long + `","phone":"` + long + `","deviceId":"` + long + `","avatar":"` + long + `","incomingWebhook":"` + long + `","typeInstance":"` + long + `"}`,
		"deep nesting":   `{"incomingWebhook":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `,"stateInstance":"authorized"}`,
		"too deep":       `{"incomingWebhook":` + strings.Repeat("[", 200000) + strings.Repeat("]", 200000) + `}`,
		"duplicate keys": `{"stateInstance":"authorized","incomingWebhook":"yes","incomingWebhook":"no","incomingWebhook":{"no":"no"}}`,
		"invalid UTF-8":  "{\"stateInstance\":\"\xff\xfe\x80\",\"phone\":\"\xc3\x28\",\"webhookUrl\":\"https://\xff/\"}",
		"NaN":            `{"stateInstance":"authorized","delaySendMessagesMilliseconds":NaN}`,
		"1e999":          `{"stateInstance":1e999,"suspendedUntil":1e999,"delaySendMessagesMilliseconds":1e999,"code":1e999}`,
		"1e1000000":      `{"stateInstance":"suspended","suspendedUntil":1e1000000,"delaySendMessagesMilliseconds":1e1000000,"historySyncProgress":1e1000000}`,
		"long numbers":   `{"stateInstance":` + strings.Repeat("9", 500000) + `,"delaySendMessagesMilliseconds":` + strings.Repeat("9", 400000) + `}`,
		"controls":       `{"stateInstance":"a\u0000\u001b[31m\u202e\u2028b","phone":"\u0007","deviceId":"\ud800","avatar":"\u0085"}`,
		"the token":      `{"stateInstance":"` + token + `","phone":"` + token + `","avatar":"https://x/` + token + `","webhookUrl":"https://` + token + `.example/","typeInstance":"` + token + `"}`,
		"bytes in hosts": `{"stateInstance":"authorized","typeInstance":"whatsapp","webhookUrl":"https://%FF%C2%85%E2%80%AE/"}`,
		"an error":       `{"code":400,"message":"` + long + token + `"}`,
		"statuses":       `[` + strings.Repeat(`{"typeMessage":"`+token+`","timestamp":9999999999},`, 5000) + `{}]`,
	}
}

// TestHostileAnswersNeverSpoilTheStatus: whatever the vendor answers, the API server takes the status that comes of it, no
// secret shows, nothing panics, and nothing unreadable leads to a write.
func TestHostileAnswersNeverSpoilTheStatus(t *testing.T) {
	const token = "t0ken-of-a-hostile-vendor-abcdefgh"
	leaks.Add(token)
	for name, body := range hostileAnswers(token) {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.vendor.Add(emulator.Instance{ID: instanceID, Token: token, Messenger: emulator.WhatsApp})
			s.instance("line", func(r *v1alpha1.WhatsAppInstance) {
				s.secret("line-token", map[string]string{"apiTokenInstance": token})
				r.Spec.ReconcilePolicy = v1alpha1.PolicyObserve
				r.Spec.IncomingStatuses = &v1alpha1.IncomingStatuses{}
				manage(func(w *v1alpha1.WhatsAppSettings) {
					w.IncomingWebhook, w.WebhookURL, w.DelaySendMessagesMilliseconds = new(true), new("https://a.example"), new(int32(700))
				})(r)
			})
			s.secret("line-token", map[string]string{"apiTokenInstance": token})
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.vendor.Fault(emulator.Fault{Status: 200, Body: body, Times: -1})
			s.forward(25 * time.Minute)
			for _, method := range []string{"getSettings", "getWaSettings"} {
				// One at a time, beside answers that can be read.
				s.vendor.ClearFaults()
				s.vendor.Fault(emulator.Fault{Method: method, Status: 200, Body: body, Times: -1})
				s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
					r.Spec.Settings.StateWebhook = new(r.Spec.Settings.StateWebhook == nil)
				})
				s.forward(25 * time.Minute)
			}
			s.vendor.ClearFaults()
			s.Expect(s.failures).To(BeEmpty(), "every status was stored")
			s.settled("line", v1alpha1.ReasonSucceeded)
			s.Expect(s.sets()).To(BeEmpty())
		})
	}
}

// TestSchemaBoundsAdditionalSettings: it is their number that is refused, and not what it costs to check them: as many as
// are allowed can be checked at their longest.
func TestSchemaBoundsAdditionalSettings(t *testing.T) {
	settings := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{name: %s, value: %q}`, longName("setting", i), strings.Repeat("😀", 1024)))
		}
		return "settings: {additionalSettings: [" + strings.Join(list, ", ") + "]}"
	}
	if _, err := applied(t, manifest(settings(64))); err != nil {
		t.Errorf("64 are refused: %v", err)
	}
	for _, n := range []int{65, 5000} {
		text := settings(n)
		if n == 5000 {
			text = strings.ReplaceAll(text, strings.Repeat("😀", 1024), "1")
		}
		_, err := applied(t, manifest(text))
		if want := fmt.Sprintf("spec.settings.additionalSettings: Too many: %d: must have at most 64 items", n); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "budget") {
			t.Errorf("%d are refused with %.500v, which does not say %q alone", n, err, want)
		}
	}
}

// TestNothingIsLeftOfDeletedResources: resources that come and go leave nothing in memory, neither while others follow nor
// after the last one.
func TestNothingIsLeftOfDeletedResources(t *testing.T) {
	s := newStory(t)
	s.options.MaxConcurrentRestarts = intstr.FromInt32(100)
	s.restart()
	const token = "t0ken-of-all-abcdefghijkl"
	s.secret("token", map[string]string{"apiTokenInstance": token})
	const total, alive = 120, 6
	series := 0
	for i := range total {
		name, id := fmt.Sprintf("line-%d", i), instanceID+int64(i)
		s.vendor.Add(emulator.Instance{ID: id, Token: token, Messenger: emulator.WhatsApp})
		resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: name}}
		incoming(true)(resource)
		resource.Spec.IDInstance, resource.Spec.APITokenSecretRef.Name = id, "token"
		s.Expect(admin.Create(s.ctx, resource)).To(Succeed())
		s.await(resource)
		s.forward(30 * time.Second)
		if i >= alive {
			s.drop(fmt.Sprintf("line-%d", i-alive))
		}
		if i == 2*alive {
			series = s.series()
		}
		for what, n := range s.operators[0].Remembered() {
			// Calls of four methods, and writes of the last twelve minutes, two a minute.
			if most := map[string]int{"resources": alive + 1, "calls": 4 * (alive + 12), "writes": 30, "slots": 30, "waiters": 0}[what]; n > most {
				t.Fatalf("%d %s are remembered after %d resources", n, what, i)
			}
		}
	}
	s.Expect(len(s.failures)).To(BeZero())
	s.Expect(s.series()).To(BeNumerically("<=", series+4), "no series of metrics for an instance")
	for i := range alive {
		s.drop(fmt.Sprintf("line-%d", total-alive+i))
	}
	s.forward(time.Hour)
	s.Expect(s.operators[0].Remembered()).To(Equal(map[string]int{"resources": 0, "calls": 0, "writes": 0, "slots": 0, "waiters": 0}))
	s.Expect(s.due).To(BeEmpty(), "and nothing is looked at any more")
}
