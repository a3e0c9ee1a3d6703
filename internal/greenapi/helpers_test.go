// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/greenapi-operator/greenapi-operator/internal/canary"
)

// TestMain makes the certificate of httptest's servers one that the machine trusts, so that the client is tested as it
// is used, without a setting of its own for tests. And it fails if any test leaves a goroutine behind, whatever happened
// to its calls. Nothing is left out of this: kept connections end with the servers of the tests.
func TestMain(m *testing.M) {
	code := runTests(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) int {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	folder, err := os.MkdirTemp("", "greenapi-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	file := filepath.Join(folder, "trusted.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err = os.WriteFile(file, text, 0o600); err == nil {
		err = os.Setenv("SSL_CERT_FILE", file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// calls are all that can be asked of an instance, by method. They wait for at most the client's time-out.
func calls(ctx context.Context, i *Instance) map[string]func() error {
	return map[string]func() error{
		MethodGetStateInstance: func() error { _, err := i.State(ctx); return err },
		MethodGetSettings:      func() error { _, err := i.Settings(ctx); return err },
		MethodGetWaSettings:    func() error { _, err := i.Account(ctx); return err },
		MethodGetIncomingStatuses: func() error {
			_, err := i.IncomingStatuses(ctx, time.Hour)
			return err
		},
		MethodSetSettings: func() error {
			_, err := i.SetSettings(ctx, map[string]any{"incomingWebhook": "yes"}, NewPermit(time.Minute))
			return err
		},
		MethodGetStateInstanceHistory: func() error { _, err := i.StateHistory(ctx); return err },
		MethodQR:                      func() error { _, err := i.QR(ctx); return err },
		MethodGetAuthorizationCode: func() error {
			_, err := i.AuthorizationCode(ctx, 79001234567)
			return err
		},
		MethodReboot: func() error { _, err := i.Reboot(ctx, NewPermit(time.Minute)); return err },
		MethodUpdateAPIToken: func() error {
			_, err := i.UpdateAPIToken(ctx, NewPermit(time.Minute))
			return err
		},
		MethodGetInstances: func() error { _, err := partnerOf(i).List(ctx, nil); return err },
		MethodCreateInstance: func() error {
			_, err := partnerOf(i).Create(ctx, "a line", NewPermit(time.Minute))
			return err
		},
		MethodDeleteInstanceAccount: func() error {
			_, err := partnerOf(i).Delete(ctx, 7107000001, NewPermit(time.Minute))
			return err
		},
	}
}

// partnerOf returns a partner account at the place of an instance, with its token.
func partnerOf(i *Instance) *Partner {
	return &Partner{api: Instance{client: i.client, target: Target{Origin: i.target.Origin, Token: i.target.Token}, hidden: i.hidden, partner: true}}
}

// tokenWatch searches for the test's token in every form.
func tokenWatch() *canary.Watch {
	watch := &canary.Watch{}
	watch.Add(testToken)
	return watch
}

// mustOrigin parses an origin that is right.
func mustOrigin(t *testing.T, raw string) Origin {
	t.Helper()
	origin, err := ParseOrigin(raw)
	if err != nil {
		t.Fatal(err)
	}
	return origin
}
