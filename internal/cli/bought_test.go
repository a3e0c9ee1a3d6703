// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// account makes a partner account that nobody looks after, with a status that a test wants to see. Its name and owner key are the namespace.
func (d *desk) account(change func(a *v1alpha1.PartnerAccount, at func(time.Duration) metav1.Time)) *v1alpha1.PartnerAccount {
	d.t.Helper()
	account := &v1alpha1.PartnerAccount{ObjectMeta: metav1.ObjectMeta{Name: d.ns}, Spec: v1alpha1.PartnerAccountSpec{
		PartnerAPIURL: vendorURL, PartnerTokenSecretRef: v1alpha1.PartnerTokenReference{Name: "reseller-partner"}, Messenger: "whatsapp", OwnerKey: d.ns,
		Limits: v1alpha1.PartnerLimits{MaxInstances: 200, MaxCreatesPerHour: 10}, AllowedNamespaces: &metav1.LabelSelector{MatchLabels: map[string]string{"greenapi-claims": "allowed"}},
		Mode: v1alpha1.ModeCreate,
	}}
	d.Expect(admin.Create(d.ctx, account)).To(Succeed())
	d.t.Cleanup(func() { _ = admin.Delete(context.WithoutCancel(d.ctx), account) })
	at := func(after time.Duration) metav1.Time { return metav1.NewTime(account.CreationTimestamp.Add(after)) }
	s := &account.Status
	s.ObservedGeneration, s.Instances = account.Generation, &v1alpha1.PartnerInstances{Living: 187, Deleted: 12, Expired: 1}
	s.Conditions = goodAccount(at)
	if change != nil {
		change(account, at)
	}
	d.Expect(admin.Status().Update(d.ctx, account)).To(Succeed())
	return account
}

func goodAccount(at func(time.Duration) metav1.Time) []metav1.Condition {
	return []metav1.Condition{
		condition(at(20*time.Second), v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "The list of instances was read, and it is this account's"),
		condition(at(20*time.Second), v1alpha1.CredentialsValidCondition, metav1.ConditionTrue, v1alpha1.ReasonTokenAccepted, "The vendor accepted the partner token"),
	}
}

func condition(at metav1.Time, name string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: name, Status: status, Reason: reason, Message: message, ObservedGeneration: 1, LastTransitionTime: at}
}

// claim makes a claim that nobody looks after, with a status that a test wants to see.
func (d *desk) claim(name string, change func(s *v1alpha1.InstanceClaimStatus, at func(time.Duration) metav1.Time), edits ...func(*v1alpha1.InstanceClaim)) *v1alpha1.InstanceClaim {
	d.t.Helper()
	claim := &v1alpha1.InstanceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name}, Spec: v1alpha1.InstanceClaimSpec{AccountRef: v1alpha1.AccountReference{Name: d.ns}}}
	for _, edit := range edits {
		edit(claim)
	}
	d.Expect(admin.Create(d.ctx, claim)).To(Succeed())
	if change == nil {
		return claim
	}
	claim.Status.ObservedGeneration = 1
	change(&claim.Status, func(after time.Duration) metav1.Time { return metav1.NewTime(claim.CreationTimestamp.Add(after)) })
	d.Expect(admin.Status().Update(d.ctx, claim)).To(Succeed())
	return claim
}

// has is the status of a claim that has its instance.
func has(number int, outcome v1alpha1.ClaimOutcome) func(s *v1alpha1.InstanceClaimStatus, at func(time.Duration) metav1.Time) {
	return func(s *v1alpha1.InstanceClaimStatus, at func(time.Duration) metav1.Time) {
		s.IDInstance, s.APIURL = firstID+int64(number), vendorURL
		s.Create = &v1alpha1.CreateRecord{Name: "a name", StartedTime: new(at(30 * time.Second)), FinishedTime: new(at(31 * time.Second)), Outcome: outcome}
		if outcome == v1alpha1.ClaimCreated {
			s.Create.Attempt = 1
		}
		message := fmt.Sprintf("Instance %d is there, and its Secret has its token", s.IDInstance)
		s.Conditions = []metav1.Condition{
			condition(at(32*time.Second), v1alpha1.CreatedCondition, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, message),
			condition(at(32*time.Second), v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, message),
		}
	}
}

