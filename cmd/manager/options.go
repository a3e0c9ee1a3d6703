// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/controllers"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
	"github.com/greenapi-operator/greenapi-operator/internal/restarts"
)

// options are the manager's flags.
type options struct {
	metrics      metricsFlags
	shard        shardFlags
	probeAddress string

	leaderElect                                bool
	leaderElectionNamespace, leaderElectionID  string
	leaseDuration, renewDeadline, retryPeriod  time.Duration
	watchNamespaces, watchLabels, secretLabels string
	webhookSecretLabels, accountDetails        string
	allowedHosts, apiProxy, concurrentRestarts string
	maxConcurrentReconciles                    int
	insecureAPI                                bool
	flapThreshold, maxAttempts                 int
	partnerAccounts                            bool
	controller                                 controllers.Options

	// filled by complete
	namespaces   []string
	hosts        []string
	proxy        *url.URL
	instanceOnly labels.Selector
	// ownNamespace is the process's own; only with partnerAccounts.
	ownNamespace string
}

// How often an instance may be looked at without being asked for.
const (
	leastStateInterval    = 5 * time.Second
	leastSettingsInterval = 10 * time.Second
)

func defaultOptions() options {
	return options{
		probeAddress:     ":8081",
		leaderElectionID: "manager.greenapi-operator.dev",
		// A standby takes over within 20 seconds.
		leaseDuration: 10 * time.Second, renewDeadline: 7 * time.Second, retryPeriod: 2 * time.Second,
		allowedHosts:            strings.Join(greenapi.DefaultAllowedHosts, ","),
		maxConcurrentReconciles: 32,
		concurrentRestarts:      "25%",
		accountDetails:          string(v1alpha1.AccountFull),
		flapThreshold:           plan.DefaultLimits().FlapThreshold, maxAttempts: int(plan.DefaultLimits().MaxAttempts),
		controller: controllers.Options{
			DefaultAPIURL: greenapi.DefaultURL,
			StateInterval: time.Minute, SettingsInterval: 10 * time.Minute,
			CallTimeout: 15 * time.Second,
			Rollout:     restarts.Rules{SlowStart: 1, BrakeAfter: 2},
			RestartSoak: 10 * time.Minute,
			Limits:      plan.DefaultLimits(),
		},
	}
}

