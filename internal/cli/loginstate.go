// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/qr"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// scanHow says where each messenger scans.
var scanHow = map[string]string{
	whatsApp:   "Scan it on the phone: WhatsApp > Settings > Linked devices > Link a device",
	"v3":       "Scan it on the phone: MAX > Profile > Devices",
	"telegram": "Scan it on the phone: Telegram > Settings > Devices > Link Desktop Device",
}

// inkHints say for which terminals a code without colors is, and what to do on others.
var inkHints = map[qr.Ink]string{
	qr.Light: "If it does not scan, add --invert: it is for dark backgrounds",
	qr.Dark:  "If it does not scan, omit --invert: it is for light ones",
}

// dead is the problem of a state from which no scan leads on; nil in others.
func (l *login) dead(ctx context.Context) error {
	name := advice.Argument(l.instance)
	switch l.state {
	case states.Blocked:
		return failf("Appeal in the messenger on the phone, or log out in the vendor's console and log in with another number",
			"%s: the messenger blocked the account", advice.Title(l.instance))
	case states.YellowCard:
		return failf("Reboot it: kubectl greenapi reboot "+name, "%s: the messenger warned the account (yellowCard)", advice.Title(l.instance))
	case states.Suspended:
		until := ""
		if account, err := l.account(ctx); err == nil && account.SuspendedUntil != nil {
			until = " until " + account.SuspendedUntil.Format(time.RFC3339)
		}
		return failf("It ends by itself; then run this again if the account is not authorized. Meanwhile write to saved contacts only",
			"%s: the messenger suspended the account%s", advice.Title(l.instance), until)
	}
	if known := states.Of(l.state); known.Login == states.LoginDead {
		return failf("See the vendor's console", "%s: its state is %s. %s", advice.Title(l.instance), known.Word, known.Message)
	}
	return nil
}

// account reads the account, and again where the operator did so just now.
func (l *login) account(ctx context.Context) (account greenapi.Account, err error) {
	err = l.unhurried(ctx, func() (err error) { account, err = l.vendor.Account(ctx); return err })
	return account, err
}

// phoneShown is the account's phone number as far as the resource may show it (R36), "" if there is nothing to show.
func (l *login) phoneShown(ctx context.Context) string {
	// The operator may have written its first status meanwhile, and the manifest may have been edited.
	current := instance.KindOf(l.instance).New()
	if l.cluster.Get(ctx, client.ObjectKeyFromObject(l.instance), current) != nil {
		return ""
	}
	account, err := l.account(ctx)
	if err != nil {
		return ""
	}
	shown := v1alpha1.InstanceStatus{Phone: account.Phone}
	instance.LimitAccount(&shown, instance.AccountDetailsSeen(current))
	if shown.Phone == "" {
		return ""
	}
	return ", phone " + shown.Phone
}

// welcome says whose account is authorized.
func (l *login) welcome(ctx context.Context, already bool) {
	phone := l.phoneShown(ctx)
	l.screen.clear()
	if already {
		fmt.Fprintf(l.Out, "%s is authorized already%s.\nTo log another account in, log this one out in the vendor's console first.\n", advice.Title(l.instance), phone)
		return
	}
	fmt.Fprintf(l.Out, "%s is authorized%s.\n", advice.Title(l.instance), phone)
	if l.instance.Core().Paused {
		fmt.Fprintln(l.Out, "It is paused: the operator will show it once it is resumed.")
		return
	}
	fmt.Fprintf(l.Out, "The operator will show it within a minute: kubectl get greenapi -n %s\n", l.instance.GetNamespace())
}

// overdue is the problem of a time that is over.
func (l *login) overdue() error {
	if l.small != nil {
		return l.small
	}
	name := advice.Argument(l.instance)
	next := "Run it again, with a longer --timeout perhaps"
	switch {
	case !l.looked && timedOut(l.failure):
		next = "The vendor did not answer in time (--api-timeout). See whether this machine reaches the address of the API, perhaps by --api-proxy, and run it again"
	case !l.looked:
		next = "See whether this machine reaches the address of the API, and run it again"
	case l.state == states.Starting:
		next = "If it has been starting for more than five minutes, reboot it: kubectl greenapi reboot " + name
	case states.Of(l.state).Login == states.LoginEnter:
		next = "Finish in the vendor's console or on the phone, and run it again"
	}
	return &problem{
		what: fmt.Sprintf("%s was not authorized within %s; its state is %s", advice.Title(l.instance), l.flags.timeout, l.word()),
		next: next, code: exitNo,
	}
}

// word is the state for a person.
func (l *login) word() string {
	if !l.looked {
		return "not known"
	}
	return cmp.Or(l.state, "being created")
}

// report shows the state and the rest of the time.
func (l *login) report(rest time.Duration) {
	doing := cmp.Or(l.doing, "Waiting for the account")
	if l.troubled {
		doing = hitch(l.failure)
	}
	line := fmt.Sprintf("%s (state %s)", doing, l.word())
	if !l.screen.still {
		line = fmt.Sprintf("%s left. %s", rest.Round(time.Second), line)
		line = cut(line, terminalOf(l.Out).width-1)
	}
	l.screen.progress(line)
}
