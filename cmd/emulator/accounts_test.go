// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestRunServesPartnerAccountsAndLogsNoTokenOfTheirs(t *testing.T) {
	first, log, stop := started(t, "--accounts", "../../internal/greenapi/emulator/testdata/accounts.json")
	url := strings.Fields(first)[2]
	const token = "gac.token-of-the-reseller"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/partner/createInstance/"+token, strings.NewReader(`{"name":"line"}`))
	if err != nil {
		t.Fatal(err)
	}
	response, err := plain(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if status, body, err := get(t, plain(t), url+"/partner/getInstances/"+token); status != 200 || !strings.Contains(body, `"name":"line"`) {
		t.Errorf("got %d %s %v, want the instance", status, body, err)
	}
	if status, body, err := get(t, plain(t), url+"/partner/getInstances/gac.wrong-token"); status != 200 || !strings.Contains(body, `"code":401`) {
		t.Errorf("got %d %s %v, want 401 in the body", status, body, err)
	}
	if status, body, err := get(t, plain(t), url+"/emulator/ledger"); status != 200 || !strings.Contains(body, `"created"`) {
		t.Errorf("got %d %s %v, want the ledger", status, body, err)
	}
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for i, want := range []string{"POST reseller createInstance -> 200, took effect", "reseller getInstances -> 200", "0 getInstances -> 200, token not accepted"} {
		if i >= len(lines) || !strings.HasSuffix(lines[i], want) {
			t.Errorf("log: got %q, want %q in line %d", lines, want, i)
		}
	}
	if strings.Contains(log.String(), "gac.") {
		t.Errorf("the log shows a token:\n%s", log)
	}
}
