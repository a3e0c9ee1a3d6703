// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// accounts counts the accounts of stories, so that each has a number of its own.
var accounts atomic.Int64

// account gives the instance an account whose number no other story has, and returns the number.
func (s *story) account() string {
	number := fmt.Sprintf("7916555%04d", accounts.Add(1))
	s.vendor.Update(instanceID, func(in *emulator.Instance) {
		in.Phone, in.Avatar, in.Settings["wid"] = number, "https://pictures.example/v/"+number+".jpg", number+"@c.us"
		in.DeviceID, in.ChatID = number+":8@s.whatsapp.net", ""
		if in.Messenger != emulator.WhatsApp {
			in.DeviceID, in.ChatID = "", "c-"+number
		}
	})
	return number
}

// conceal makes a number one that shows nowhere from now on: every pass searches the resource, its events and its log.
func (s *story) conceal(number string) {
	// What was logged while it might show is kept until more follows.
	leaks.Forget()
	leaks.AddAccount(number)
}

// shown is what the status shows of the account, with how much that is.
func (s *story) shown(name string) [5]string {
	status := s.status(name)
	return [5]string{string(status.AccountDetails), status.Phone, status.DeviceID, status.ChatID, status.AvatarURL}
}

// detailed has the operator started anew with that flag.
func (s *story) detailed(details v1alpha1.AccountDetails) {
	s.options.AccountDetails = details
	s.restart()
	// A new process meets all resources, those too that have nothing to wait for.
	for name := range s.kinds {
		s.due[name] = s.clock.Now()
	}
}

// limits are the modes under which a number is a secret, with what they leave of one such as 79165550001.
var limits = map[v1alpha1.AccountDetails]func(number, device string) [5]string{
	v1alpha1.AccountMasked: func(number, device string) [5]string {
		return [5]string{"Masked", "7***" + number[len(number)-2:], device}
	},
	v1alpha1.AccountNone: func(string, string) [5]string { return [5]string{"None"} },
}

// TestR36NothingShowsWhoseAccountItIs: by the flag or the spec, for each kind; in the status, the events and the log, whatever the vendor
// says in its answers, its refusals and its states.
func TestR36NothingShowsWhoseAccountItIs(t *testing.T) {
	for details, want := range limits {
		for _, kind := range instance.Kinds {
			for _, bySpec := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s by spec %t", details, kind.Name, bySpec), func(t *testing.T) {
					s := newStory(t)
					resource := kind.New()
					if bySpec {
						resource.Core().AccountDetails = details
					} else {
						s.detailed(details)
					}
					s.vendor.Add(emulator.Instance{ID: instanceID, Token: fmt.Sprintf("t0ken-%s-line-abcdefgh", s.ns), Messenger: kind.Messenger})
					number := s.account()
					s.conceal(number)
					s.create("line", kind.Messenger, resource)
					device := ""
					if kind.Messenger == emulator.WhatsApp {
						device = ":8@s.whatsapp.net"
					}
					s.settled("line", v1alpha1.ReasonSucceeded)
					s.Expect(s.shown("line")).To(Equal(want(number, device)))
					s.tempt(number)
					s.Expect(s.shown("line")).To(Equal(want(number, device)))
				})
			}
		}
	}
}

// tempt has the vendor quote a number wherever it can.
func (s *story) tempt(number string) {
	for _, fault := range []emulator.Fault{
		{Status: 500, Body: `{"message":"` + number + ` is not registered"}`},
		{Status: 466, Body: `{"message":"the quota of +` + number + ` is used up"}`},
		{Method: "getStateInstance", Body: `{"stateInstance":"moved to ` + number + `"}`},
		{Method: "getStateInstance", Status: 200, Body: `{"stateInstance":` + number + `}`},
		{Method: "getSettings", Body: `{"wid":"` + number + `@c.us","webhookUrl":"https://` + number + `.example/` + number + `","delaySendMessagesMilliseconds":` + number + `,"typeInstance":"` + number + `"}`},
	} {
		fault.ID, fault.Times = instanceID, 3
		s.vendor.Fault(fault)
		s.forward(11 * time.Minute)
		s.vendor.ClearFaults()
	}
	s.forward(2 * time.Hour)
	s.Expect(s.ready("line").Reason).To(Equal(v1alpha1.ReasonSucceeded))
}

