// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// check finds what would be no use before the first is asked for, and puts the question. Of many that nobody named, those
// of no use are left out, or one paused instance would keep a whole fleet from being asked.
func (a ask) check(s *session, found []v1alpha1.Instance, chosen, sure bool) ([]v1alpha1.Instance, error) {
	var useful []v1alpha1.Instance
	var refusal error
	for _, instance := range found {
		err := a.refusal(instance)
		switch {
		case err == nil:
			useful = append(useful, instance)
		case !chosen:
			return nil, err
		case refusal == nil:
			refusal = err
		}
	}
	if len(useful) == 0 {
		return nil, refusal
	}
	if left := len(found) - len(useful); left > 0 {
		fmt.Fprintf(s.ErrOut, "warning: left out %d of %d; the first: %s\n", left, len(found), refusal)
	}
	if a.confirmAll != nil && !sure {
		if err := s.confirm(a.confirmAll(useful)); err != nil {
			return nil, err
		}
	}
	for _, instance := range useful {
		if a.confirm != "" && !sure {
			if err := s.confirm(fmt.Sprintf(a.confirm, advice.Title(instance))); err != nil {
				return nil, err
			}
		}
	}
	return useful, nil
}

func (a ask) refusal(instance v1alpha1.Instance) error {
	if a.refuse == nil {
		return nil
	}
	return a.refuse(instance)
}

// asked is what became of one request.
type asked struct {
	undoing string
	err     error
}

// run asks, eight at a time, and waits if it is told to. One that fails does not stop the others.
func (a ask) run(ctx context.Context, s *session, cluster client.Client, found []v1alpha1.Instance, hold waiting) error {
	at, now := map[types.UID]string{}, s.clock.Now()
	for _, instance := range found {
		at[instance.GetUID()] = a.at(instance, now)
	}
	done, err := a.askAll(ctx, s, cluster, found, at)
	if err != nil && len(done) == 0 || !hold.wait {
		return err
	}
	waited := s.await(ctx, cluster, done, hold, func(i v1alpha1.Instance, waited time.Duration) stage {
		switch {
		case !a.heard(i, at[i.GetUID()]):
			return stageOpen
		case a.reached(i, waited):
			return stageDone
		case stalledNow(i):
			return stageStuck
		}
		return stageOpen
	})
	if err != nil && ctx.Err() == nil {
		if waited != nil {
			report(s.ErrOut, waited)
		}
		return err
	}
	return waited
}

// askAll asks for all, and returns those for which it did. A terminal shows how far it is, and the lines at the end.
func (a ask) askAll(ctx context.Context, s *session, cluster client.Client, found []v1alpha1.Instance, at map[types.UID]string) ([]v1alpha1.Instance, error) {
	out, errOut := s.Out, s.ErrOut
	var lines, warnings bytes.Buffer
	bar := progressOn(s.ErrOut, terminalOf(s.ErrOut).width > 0 && len(found) > 1, len(found), a.use)
	if bar.bar != nil {
		out, errOut = &lines, &warnings
	}
	var done []v1alpha1.Instance
	var failures []error
	inOrder(len(found), func(n int) asked {
		if ctx.Err() != nil {
			return asked{err: ctx.Err()}
		}
		instance := found[n]
		// Whose value it is now is known before it is changed only.
		by := undoing(ctx, cluster, instance, a.field...)
		err := a.write(ctx, cluster, instance, at[instance.GetUID()])
		return asked{by, explain(err, advice.Title(instance))}
	}, func(n int, result asked) {
		bar.step()
		if result.err != nil {
			failures = append(failures, result.err)
			return
		}
		done = append(done, found[n])
		fmt.Fprintf(out, a.said+"\n", advice.Title(found[n]))
		if result.undoing != "" {
			fmt.Fprintf(errOut, "warning: %s: %s. Change it in Git\n", advice.Title(found[n]), result.undoing)
		}
	})
	bar.end()
	_, _ = lines.WriteTo(s.Out)
	_, _ = warnings.WriteTo(s.ErrOut)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(s.ErrOut, "%s: %d of %d were asked for\n", a.use, len(done), len(found))
		return done, ctx.Err()
	case len(failures) == 0:
		return done, nil
	case len(found) == 1:
		return done, failures[0]
	}
	for _, err := range failures {
		report(s.ErrOut, err)
	}
	fmt.Fprintf(s.ErrOut, "%s: %d of %d failed\n", a.use, len(failures), len(found))
	return done, errSaid
}

// write sets or removes the field. What another field manager has set to the same value already is taken over as well, or Flux
// removes it with what else that one wrote.
func (a ask) write(ctx context.Context, cluster client.Client, resource v1alpha1.Instance, at string) error {
	version := resource.GetResourceVersion()
	err := cluster.Patch(ctx, resource, client.RawPatch(types.MergePatchType, []byte(a.patch(at))))
	if err != nil || resource.GetResourceVersion() != version || !resource.Core().Paused {
		return err
	}
	same := fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"uid":%q},"spec":{"paused":true}}`,
		v1alpha1.GroupVersion.String(), instance.KindOf(resource).Name, resource.GetName(), resource.GetUID())
	return cluster.Patch(ctx, resource, client.RawPatch(types.ApplyPatchType, []byte(same)), client.ForceOwnership)
}