// bind adds the flags to a flag set.
func (o *options) bind(f *flag.FlagSet) {
	c, l := &o.controller, &o.controller.Limits
	o.metrics.bind(f)
	o.shard.bind(f)
	f.StringVar(&o.probeAddress, "health-probe-bind-address", o.probeAddress, "where /healthz and /readyz are served")
	f.BoolVar(&o.leaderElect, "leader-elect", o.leaderElect, "let only one of several replicas work")
	f.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", "", "namespace of the lease; needed outside a cluster")
	f.StringVar(&o.leaderElectionID, "leader-election-id", o.leaderElectionID, "name of the lease, one per shard")
	f.DurationVar(&o.leaseDuration, "leader-election-lease-duration", o.leaseDuration, "how long a standby waits before it takes over")
	f.DurationVar(&o.renewDeadline, "leader-election-renew-deadline", o.renewDeadline, "how long a leader tries to renew before it gives up")
	f.DurationVar(&o.retryPeriod, "leader-election-retry-period", o.retryPeriod, "how often the lease is tried")
	f.StringVar(&o.watchNamespaces, "watch-namespaces", "", "comma-separated namespaces to look after; empty is all")
	f.StringVar(&o.watchLabels, "watch-label-selector", "", "look after instances with these labels only; empty is all")
	f.IntVar(&o.maxConcurrentReconciles, "max-concurrent-reconciles", o.maxConcurrentReconciles, "how many resources of a kind are looked at side by side")
	f.StringVar(&o.concurrentRestarts, "max-concurrent-restarts", o.concurrentRestarts, "instances that may be restarting at once because of this operator: a number, or a percentage that comes to 10 at least; 0 is no limit")
	f.StringVar(&c.FleetLabel, "fleet-label", "", "label whose value says which fleet an instance belongs to; empty, and for those without it: that of its namespace")
	f.IntVar(&c.Rollout.SlowStart, "restart-slow-start", c.Rollout.SlowStart, "instances of a fleet that may restart at once for a change before any has restarted well, 1 to 1000; 0 lets all go at once and has no brake")
	f.IntVar(&c.Rollout.BrakeAfter, "brake-after", c.Rollout.BrakeAfter, "restarts of different instances of a fleet that end badly in a row, after which no more begin, 1 to 100")
	f.DurationVar(&c.RestartSoak, "restart-soak", c.RestartSoak, "how long after a restart an instance has to stay authorized, up to 24h")
	f.Float64Var(&c.QPS, "api-qps", 0, "calls a second to the vendor, all instances together; 0 is no limit")
	f.DurationVar(&c.CallTimeout, "api-timeout", c.CallTimeout, "how long one call to the vendor may take")
	f.StringVar(&o.secretLabels, "secret-label-selector", "", "read only Secrets with these labels; empty is any")
	f.StringVar(&o.webhookSecretLabels, "webhook-secret-label-selector", "", "take webhook tokens only from Secrets with these labels; empty is any")
	f.StringVar(&o.accountDetails, "account-details", o.accountDetails, "how much of phone, deviceId, chatId and avatarUrl statuses show: Full, Masked or None; a spec may only want less")
	f.StringVar(&c.DefaultAPIURL, "default-api-url", c.DefaultAPIURL, "origin of the vendor's API where spec.apiUrl is unset")
	f.StringVar(&o.allowedHosts, "allowed-api-hosts", o.allowedHosts, "comma-separated hosts a token may be sent to; *. matches any labels below")
	f.StringVar(&o.apiProxy, "api-proxy", "", "HTTP proxy for calls to the vendor, such as http://egress.example:3128; the environment's is ignored")
	f.BoolVar(&o.insecureAPI, "insecure-api", false, "permit http://, other ports than 443, and private or loopback addresses; for the emulator only")
	f.BoolVar(&o.partnerAccounts, "partner-accounts", false, "look after PartnerAccounts, whose tokens are in Secrets of the operator's own namespace; needs rights of its own")
	f.DurationVar(&c.StateInterval, "state-interval", c.StateInterval, "how often a state is read where the spec does not say")
	f.DurationVar(&c.SettingsInterval, "settings-interval", c.SettingsInterval, "how often settings and account are read where the spec does not say")
	f.DurationVar(&l.SettleTimeout, "settle-timeout", l.SettleTimeout, "how long after setSettings old values are not drift")
	f.DurationVar(&l.SettlePoll, "settle-poll", l.SettlePoll, "how often settings are read while settling")
	f.DurationVar(&l.RetryAfter, "retry-apply-after", l.RetryAfter, "wait before attempt 2; four times as long before each further one")
	f.IntVar(&o.maxAttempts, "max-apply-attempts", o.maxAttempts, "setSettings calls for one change that is not kept, 1 to 10")
	f.IntVar(&o.flapThreshold, "flap-threshold", o.flapThreshold, "corrections of one setting within --flap-window after which it is left alone, 1 to 8")
	f.DurationVar(&l.FlapWindow, "flap-window", l.FlapWindow, "the time in which corrections count")
}

// complete checks the flags and derives what follows from them.
func (o *options) complete() error {
	c, l := &o.controller, &o.controller.Limits
	problems := []error{o.metrics.check(), o.checkTimes(), o.checkNumbers(), o.completeSelectors(), o.completeDetails(), o.shard.complete(o), o.completeVendor(), o.completePartner()}
	c.Partial = o.instanceOnly != nil
	l.MaxAttempts, l.FlapThreshold = int32(o.maxAttempts), o.flapThreshold
	c.Rollout.ProbeAfter = l.RetryAfter
	l.CallWindow = min(c.CallTimeout, l.SettleTimeout/4)
	o.namespaces = split(o.watchNamespaces)
	return errors.Join(problems...)
}

