// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

const (
	firstID    = int64(7107000001)
	namespaces = 4
	// shardLabel says which shard looks after an object, fleetLabel to which fleet a line belongs.
	shardLabel, fleetLabel = "example.com/shard", "example.com/fleet"
	shardA, shardB         = "a", "b"
	// maxDelay is the greatest delay that the vendor takes, badDelay one that it refuses; both in milliseconds.
	maxDelay, badDelay = 10_000, 20_000
)

// wish is what the manifest of a line says, as it is kept in Git.
type wish struct {
	delay    int32
	incoming bool
	shut     bool // a maintenance window that is shut
	shard    string
	// looks, writes and reboots are how often somebody asked for one by an annotation.
	looks, writes, reboots int
}

// annotations are those that ask.
func (w wish) annotations() map[string]string {
	asks := map[string]string{}
	for name, times := range map[string]int{
		v1alpha1.ReconcileRequestedAtAnnotation: w.looks, v1alpha1.ApplyRequestedAtAnnotation: w.writes, v1alpha1.RebootRequestedAtAnnotation: w.reboots,
	} {
		if times > 0 {
			asks[name] = strconv.Itoa(times)
		}
	}
	return asks
}

// line is one instance and its resource.
type line struct {
	number int
	kind   instance.Kind
	id     int64

	mu    sync.Mutex
	wish  wish
	token string
}

func newLine(number int) *line {
	return &line{
		number: number, kind: instance.Kinds[number%len(instance.Kinds)], id: firstID + int64(number),
		wish:  wish{delay: 1000, incoming: true, shard: []string{shardA, shardB}[number%2]},
		token: fmt.Sprintf("chaos-%d-0", number),
	}
}

func (l *line) String() string { return fmt.Sprintf("%s %s/%s", l.kind.Name, l.namespace(), l.name()) }

func (l *line) name() string      { return fmt.Sprintf("line-%d", l.number) }
func (l *line) namespace() string { return fmt.Sprintf("team-%d", l.number%namespaces) }

// want changes what the manifest says.
func (l *line) want(f func(*wish)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.wish)
}

func (l *line) wanted() (wish, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wish, l.token
}

// setToken notes the token that the Secret is to have.
func (l *line) setToken(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.token = token
}

// common are the settings that all kinds have.
func common(settings any) *v1alpha1.CommonSettings {
	switch s := settings.(type) {
	case *v1alpha1.WhatsAppSettings:
		return &s.CommonSettings
	case *v1alpha1.MaxSettings:
		return &s.CommonSettings
	case *v1alpha1.TelegramSettings:
		return &s.CommonSettings
	}
	return nil
}

// write puts what Git says into a resource.
func (l *line) write(into v1alpha1.Instance) {
	w, _ := l.wanted()
	into.SetName(l.name())
	into.SetNamespace(l.namespace())
	into.SetLabels(map[string]string{shardLabel: w.shard, fleetLabel: fmt.Sprintf("fleet-%d", l.number%2)})
	into.SetAnnotations(w.annotations())
	core := into.Core()
	core.IDInstance, core.APITokenSecretRef = l.id, v1alpha1.SecretKeyReference{Name: l.name(), Key: v1alpha1.DefaultAPITokenKey}
	core.Maintenance = nil
	if w.shut {
		core.Maintenance = shutFor(time.Now())
	}
	settings := l.kind.NewSettings()
	c := common(settings)
	c.IncomingWebhook, c.DelaySendMessagesMilliseconds = new(w.incoming), new(w.delay)
	switch typed := into.(type) {
	case *v1alpha1.WhatsAppInstance:
		typed.Spec.Settings = settings.(*v1alpha1.WhatsAppSettings)
	case *v1alpha1.MaxInstance:
		typed.Spec.Settings = settings.(*v1alpha1.MaxSettings)
	case *v1alpha1.TelegramInstance:
		typed.Spec.Settings = settings.(*v1alpha1.TelegramSettings)
	}
}

// shutFor is a maintenance window that is far from open, also where a clock is two hours off. It is the same all the hour long.
func shutFor(now time.Time) *v1alpha1.Maintenance {
	start := now.UTC().Truncate(time.Hour).Add(12 * time.Hour)
	return &v1alpha1.Maintenance{TimeZone: "UTC", Windows: []v1alpha1.MaintenanceWindow{{Start: start.Format("15:04"), Duration: metav1.Duration{Duration: 30 * time.Minute}}}}
}

func (l *line) secret() *corev1.Secret {
	_, token := l.wanted()
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace(), Name: l.name()}, Data: map[string][]byte{v1alpha1.DefaultAPITokenKey: []byte(token)}}
}

// inEffect reports whether the vendor has what Git says.
func (l *line) inEffect(settings map[string]any) bool {
	w, _ := l.wanted()
	incoming := map[bool]string{true: "yes", false: "no"}[w.incoming]
	return fmt.Sprint(settings["delaySendMessagesMilliseconds"]) == fmt.Sprint(w.delay) && settings["incomingWebhook"] == incoming
}
