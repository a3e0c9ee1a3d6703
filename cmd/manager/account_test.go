// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// maxLine is a line of another messenger beside those of a fleet.
const maxLine, maxID = "max", firstID + 900

// TestR36NothingShowsWhoseAccountItIs: a process that shows all is replaced by one that shows less. From then on whatever the new one
// writes is searched for the numbers: its log at the most verbose level, every object of its namespace, the tables of kubectl, its
// metrics and other pages, and what the plugin prints.
func TestR36NothingShowsWhoseAccountItIs(t *testing.T) {
	t.Parallel()
	for details, want := range map[string][3]string{"Masked": {"Masked", "7***%s", ":8@s.whatsapp.net"}, "None": {"None", "", ""}} {
		t.Run(details, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, admin, 3)
			numbers := f.accounts()
			all := f.launch(newGate(t, environment.Config))
			for name, number := range numbers {
				f.Eventually(func() string { return f.statusOf(name).Phone }, patience).Should(Equal(number), "%s\n%s", name, f.alarm)
			}
			// One that was paused long ago gets no look any more.
			f.edit("line-1", 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = true })
			f.Eventually(func() string { return f.status("line-1") }, patience).Should(ContainSubstring(v1alpha1.ReasonSpecPaused))
			all.signal(syscall.SIGTERM)
			all.expectExit("a process that is told to ends")
			f.Expect(f.statusOf("line-1").Phone).To(Equal(numbers["line-1"]))

			f.alarm.forget()
			for _, number := range numbers {
				f.alarm.AddAccount(number)
			}
			metrics, probes := freeAddress(t), freeAddress(t)
			f.flags = []string{"--metrics-bind-address=" + metrics, "--metrics-secure=false", "--health-probe-bind-address=" + probes,
				"--leader-elect", "--leader-election-namespace=" + f.ns}
			for _, id := range []int64{f.id("line-0"), f.id("line-2"), maxID} {
				for _, said := range []string{`{"message":"%s is not registered"}`, `{"stateInstance":"moved to %s"}`} {
					f.vendor.Fault(emulator.Fault{ID: id, Method: "getStateInstance", Status: map[bool]int{true: 500, false: 200}[strings.Contains(said, "message")],
						Body: fmt.Sprintf(said, numbers[f.nameOf(id)]), Times: 2})
				}
			}
			f.edit("line-2", 1, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Settings.IncomingWebhook = new(true) })
			p := f.launch(newGate(t, environment.Config), "--account-details="+details)
			for name, number := range numbers {
				phone, device := want[1], want[2]
				if phone != "" {
					phone = fmt.Sprintf(phone, number[len(number)-2:])
				}
				if name == maxLine {
					device = ""
				}
				f.Eventually(func() [5]string {
					s := f.statusOf(name)
					return [5]string{string(s.AccountDetails), s.Phone, s.DeviceID, s.ChatID, s.AvatarURL}
				}, patience).Should(Equal([5]string{want[0], phone, device}), "%s\n%s", name, f.alarm)
			}
			f.Eventually(func() int { return f.sets() }, patience).Should(Equal(1))
			f.Eventually(func() int { return len(f.vendor.Faults()) }, patience).Should(BeZero())
			f.edit("line-1", 0, func(r *v1alpha1.WhatsAppInstance) { r.Spec.Paused = false })
			f.converge("showing less")

			f.searchEvery("whatsappinstances", "maxinstances", "leases", "events")
			f.searchPages(metrics, probes)
			f.searchProcess(p)
			// The vendor refuses a second call in a second, and this process looks each second: the plugin might never have its turn.
			p.signal(syscall.SIGTERM)
			p.expectExit("a process that is told to ends")
			f.searchPlugin()
			f.searchTables()
			f.Expect(f.alarm.hit()).To(BeEmpty())
		})
	}
}