// checkTimes says which durations are not valid.
func (o *options) checkTimes() error {
	c, l := &o.controller, &o.controller.Limits
	var problems []error
	for name, d := range map[string]time.Duration{
		"state-interval": c.StateInterval, "settings-interval": c.SettingsInterval, "api-timeout": c.CallTimeout,
		"settle-timeout": l.SettleTimeout, "settle-poll": l.SettlePoll, "retry-apply-after": l.RetryAfter, "flap-window": l.FlapWindow,
		"restart-soak": c.RestartSoak,
	} {
		if d <= 0 {
			problems = append(problems, fmt.Errorf("--%s must be a positive duration such as 1m", name))
		}
	}
	// As the schema has it for the intervals of a resource.
	atLeast := func(name string, d, least time.Duration) {
		if d > 0 && d < least && !o.insecureAPI {
			problems = append(problems, fmt.Errorf("--%s must be at least %s (shorter ones are for the emulator and need --insecure-api)", name, least))
		}
	}
	if c.RestartSoak > longestSoak {
		problems = append(problems, fmt.Errorf("--restart-soak must be at most %s", longestSoak))
	}
	atLeast("state-interval", c.StateInterval, leastStateInterval)
	atLeast("settings-interval", c.SettingsInterval, leastSettingsInterval)
	return errors.Join(problems...)
}

// checkNumbers says which numbers are not valid.
func (o *options) checkNumbers() (err error) {
	var problems []error
	between := func(name string, value, low, high int) {
		if value < low || value > high {
			problems = append(problems, fmt.Errorf("--%s must be %d to %d", name, low, high))
		}
	}
	between("max-concurrent-reconciles", o.maxConcurrentReconciles, 1, 10000)
	between("max-apply-attempts", o.maxAttempts, 1, 10)
	// The status keeps the latest 16 corrections, and twice the threshold must fit.
	between("flap-threshold", o.flapThreshold, 1, 8)
	between("restart-slow-start", o.controller.Rollout.SlowStart, 0, 1000)
	between("brake-after", o.controller.Rollout.BrakeAfter, 1, 100)
	if o.controller.MaxConcurrentRestarts, err = numberOrPercent(o.concurrentRestarts); err != nil {
		problems = append(problems, fmt.Errorf("--max-concurrent-restarts %w", err))
	}
	if o.controller.QPS < 0 {
		problems = append(problems, errors.New("--api-qps must be 0 or more"))
	}
	return errors.Join(problems...)
}

// longestSoak is the longest time for which somebody may be waited for to stay authorized.
const longestSoak = 24 * time.Hour

// completeSelectors reads the label selectors, and checks the label of fleets.
func (o *options) completeSelectors() error {
	var problems []error
	if name := o.controller.FleetLabel; name != "" {
		if wrong := validation.IsQualifiedName(name); len(wrong) > 0 {
			problems = append(problems, fmt.Errorf("--fleet-label must be the name of a label such as example.com/fleet: %s", wrong[0]))
		}
	}
	for _, one := range []struct {
		name, text string
		into       *labels.Selector
	}{
		{"watch-label-selector", o.watchLabels, &o.instanceOnly},
		{"secret-label-selector", o.secretLabels, &o.controller.SecretSelector},
		{"webhook-secret-label-selector", o.webhookSecretLabels, &o.controller.WebhookSecretSelector},
	} {
		read, err := selector(one.text)
		if err != nil {
			problems = append(problems, fmt.Errorf("--%s: %w", one.name, err))
		}
		*one.into = read
	}
	return errors.Join(problems...)
}

// completeVendor reads where the vendor is and how it is reached.
func (o *options) completeVendor() (err error) {
	var problems []error
	o.hosts = split(o.allowedHosts)
	if err := checkHosts(o.hosts); err != nil {
		problems = append(problems, err)
	} else {
		problems = append(problems, o.checkDefault())
	}
	if o.apiProxy != "" {
		// Its value may hold a password, so no message quotes it.
		if o.proxy, err = greenapi.ParseProxy(o.apiProxy); err != nil {
			problems = append(problems, fmt.Errorf("--api-proxy %w", err))
		}
	}
	return errors.Join(problems...)
}

// numberOrPercent parses a number such as 40 or a percentage such as 25%.
func numberOrPercent(text string) (intstr.IntOrString, error) {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseInt(number, 10, 32)
	switch {
	case err != nil || n < 0 || percent && (n < 1 || n > 100):
		return intstr.IntOrString{}, errors.New("must be a number such as 40, a percentage from 1% to 100%, or 0 for no limit")
	case percent:
		return intstr.FromString(strconv.FormatInt(n, 10) + "%"), nil
	default:
		return intstr.FromInt32(int32(n)), nil
	}
}

// selector parses a label selector; an empty one is nil.
func selector(text string) (labels.Selector, error) {
	if text == "" {
		return nil, nil
	}
	return labels.Parse(text)
}

// split splits a comma-separated list and leaves out what is empty.
func split(text string) []string {
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