// newMasked is a story whose line shows its account masked, with the number.
func newMasked(t *testing.T) (s *story, number string) {
	t.Helper()
	s = newStory(t)
	s.detailed(v1alpha1.AccountMasked)
	s.instance("line", incoming(true))
	number = s.account()
	s.conceal(number)
	return s, number
}

// TestR36RefusalsThatQuoteTheNumber: of the settings, which the vendor refuses by quoting whose account it is.
func TestR36RefusalsThatQuoteTheNumber(t *testing.T) {
	s, number := newMasked(t)
	s.vendor.Fault(emulator.Fault{ID: instanceID, Method: "setSettings", Status: 400, Message: "Validation failed. Details: " + number + " of instance 710700000001", Times: 1})
	s.Expect(s.until(time.Hour, func() bool {
		return s.condition("line", v1alpha1.StalledCondition).Reason == v1alpha1.ReasonSettingsRejected
	})).To(BeTrue())
	s.Expect(s.condition("line", v1alpha1.StalledCondition).Message).To(ContainSubstring("Details: (a number, not shown) of instance 710700000001"))
	s.Expect(s.sets()).To(HaveLen(1))
}

// TestR36AStricterFlagCleansWhatIsThere: in the first pass of the new process, whatever the line is about; nobody asks the vendor for
// that, and only once is anything written.
func TestR36AStricterFlagCleansWhatIsThere(t *testing.T) {
	const within = 3 * time.Second
	for name, change := range map[string]func(*story){
		"in order, and polled": func(*story) {},
		"paused":               func(s *story) { s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true }) },
		"stalled": func(s *story) {
			s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.APIURL = "https://evil.example" })
		},
		"never looked at": func(s *story) {
			s.edit("line", func(r *v1alpha1.WhatsAppInstance) {
				r.Spec.StateInterval, r.Spec.SettingsInterval = &metav1.Duration{}, &metav1.Duration{}
			})
		},
		"about to be deleted": func(s *story) {
			s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Finalizers = []string{"of.example/tool"} })
			s.Expect(admin.Delete(s.ctx, s.get("line"))).To(Succeed())
			s.await(s.get("line"))
		},
		"the vendor is away": func(s *story) { s.vendor.Fault(emulator.Fault{ID: instanceID, Status: 500, Times: -1}) },
		"starting":           func(s *story) { s.vendor.SetState(instanceID, emulator.StateStarting) },
	} {
		for details, want := range limits {
			t.Run(name+" "+string(details), func(t *testing.T) {
				s := newStory(t)
				s.instance("line", incoming(true))
				number := s.account()
				s.settled("line", v1alpha1.ReasonSucceeded)
				s.Expect(s.shown("line")).To(Equal([5]string{"", number, number + ":8@s.whatsapp.net", "", "https://pictures.example/v/" + number + ".jpg"}))
				change(s)
				s.forward(5 * time.Minute)
				s.Expect(s.shown("line")[1]).To(Equal(number))
				s.conceal(number)
				s.detailed(details)
				s.vendor.ResetCalls()
				s.forward(within)
				s.Expect(s.shown("line")).To(Equal(want(number, ":8@s.whatsapp.net")))
				switch name {
				case "paused", "stalled", "about to be deleted":
					s.Expect(s.calls()).To(BeEmpty())
				}
				version := s.get("line").ResourceVersion
				if name == "paused" || name == "in order, and polled" {
					s.forward(2 * time.Hour)
					s.Expect(s.get("line").ResourceVersion).To(Equal(version), "nothing is written again (R2)")
				}
			})
		}
	}
}