// accounts gives each line of a fleet an account with a number of its own, and one of another messenger besides. It returns the numbers.
func (f *fleet) accounts() map[string]string {
	f.t.Helper()
	const token = "canary-of-the-max-line-0123456789"
	f.vendor.Add(emulator.Instance{ID: maxID, Token: token, Messenger: emulator.MAX})
	f.secret(maxLine+"-token", "apiTokenInstance", token)
	resource := &v1alpha1.MaxInstance{ObjectMeta: metav1.ObjectMeta{Namespace: f.ns, Name: maxLine}}
	resource.Spec.IDInstance, resource.Spec.APITokenSecretRef.Name = maxID, maxLine+"-token"
	f.Expect(f.admin.Create(f.ctx, resource)).To(Succeed())
	numbers := map[string]string{}
	for i, id := range []int64{f.id("line-0"), f.id("line-1"), f.id("line-2"), maxID} {
		number := fmt.Sprintf("7916555%s%d", []string{"321", "432", "543", "654"}[i], i)
		numbers[f.nameOf(id)] = number
		f.vendor.Update(id, func(in *emulator.Instance) {
			in.Phone, in.Avatar, in.Settings["wid"] = number, "https://pictures.example/"+number+".jpg", number+"@c.us"
			in.Behavior.AccountExtra = map[string]any{"chatId": number + "@c.us"}
			if in.Messenger == emulator.WhatsApp {
				in.DeviceID = number + ":8@s.whatsapp.net"
			}
		})
	}
	return numbers
}

// nameOf is the name of the resource of an instance.
func (f *fleet) nameOf(id int64) string {
	if id == maxID {
		return maxLine
	}
	return fmt.Sprintf("line-%d", id-firstID)
}

// statusOf is the status of a line of any messenger.
func (f *fleet) statusOf(name string) *v1alpha1.InstanceStatus {
	f.t.Helper()
	var resource v1alpha1.Instance = &v1alpha1.WhatsAppInstance{}
	if name == maxLine {
		resource = &v1alpha1.MaxInstance{}
	}
	f.Expect(f.admin.Get(f.ctx, client.ObjectKey{Namespace: f.ns, Name: name}, resource)).To(Succeed())
	return resource.InstanceStatus()
}

// searchPlugin searches what kubectl greenapi prints, also where it asks the vendor itself.
func (f *fleet) searchPlugin() {
	f.t.Helper()
	local := []string{"--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url=" + f.url}
	for _, arguments := range [][]string{
		{"status"}, {"status", "wai/line-0"}, {"status", "maxi/max"}, {"status", "-o", "json"}, {"status", "-o", "yaml"}, {"status", "-o", "wide"},
		{"events", "line-0"}, {"events", "line-2", "-o", "json"}, {"rollout"}, {"rollout", "-o", "json"}, {"doctor"}, {"doctor", "-o", "json"},
		append([]string{"diff"}, local...), append([]string{"diff", "-o", "json"}, local...),
		append([]string{"auth", "line-0"}, local...), append([]string{"auth", "max"}, local...),
		append([]string{"import", "--id", fmt.Sprint(f.id("line-0")), "--api-url", f.url, "--secret", "line-0-token"}, local[:2]...),
		append([]string{"statuses", "line-0"}, local...),
	} {
		search := func(g Gomega) {
			var out, errOut bytes.Buffer
			code := cli.Main(f.ctx, append(arguments, "--kubeconfig="+kubeconfig, "--namespace="+f.ns), genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &out, ErrOut: &errOut})
			f.Expect(f.alarm.Search(out.String()+errOut.String())).To(BeEmpty(), "%v", arguments)
			// A diff of what is in order is empty, as that of kubectl.
			if code != 0 || arguments[0] != "diff" {
				f.Expect(out.Len()+errOut.Len()).NotTo(BeZero(), "%v", arguments)
			}
			switch arguments[0] {
			case "auth", "import":
				g.Expect(code).To(BeZero(), "%v: %s", arguments, errOut.String())
			}
		}
		// Two of these commands may ask for the same within a second, which the vendor refuses.
		f.Eventually(search, patience, time.Second).Should(Succeed())
	}
}

// searchTables searches what kubectl get prints, all columns of it.
func (f *fleet) searchTables() {
	f.t.Helper()
	config := rest.CopyConfig(environment.Config)
	config.GroupVersion, config.APIPath = new(v1alpha1.GroupVersion), "/apis"
	config.NegotiatedSerializer = serializer.NewCodecFactory(f.admin.Scheme()).WithoutConversion()
	api, err := rest.RESTClientFor(config)
	f.Expect(err).NotTo(HaveOccurred())
	for _, kind := range instance.Kinds {
		text, err := api.Get().Namespace(f.ns).Resource(kind.Plural).SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Param("includeObject", "Object").DoRaw(f.ctx)
		f.Expect(err).NotTo(HaveOccurred())
		table := &metav1.Table{}
		f.Expect(json.Unmarshal(text, table)).To(Succeed())
		f.Expect(string(text)).To(ContainSubstring(`"name":"Phone"`))
		f.Expect(f.alarm.Search(string(text))).To(BeEmpty(), kind.Plural)
	}
}
