// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// managerUser is the name that the manager has at the API server.
const managerUser = "greenapi-operator"

// The operator's times in the demo. By default they are 1m, 10m, 20s, 6m and 15m.
const (
	stateInterval    = 2 * time.Second
	settingsInterval = 3 * time.Second
	settlePoll       = time.Second
	settleTimeout    = 6 * time.Second
	retryAfter       = time.Second
)

// managerFlags are the flags of the manager: short times, the emulator's address allowed, and else as in a cluster.
func (s *stage) managerFlags() []string {
	return []string{
		"--insecure-api", "--allowed-api-hosts=127.0.0.1", "--default-api-url=" + s.vendor.origin,
		"--state-interval=" + stateInterval.String(), "--settings-interval=" + settingsInterval.String(),
		"--settle-poll=" + settlePoll.String(), "--settle-timeout=" + settleTimeout.String(),
		"--retry-apply-after=" + retryAfter.String(),
		"--metrics-bind-address=0", "--health-probe-bind-address=0",
		// A machine that is slow for a while must not cost the lease.
		"--leader-elect", "--leader-election-namespace=" + roleNamespace,
		"--leader-election-lease-duration=60s", "--leader-election-renew-deadline=50s",
		// For a person to read, without stack traces.
		"--zap-encoder=console", "--zap-stacktrace-level=panic",
	}
}

// roleNamespace is the namespace that the Role for leader election stands in, before kustomize gives it another name.
const roleNamespace = "system"

// grant applies the roles of config/rbac as they are and binds them to the manager's user.
func (s *stage) grant(ctx context.Context) error {
	objects := []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: roleNamespace}}}
	for _, file := range []string{"role.yaml", "leader_election_role.yaml"} {
		roles, err := readManifests(s.scheme, s.config("rbac", file))
		if err != nil {
			return err
		}
		objects = append(objects, roles...)
	}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: managerUser}}
	for _, object := range objects {
		meta := metav1.ObjectMeta{Name: managerUser, Namespace: object.GetNamespace()}
		ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Name: object.GetName()}
		switch object.(type) {
		case *rbacv1.ClusterRole:
			ref.Kind = "ClusterRole"
			objects = append(objects, &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects})
		case *rbacv1.Role:
			ref.Kind = "Role"
			objects = append(objects, &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects})
		}
	}
	for _, object := range objects {
		if err := s.admin.Create(ctx, object); err != nil {
			return fmt.Errorf("cannot create %s: %w", object.GetName(), err)
		}
	}
	return nil
}

// listening is what the emulator says when it is ready.
var listening = regexp.MustCompile(`listening on (http://\S+)`)

// emulatorOrigin waits until the emulator says where it listens.
func (s *stage) emulatorOrigin(ctx context.Context) (string, error) {
	origin := ""
	err := wait.PollUntilContextTimeout(ctx, pollInterval, startTime, true, func(context.Context) (bool, error) {
		log, err := os.ReadFile(s.log(nameEmulator))
		if found := listening.FindSubmatch(log); found != nil {
			origin = string(found[1])
		}
		return origin != "", err
	})
	if err != nil {
		return "", fmt.Errorf("the emulator does not say where it listens: %w", err)
	}
	return origin, nil
}

// applyDelay is how long support-line still shows old values after a restart, as the vendor may: an operator that takes
// them for drift restarts it again.
const applyDelay = 2 * time.Second

// populate reads the samples and gives the emulator an instance for each: with the token of the sample's Secret, and
// with settings of which some are right already, some are wrong, and one is not the manifest's business.
func (s *stage) populate(ctx context.Context, origin string) error {
	instances := map[string]emulator.Instance{
		supportLine: {
			Settings: map[string]any{incomingWebhook: yes, linkPreview: yes},
			Behavior: emulator.Behavior{ApplyDelay: applyDelay},
		},
		salesLine: {Settings: map[string]any{delay: 5000}},
		newLine:   {State: emulator.StateNotAuthorized, Settings: map[string]any{webhookURL: "https://old.example/hook", incomingWebhook: yes}},
	}
	files, err := s.sampleFiles()
	if err != nil {
		return err
	}
	for _, file := range files {
		sample, err := readSample(s.scheme, file, origin)
		if err != nil {
			return err
		}
		name := sample.instance.GetName()
		in := instances[name]
		for _, secret := range sample.secrets {
			for _, value := range secret.StringData {
				s.hide(value)
			}
		}
		s.samples[name] = sample
		in.ID, in.Token, in.Messenger = sample.id(), sample.apiToken(), sample.messenger()
		if err := s.vendor.add(ctx, in); err != nil {
			return err
		}
	}
	return nil
}