// TestR36TheLogShowsNoStatusOfBefore: at the most verbose level, where somebody else's write comes in between and the resource is read
// from the API server once more.
func TestR36TheLogShowsNoStatusOfBefore(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	number := s.account()
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.shown("line")[1]).To(Equal(number))
	var log bytes.Buffer
	s.log = zap.New(zap.WriteTo(locked(&log)), zap.Level(verbose))
	conflicts := 1
	s.wrapClient = func(c client.Client) client.Client {
		return failingStatus(c, func(*v1alpha1.InstanceStatus) error {
			if conflicts--; conflicts >= 0 {
				return apierrors.NewConflict(schema.GroupResource{}, "line", errors.New("somebody else"))
			}
			return nil
		})
	}
	s.detailed(v1alpha1.AccountNone)
	s.forward(3 * time.Second)
	s.Expect(s.shown("line")).To(Equal([5]string{"None"}))
	s.Expect(conflicts).To(BeNumerically("<", 0))
	s.Expect(log.String()).To(ContainSubstring("status"), "the bodies of requests are logged at this level")
	s.Expect(log.String()).NotTo(ContainSubstring(number))
}

// TestR36AStricterSpecCleansWhatIsThere: also while paused, and together with pausing. A spec that wants more than the flag is not heard.
func TestR36AStricterSpecCleansWhatIsThere(t *testing.T) {
	s := newStory(t)
	fetches := s.fetching()
	s.instance("line", incoming(true))
	number := s.account()
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
	s.forward(3 * time.Second)
	s.Expect(s.shown("line")[1]).To(Equal(number))
	s.vendor.ResetCalls()
	s.conceal(number)
	wants := func(details v1alpha1.AccountDetails) func(*v1alpha1.WhatsAppInstance) {
		return func(r *v1alpha1.WhatsAppInstance) { r.Spec.AccountDetails = details }
	}
	s.edit("line", wants(v1alpha1.AccountMasked))
	s.forward(3 * time.Second)
	s.Expect(s.shown("line")).To(Equal(limits[v1alpha1.AccountMasked](number, ":8@s.whatsapp.net")))
	s.edit("line", wants(v1alpha1.AccountNone))
	s.forward(3 * time.Second)
	s.Expect(s.shown("line")).To(Equal([5]string{"None"}))
	s.Expect(s.calls()).To(BeEmpty())

	// Once it is resumed it stays so, in every reading and in a day of polls.
	s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = false })
	s.forward(30 * time.Minute)
	s.Expect(s.callsOf("getWaSettings")).To(BeNumerically(">=", 2))
	s.Expect(s.shown("line")).To(Equal([5]string{"None"}))
	before, version := *fetches, s.get("line").ResourceVersion
	s.forward(24 * time.Hour)
	s.Expect(*fetches).To(Equal(before), "what shows nothing is polled as well (R43)")
	s.Expect(s.get("line").ResourceVersion).To(Equal(version))

	s.detailed(v1alpha1.AccountMasked)
	s.edit("line", wants(v1alpha1.AccountFull))
	s.forward(3 * time.Second)
	s.Expect(s.shown("line")).To(Equal(limits[v1alpha1.AccountMasked](number, ":8@s.whatsapp.net")), "the flag is stricter")
}

// TestR36WhatMayShowAgainShowsWithTheNextReading of the account.
func TestR36WhatMayShowAgainShowsWithTheNextReading(t *testing.T) {
	s := newStory(t)
	s.detailed(v1alpha1.AccountNone)
	s.instance("line", incoming(true))
	number := s.account()
	s.settled("line", v1alpha1.ReasonSucceeded)
	s.Expect(s.shown("line")).To(Equal([5]string{"None"}))
	s.detailed(v1alpha1.AccountFull)
	s.forward(3 * time.Second)
	s.Expect(s.shown("line")[0]).To(BeEmpty())
	s.forward(11 * time.Minute)
	s.Expect(s.shown("line")).To(Equal([5]string{"", number, number + ":8@s.whatsapp.net", "", "https://pictures.example/v/" + number + ".jpg"}))
}