// lacks is the status of a claim without an instance; abnormal is Reconciling or Stalled.
func lacks(abnormal, reason, message string) func(s *v1alpha1.InstanceClaimStatus, at func(time.Duration) metav1.Time) {
	return func(s *v1alpha1.InstanceClaimStatus, at func(time.Duration) metav1.Time) {
		ready, why := metav1.ConditionFalse, reason
		if abnormal == v1alpha1.ReconcilingCondition {
			ready, why = metav1.ConditionUnknown, v1alpha1.ReasonProgressing
		}
		s.Conditions = []metav1.Condition{
			condition(at(time.Minute), v1alpha1.CreatedCondition, metav1.ConditionFalse, reason, message),
			condition(at(time.Minute), v1alpha1.ReadyCondition, ready, reason, message),
			condition(at(time.Minute), abnormal, metav1.ConditionTrue, why, message),
		}
	}
}

// lost is the status of a claim whose second answer was lost, too.
func lost(s *v1alpha1.InstanceClaimStatus, at func(time.Duration) metav1.Time) {
	lacks(v1alpha1.StalledCondition, v1alpha1.ReasonOutcomeUnknown, "An instance may have been bought, and does not show in the list")(s, at)
	s.Create = &v1alpha1.CreateRecord{Name: "a name", Attempt: 2, StartedTime: new(at(30 * time.Second)), FinishedTime: new(at(31 * time.Second)), Outcome: v1alpha1.ClaimUnknown}
}

// tellOf makes an event about a claim or an account.
func (d *desk) tellOf(about client.Object, kind string, after time.Duration, reason, note, sort string) {
	d.t.Helper()
	namespace := about.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "event-"}, EventTime: metav1.NewMicroTime(about.GetCreationTimestamp().Add(after)),
		Reason: reason, Note: note, Type: sort, Action: "Create", ReportingController: "greenapi-operator", ReportingInstance: "test",
	}
	event.Regarding.Kind, event.Regarding.APIVersion = kind, v1alpha1.GroupVersion.String()
	event.Regarding.Namespace, event.Regarding.Name, event.Regarding.UID = about.GetNamespace(), about.GetName(), about.GetUID()
	d.Expect(admin.Create(d.ctx, event)).To(Succeed())
}

// afterBirth is a clock that stands some time after something was made.
func afterBirth(about client.Object, after time.Duration) *clocktesting.FakeClock {
	return clocktesting.NewFakeClock(about.GetCreationTimestamp().Add(after))
}

func TestStatusOfClaims(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.account(nil)
	bought := d.claim("bought", has(1, v1alpha1.ClaimCreated), func(c *v1alpha1.InstanceClaim) { c.Spec.DeletionPolicy = v1alpha1.DeletionDelete })
	d.claim("adopted", has(2, v1alpha1.ClaimAdopted), func(c *v1alpha1.InstanceClaim) { c.Spec.InstanceName = "Support VIP" })
	d.claim("limited", lacks(v1alpha1.ReconcilingCondition, v1alpha1.ReasonLimitReached, "PartnerAccount buys no more than limits.maxCreatesPerHour, 10, within an hour"))
	unknown := d.claim("lost", lost)
	d.claim("unseen", nil)
	line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "support"}}
	line.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: "bought"}
	d.Expect(admin.Create(d.ctx, line)).To(Succeed())
	d.tellOf(bought, "InstanceClaim", 31*time.Second, "InstanceCreated", "The vendor created instance 7107000001", "Normal")
	d.tellOf(unknown, "InstanceClaim", time.Minute, v1alpha1.ReasonOutcomeUnknown, "An instance may have been bought, and does not show in the list", "Warning")

	now := afterBirth(bought, 2*time.Hour+30*time.Second)
	table := d.run(now, "status", "claims")
	d.Expect(table.code).To(Equal(exitDone), table.err)
	golden(t, "status-claims", d.named(table.out)+d.named(table.err))
	d.Expect(d.run(now, "status", "gic", "lost", "bought").out).To(MatchRegexp(`(?m)^NAME .*\nlost .*\nbought .*\n$`))
	d.Expect(d.run(now, "status", "claims", "--all-namespaces").out).To(MatchRegexp(`(?m)^` + d.ns + ` +lost +False +OutcomeUnknown +- +` + d.ns + ` `))
	problems := d.run(now, "status", "claims", "--problems")
	d.Expect(problems.out).To(MatchRegexp(`^NAME .*\nlost .*\nunseen .*\n$`))
	d.Expect(problems.err).To(Equal("5 claims: 2 fine, 1 waiting, 2 with a problem\n"))

	for _, name := range []string{"bought", "lost"} {
		page := d.run(now, "status", "claim/"+name)
		d.Expect(page.code).To(Equal(exitDone), page.err)
		golden(t, "status-claim-"+name, d.named(page.out))
	}
	d.Expect(d.run(now, "status", "InstanceClaim", "limited").out).To(HavePrefix("InstanceClaim " + d.ns + "/limited\nWaiting: PartnerAccount buys no more"))
	d.Expect(d.kubectl("status", "claim/bought", "-o", "jsonpath={.kind} {.status.idInstance}").out).To(Equal("InstanceClaim 7107000001"))
	d.Expect(d.kubectl("status", "claims", "-o", "name").out).To(ContainSubstring("instanceclaim.messaging.greenapi-operator.dev/lost\n"))
}

