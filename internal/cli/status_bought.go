// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// paperStatus is kubectl greenapi status of claims or partner accounts.
type paperStatus struct {
	*statusVerb
	terminal

	kind    *paperKind
	wanted  []string
	cluster client.Reader
}

// runPapers shows claims or partner accounts.
func (v *statusVerb) runPapers(ctx context.Context, kind *paperKind, names []string) error {
	printer, err := printerOf(v.format)
	switch {
	case err != nil:
		return err
	case v.follow && (len(names) != 1 || printer != nil || v.problems):
		return failf("Name one of them, or use kubectl get "+kind.short+" --watch", "--watch follows the page of one %s", kind.one)
	}
	cluster, err := v.client()
	if err != nil {
		return err
	}
	p := &paperStatus{statusVerb: v, terminal: terminalOf(v.Out), kind: kind, wanted: names, cluster: cluster}
	found, err := v.findPapers(ctx, cluster, kind, names, v.selection)
	if err != nil {
		return err
	}
	return p.show(ctx, found, printer)
}

// show shows what was found, and sums it up for people.
func (p *paperStatus) show(ctx context.Context, found []paper, printer printers.ResourcePrinter) error {
	some, one := found, len(p.wanted) == 1
	if p.problems {
		some = slices.DeleteFunc(slices.Clone(found), func(one paper) bool { return paperSort(one, p.clock.Now()) != sortProblem })
	}
	switch {
	case printer != nil:
		return p.printObjects(&objectView{out: p.Out, printer: printer, single: len(some) == 1 && one}, some)
	case len(found) == 0:
		return p.sayNone()
	case one && !p.problems:
		return p.pages(ctx, found[0])
	case len(some) > 0:
		p.table(ctx, some)
	}
	if len(found) > 1 || p.problems {
		fmt.Fprintln(p.ErrOut, paperSummary(p.kind, found, p.clock.Now()))
	}
	return nil
}

func (p *paperStatus) printObjects(view *objectView, found []paper) error {
	var objects []unstructured.Unstructured
	for _, one := range found {
		object, err := untyped(one.bare(), p.kind.name)
		if err != nil {
			return err
		}
		objects = append(objects, *object)
	}
	if view.single {
		return view.printed(view.printer.PrintObj(&objects[0], view.out))
	}
	return view.list(objects)
}

func (p *paperStatus) sayNone() error {
	if !p.kind.namespaced || p.allNamespaces {
		fmt.Fprintf(p.ErrOut, "No %s found\n", p.kind.many)
		return nil
	}
	namespace, err := p.namespace()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.ErrOut, "No %s found in namespace %s.\n", p.kind.many, namespace)
	return nil
}

// table shows many, a line each.
func (p *paperStatus) table(ctx context.Context, found []paper) {
	now := p.clock.Now()
	accounts := accountsOf(ctx, p.cluster, found)
	g := &grid{terminal: p.terminal}
	var rows [][]gridCell
	for _, one := range found {
		ready := "-"
		if c := apimeta.FindStatusCondition(one.conditions(), v1alpha1.ReadyCondition); c != nil {
			ready = string(c.Status)
		}
		row := []gridCell{{text: one.GetName()}, {cmp.Or(ready, "-"), shadeOf(ready)}}
		switch one := one.(type) {
		case claimPaper:
			g.columns = []column{{name: "NAME"}, {name: "READY"}, {name: "REASON", spare: 2}, {name: "INSTANCE"}, {name: "ACCOUNT", spare: 3}, {name: "AT-VENDOR", spare: 6}, {name: "ATTEMPTS", spare: 5}, {name: "AGE", spare: 4}, {name: "NEXT"}}
			row = append(row, gridCell{text: one.reason()}, gridCell{text: numberText(one.Status.IDInstance)}, gridCell{text: one.Spec.AccountRef.Name},
				gridCell{text: cmp.Or(one.nameThere(accounts[one.Spec.AccountRef.Name]), "-")}, gridCell{text: one.attempts()})
		case accountPaper:
			g.columns = []column{{name: "NAME"}, {name: "READY"}, {name: "REASON", spare: 2}, {name: "MODE", spare: 5}, {name: "OWNER-KEY", spare: 6}, {name: "LIVING"}, {name: "UNCLAIMED"}, {name: "MAX", spare: 3}, {name: "LAST-HOUR", spare: 4}, {name: "AGE", spare: 7}, {name: "NEXT"}}
			row = append(row, one.cells(now)...)
		}
		row = append(row, gridCell{text: ago(now, one.GetCreationTimestamp().Time)}, gridCell{text: one.assess(now).Brief()})
		if p.allNamespaces && p.kind.namespaced {
			g.columns = append([]column{{name: "NAMESPACE"}}, g.columns...)
			row = append([]gridCell{{text: one.GetNamespace()}}, row...)
		}
		rows = append(rows, row)
	}
	g.print(p.Out, rows)
}