// TestR36AMaskStaysWhileTheInstanceStarts: what is kept then (R7) is what was shown, and it goes when the vendor shows no account.
func TestR36AMaskStaysWhileTheInstanceStarts(t *testing.T) {
	s, number := newMasked(t)
	s.settled("line", v1alpha1.ReasonSucceeded)
	masked := limits[v1alpha1.AccountMasked](number, ":8@s.whatsapp.net")
	s.vendor.SetState(instanceID, emulator.StateStarting)
	s.Expect(s.until(2*time.Minute, func() bool { return s.status("line").StateInstance == emulator.StateStarting })).To(BeTrue())
	s.Expect(s.shown("line")).To(Equal(masked))
	s.vendor.SetState(instanceID, emulator.StateNotAuthorized)
	s.Expect(s.until(2*time.Minute, func() bool { return s.status("line").StateInstance == emulator.StateNotAuthorized })).To(BeTrue())
	s.Expect(s.shown("line")).To(Equal([5]string{"Masked"}))
}

// TestWhatWhatsAppShowsOfAnAccount: the number as a number, the chat, the progress of the history, and the picture itself, which is not
// kept.
func TestWhatWhatsAppShowsOfAnAccount(t *testing.T) {
	s := newStory(t)
	s.instance("line", incoming(true))
	const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"
	leaks.Add(picture)
	s.vendor.Update(instanceID, func(in *emulator.Instance) {
		in.Behavior.AccountExtra = map[string]any{"phone": 79161234567, "chatId": "79161234567@c.us", "historySyncProgress": 87, "base64Avatar": picture}
	})
	s.settled("line", v1alpha1.ReasonSucceeded)
	status := s.status("line")
	s.Expect(status.Phone).To(Equal("79161234567"))
	s.Expect(status.ChatID).To(Equal("79161234567@c.us"))
	s.Expect(*status.HistorySyncProgress).To(BeEquivalentTo(87))
}

// TestR36AStricterValueTakesTheNumberOutOfWhatTheVendorSaidBefore: a refusal stays in the conditions until the settings change.
func TestR36AStricterValueTakesTheNumberOutOfWhatTheVendorSaidBefore(t *testing.T) {
	for _, paused := range []bool{false, true} {
		for details := range limits {
			t.Run(fmt.Sprintf("%s paused %t", details, paused), func(t *testing.T) {
				s := newStory(t)
				s.instance("line", incoming(true))
				number := s.account()
				s.vendor.Fault(emulator.Fault{ID: instanceID, Method: "setSettings", Status: 400, Message: "Validation failed. Details: " + number + " of instance 710700000001", Times: 1})
				s.Expect(s.until(time.Hour, func() bool {
					return s.condition("line", v1alpha1.StalledCondition).Reason == v1alpha1.ReasonSettingsRejected
				})).To(BeTrue())
				s.Expect(s.condition("line", v1alpha1.StalledCondition).Message).To(ContainSubstring(number))
				if paused {
					s.edit("line", func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
				}
				s.forward(3 * time.Second)
				s.conceal(number)
				s.detailed(details)
				s.forward(3 * time.Second)
				s.Expect(s.condition("line", v1alpha1.StalledCondition).Message).To(ContainSubstring("Details: (a number, not shown) of instance 710700000001"))
				version := s.get("line").ResourceVersion
				s.forward(2 * time.Hour)
				s.Expect(s.get("line").ResourceVersion).To(Equal(version), "nothing is written again (R2)")
				s.Expect(s.sets()).To(HaveLen(1))
			})
		}
	}
}