func TestStatusOfPartnerAccounts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	account := d.account(func(a *v1alpha1.PartnerAccount, at func(time.Duration) metav1.Time) {
		d.Expect(admin.Patch(d.ctx, a, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"team":"`+d.ns+`"}}}`)))).To(Succeed())
		a.Status = v1alpha1.PartnerAccountStatus{ObservedGeneration: 1, Conditions: goodAccount(at), Instances: &v1alpha1.PartnerInstances{Living: 187, Deleted: 12, Expired: 1, Unclaimed: 3}}
		a.Status.Creates = []v1alpha1.PartnerCreate{
			{Name: d.ns + "/shop/old", ClaimUID: "1", Attempt: 1, Time: at(time.Minute)},
			{Name: d.ns + "/shop/new", ClaimUID: "2", Attempt: 1, Time: at(90 * time.Minute)},
		}
	})
	d.claim("bought", has(1, v1alpha1.ClaimCreated))
	d.claim("lost", lost)
	d.tellOf(account, "PartnerAccount", 19*time.Second, "CredentialsRejected", "The vendor refused the partner token", "Warning")
	now := afterBirth(account, 2*time.Hour+30*time.Second)
	page := d.run(now, "status", "account/"+account.Name)
	d.Expect(page.code).To(Equal(exitDone), page.err)
	golden(t, "status-account", d.named(page.out))
	table := d.run(now, "status", "accounts", "-l", "team="+d.ns)
	golden(t, "status-accounts", d.named(table.out)+d.named(table.err))
	d.Expect(d.run(now, "status", "accounts").out).To(ContainSubstring("\n" + account.Name + " "))

	account.Status.Conditions = []metav1.Condition{
		condition(metav1.Now(), v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized, "The vendor refused the partner token"),
		condition(metav1.Now(), v1alpha1.StalledCondition, metav1.ConditionTrue, v1alpha1.ReasonUnauthorized, "The vendor refused the partner token"),
	}
	d.Expect(admin.Status().Update(d.ctx, account)).To(Succeed())
	page = d.run(now, "status", "account/"+account.Name)
	d.Expect(page.out).To(ContainSubstring("\nNeeds you: the vendor refused the partner token.\n"))
	d.Expect(page.out).To(ContainSubstring("\nWhat to do\n  Copy the partner token from the profile in the vendor's console into key partnerToken of Secret reseller-partner in the operator's namespace"))
}

// TestWhatIsNoInstanceIsSaid: what can be written instead.
func TestWhatIsNoInstanceIsSaid(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("one", 1, nil)
	for arguments, want := range map[string]string{
		"status claim/nobody":             "There is no claim nobody in namespace " + d.ns + "\n  List what there is: kubectl greenapi status claims\n",
		"status account/nobody":           "There is no account nobody\n  List what there is: kubectl greenapi status accounts\n",
		"status claim/":                   "\"claim/\" names no claim\n  Write claim/NAME, or claims for all\n",
		"status one claim/two":            "Instances, claims and accounts are shown apart\n  Ask for one kind after the other\n",
		"status claim/one account/two":    "Instances, claims and accounts are shown apart\n",
		"status claims one -A":            "Names go with neither --all-namespaces nor --selector\n  Give names, or choose by -A and -l\n",
		"status claims -l =":              "--selector \"=\" cannot be read",
		"status claims --watch":           "--watch follows the page of one claim\n  Name one of them, or use kubectl get gic --watch\n",
		"status claims -o xml":            "Write -o json, yaml",
		"pause claim/one":                 "\"claim/one\" is of kind InstanceClaim and no instance\n  Write kubectl greenapi status claim/one, or events; what else can be done with it is on the page of InstanceClaim\n",
		"rotate gpa/one --yes":            "\"gpa/one\" is of kind PartnerAccount and no instance\n",
		"events claims":                   "events is about one claim, and 0 names were given\n  Write kubectl greenapi events claim/NAME; kubectl greenapi status claims lists the names\n",
		"events accounts one two":         "events is about one account, and 2 names were given\n",
		"events claim/one -A":             "Names go with neither --all-namespaces nor --selector\n",
		"events claim/nobody -o wide":     "--output \"wide\" is not known\n",
		"events claim/nobody --since=-1h": "--since=-1h0m0s is no time\n",
		"events account/nobody":           "There is no account nobody\n",
	} {
		refused := d.kubectl(strings.Fields(arguments)...)
		d.Expect(refused.code).To(Equal(exitFailed), arguments)
		d.Expect(refused.err).To(ContainSubstring(want), arguments)
		d.Expect(refused.out).To(BeEmpty(), arguments)
	}
	d.Expect(d.kubectl("status", "claims")).To(Equal(result{err: "No claims found in namespace " + d.ns + ".\n"}))
	d.Expect(d.kubectl("status", "accounts", "-l", "team="+d.ns)).To(Equal(result{err: "No accounts found\n"}))
}

// TestStatusOfAClaimWithFewRights: what may not be read is left out, and nothing fails for it.
func TestStatusOfAClaimWithFewRights(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.account(nil)
	d.claim("lost", lost)
	d.claim("unseen", nil)
	d.asUser("viewer", viewer)
	page := d.kubectl("status", "claim/lost")
	d.Expect(page.code).To(Equal(exitDone), page.err)
	d.Expect(page.out).To(And(ContainSubstring("\nAccount:    "+d.ns+"\n"), ContainSubstring("\nAt vendor:  a name\n"), ContainSubstring("not shown: Events: you may not do this")))
	d.Expect(d.kubectl("status", "claim/unseen").out).To(ContainSubstring("\nAt vendor:  its owner key, then /" + d.ns + "/unseen (the account may not be read)\n"))
	d.Expect(d.kubectl("status", "claims").code).To(Equal(exitDone))
	refused := d.kubectl("status", "account/"+d.ns)
	d.Expect(refused.code).To(Equal(exitFailed))
	d.Expect(refused.err).To(ContainSubstring("PartnerAccount " + d.ns + ": you may not do this\n  Ask whoever runs the cluster for this right: "))
	told := d.kubectl("events", "claim/lost")
	d.Expect(told.code).To(Equal(exitDone))
	d.Expect(told.err).To(HavePrefix("warning: you may not list events"))
	d.Expect(told.out).To(ContainSubstring("claim/Unknown"))
}

// TestAPageSaysWhatItsClaimWaitsFor: of a resource that waits, in the words of the claim.
func TestAPageSaysWhatItsClaimWaitsFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.account(nil)
	for _, name := range []string{"lost", "missing", "fine"} {
		line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: name}}
		line.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: name}
		d.Expect(admin.Create(d.ctx, line)).To(Succeed())
	}
	d.claim("lost", lost)
	d.claim("fine", has(1, v1alpha1.ClaimAdopted))
	page := d.kubectl("status", "lost").out
	d.Expect(page).To(ContainSubstring("\nClaim:      lost (needs you: an instance may have been bought, and does not show in the list)\n"))
	d.Expect(page).To(ContainSubstring("\n  Look for the name of the instance in the vendor's console. Only if it is not there"))
	page = d.kubectl("status", "missing").out
	d.Expect(page).To(ContainSubstring("\nClaim:      missing, which is not there\n"))
	d.Expect(page).To(ContainSubstring("\n  Write the manifest of InstanceClaim missing and apply it in namespace " + d.ns))
	d.Expect(d.kubectl("status", "fine").out).To(ContainSubstring("\nClaim:      fine\n"))
}

func TestEventsOfClaimsAndAccounts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	account := d.account(nil)
	bought := d.claim("bought", has(1, v1alpha1.ClaimCreated))
	unknown := d.claim("lost", lost)
	line := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Namespace: d.ns, Name: "support", Labels: map[string]string{"team": d.ns}}}
	line.Spec.ClaimRef = &v1alpha1.ClaimReference{Name: "bought"}
	d.Expect(admin.Create(d.ctx, line)).To(Succeed())
	rival := &v1alpha1.MaxInstance{ObjectMeta: *line.ObjectMeta.DeepCopy()}
	rival.Name, rival.UID, rival.ResourceVersion, rival.ManagedFields, rival.Spec.ClaimRef = "rival", "", "", nil, line.Spec.ClaimRef
	d.Expect(admin.Create(d.ctx, rival)).To(Succeed())
	d.tellOf(bought, "InstanceClaim", 20*time.Second, v1alpha1.ReasonModeObserve, "The mode permits nothing", "Warning")
	d.tellOf(bought, "InstanceClaim", 31*time.Second, "InstanceCreated", "The vendor created instance 7107000001", "Normal")
	d.tellOf(unknown, "InstanceClaim", time.Minute, v1alpha1.ReasonOutcomeUnknown, "An instance may have been bought, and does not show in the list", "Warning")
	d.tellOf(account, "PartnerAccount", 20*time.Second, "Recovered", "The list of instances is read again, and it is this account's", "Normal")
	now := afterBirth(bought, 30*time.Minute+20*time.Second)
	golden(t, "events-claim", d.named(d.run(now, "events", "claim/bought").out+d.run(now, "events", "gic", "lost").out))
	d.Expect(d.run(now, "events", "account/"+d.ns).out).To(And(ContainSubstring("event/Recovered "), ContainSubstring("resource/Created "), ContainSubstring("condition/TokenAccepted ")))

	own := d.run(now, "events", "support")
	d.Expect(own.code).To(Equal(exitDone), own.err)
	d.Expect(own.out).To(MatchRegexp(`(?m)event/InstanceCreated +gic/bought: The vendor created instance 7107000001$`))
	d.Expect(own.out).NotTo(ContainSubstring("may have been bought"), "another claim is no matter")
	var told []happening
	d.Expect(json.Unmarshal([]byte(d.run(now, "events", "support", "-o", "json").out), &told)).To(Succeed())
	d.Expect(told).To(ContainElement(And(HaveField("Reason", "InstanceCreated"), HaveField("Instance", "gic/bought"), HaveField("Message", "The vendor created instance 7107000001"))))
	d.Expect(told).To(ContainElement(And(HaveField("Source", "resource"), HaveField("Instance", ""))))
	many := d.run(now, "events", "-l", "team="+d.ns).out
	d.Expect(many).To(MatchRegexp(`(?m) gic/bought +event/InstanceCreated +The vendor created instance 7107000001$`))
	d.Expect(many).To(MatchRegexp(`(?m) gic/bought +event/ModeObserve +The mode permits nothing \(over\)$`))
	d.Expect(strings.Count(many, "InstanceCreated")).To(Equal(1))
}

// TestStatusFollowsAClaim until it is deleted.
func TestStatusFollowsAClaim(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	claim := d.claim("support", lacks(v1alpha1.ReconcilingCondition, v1alpha1.ReasonCreatePending, "The list of instances is read before anything is bought"))
	command := d.command("status", "claim/support", "--watch")
	output, err := command.StdoutPipe()
	d.Expect(err).NotTo(HaveOccurred())
	d.Expect(command.Start()).To(Succeed())
	lines := bufio.NewScanner(output)
	await := func(want string) {
		d.t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		d.t.Fatalf("it ended, and did not say %q", want)
	}
	await("Waiting: the list of instances is read before anything is bought.")
	has(1, v1alpha1.ClaimCreated)(&claim.Status, func(after time.Duration) metav1.Time { return metav1.NewTime(claim.CreationTimestamp.Add(after)) })
	d.Expect(admin.Status().Update(d.ctx, claim)).To(Succeed())
	await("Fine: instance 7107000001 is there, and Secret support-greenapi has its token.")
	d.Expect(admin.Delete(d.ctx, claim)).To(Succeed())
	await("InstanceClaim " + d.ns + "/support was deleted")
	d.Expect(command.Wait()).To(Succeed())
}

// TestCompletionOfClaims: behind the word for the kind.
func TestCompletionOfClaims(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.line("sales", 1, nil)
	d.claim("support", nil)
	d.claim("supply", nil)
	offered := func(words ...string) string {
		command := d.command()
		command.Args = append([]string{command.Args[0], "__complete", "greenapi"}, words...)
		output, err := command.Output()
		d.Expect(err).NotTo(HaveOccurred())
		return string(output)
	}
	for _, verb := range []string{"status", "events"} {
		d.Expect(offered(verb, "--namespace", d.ns, "claim/su")).To(HavePrefix("claim/supply\nclaim/support\n"), verb)
		d.Expect(offered(verb, "--namespace", d.ns, "gic/supply", "gic/su")).To(HavePrefix("gic/support\n:"), verb)
		d.Expect(offered(verb, "--namespace", d.ns, "s")).To(HavePrefix("sales\n:"), verb)
	}
}