// attempts is how many calls a claim made to buy an instance.
func (c claimPaper) attempts() string {
	if c.Status.Create == nil {
		return "0"
	}
	return strconv.Itoa(int(c.Status.Create.Attempt))
}

// cells are the columns of an account, from its reason on.
func (a accountPaper) cells(now time.Time) []gridCell {
	living, unclaimed := "-", gridCell{text: "-"}
	if n := a.Status.Instances; n != nil {
		living, unclaimed.text = strconv.Itoa(int(n.Living)), strconv.Itoa(int(n.Unclaimed))
		if n.Unclaimed > 0 {
			unclaimed.shade = shadeBusy
		}
	}
	return []gridCell{{text: a.reason()}, {text: string(cmp.Or(a.Spec.Mode, v1alpha1.ModeObserve))}, {text: a.Spec.OwnerKey}, {text: living}, unclaimed,
		{text: strconv.Itoa(int(a.Spec.Limits.MaxInstances))}, {text: fmt.Sprintf("%d/%d", a.boughtLately(now), a.Spec.Limits.MaxCreatesPerHour)}}
}

// numberText is a number of an instance as tables show it.
func numberText(number int64) string {
	if number == 0 {
		return "-"
	}
	return strconv.FormatInt(number, 10)
}

// pages shows the page of one, and with --watch every change of it until Ctrl-C.
func (p *paperStatus) pages(ctx context.Context, one paper) error {
	drawn, at := p.draw(ctx, one), p.clock.Now()
	fmt.Fprint(p.Out, drawn)
	for p.follow {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.clock.After(lookEvery):
		}
		fresh, err := p.findPaper(ctx, p.cluster, p.kind, p.wanted[0])
		if gone := p.kind.newObject(); err != nil && apierrors.IsNotFound(p.cluster.Get(ctx, client.ObjectKeyFromObject(one), gone)) {
			fmt.Fprintf(p.Out, "%s was deleted\n", titleOf(one))
			return nil
		}
		if err != nil {
			return err
		}
		changed := fresh.GetResourceVersion() != one.GetResourceVersion()
		if one = fresh; !changed && (p.width == 0 || p.clock.Since(at) < redrawEvery) {
			continue
		}
		at = p.clock.Now()
		switch text := p.draw(ctx, one); {
		case text == drawn:
		case p.width > 0:
			drawn = text
			fmt.Fprint(p.Out, clearScreen+text)
		default:
			drawn = text
			fmt.Fprint(p.Out, "\n---\n\n"+text)
		}
	}
	return nil
}

// draw makes the page of one.
func (p *paperStatus) draw(ctx context.Context, one paper) string {
	w := &page{terminal: p.terminal, now: p.clock.Now()}
	how := one.assess(w.now)
	w.heading(titleOf(one), how)
	switch one := one.(type) {
	case claimPaper:
		w.claimFacts(one, around{accounts: accountsOf(ctx, p.cluster, []paper{one}), users: usersOf(ctx, p.cluster, one.InstanceClaim)})
	case accountPaper:
		var seen around
		seen.claims, seen.claimsErr = listPapers(ctx, p.cluster, claimKind, nil)
		seen.claims = slices.DeleteFunc(seen.claims, func(claim paper) bool { return accountOf(claim) != one.Name })
		w.accountFacts(one, seen)
	}
	events, err := eventsOf(ctx, p.cluster, one)
	w.events(events, err, func(event eventsv1.Event) bool { return overPaper(one, event) })
	w.next(how.Steps)
	return w.String()
}

// accountOf is the name of the account of a claim.
func accountOf(one paper) string {
	if claim, ok := one.(claimPaper); ok {
		return claim.Spec.AccountRef.Name
	}
	return ""
}
