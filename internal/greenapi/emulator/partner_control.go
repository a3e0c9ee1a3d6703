// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"errors"
	"net/http"
)

// partnerEndpoints are those of the control interface that are about partner accounts.
func partnerEndpoints() []endpoint {
	return []endpoint{
		{pattern: "GET /emulator/accounts", serve: (*Server).controlAccounts},
		{pattern: "PUT /emulator/accounts/{name}", serve: (*Server).controlPutAccount, example: `{"partnerToken": "gac.secret"}`},
		{pattern: "PATCH /emulator/accounts/{name}", serve: (*Server).controlPatchAccount, example: `{"behavior": {"list": "empty"}}`},
		{pattern: "GET /emulator/ledger", serve: (*Server).controlLedger},
	}
}

func (s *Server) controlAccounts(*request) (int, any, error) { return http.StatusOK, s.Accounts(), nil }

func (s *Server) controlLedger(*request) (int, any, error) { return http.StatusOK, s.Ledger(), nil }

func (s *Server) controlPutAccount(r *request) (int, any, error) {
	a := Account{Name: r.PathValue("name")}
	if err := r.decode(&a); err != nil {
		return 0, nil, err
	}
	if a.Name != r.PathValue("name") {
		return 0, nil, errors.New("name is not that of the path")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return http.StatusOK, a, s.addAccount(a)
}

func (s *Server) controlPatchAccount(r *request) (int, any, error) {
	name := r.PathValue("name")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts[name] == nil {
		return 0, nil, &controlError{http.StatusNotFound, errNoAccount(name).Error() + "; GET /emulator/accounts shows those there are"}
	}
	if err := s.updateAccount(name, func(a *Account) error { return r.decode(a) }); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, *s.accounts[name], nil
}
