// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// partnerMethod is a method of a partner account.
type partnerMethod struct {
	verb  string
	serve func(s *Server, a *Account, x *exchange) answer
}

// partnerMethods are all that the vendor documents.
var partnerMethods = map[string]partnerMethod{
	"getInstances":          {http.MethodGet, (*Server).getInstances},
	"createInstance":        {http.MethodPost, (*Server).createInstance},
	"deleteInstanceAccount": {http.MethodPost, (*Server).deleteInstance},
}

// performPartner answers a call of a partner method.
func (s *Server) performPartner(x *exchange) answer {
	m, ok := partnerMethods[x.method]
	a := s.accountOf(x.token)
	switch {
	case x.call.Verb == http.MethodOptions:
		return answer{status: http.StatusNoContent}
	case !ok || m.verb != x.call.Verb:
		return x.refusal(http.StatusNotFound, "Cannot "+x.call.Verb+" "+x.path)
	case a == nil:
		return codeAnswer(http.StatusUnauthorized)
	}
	x.partnerBehavior = &a.Behavior
	if x.fault != nil && x.fault.Partner != nil {
		x.partnerBehavior = x.fault.Partner
	}
	return m.serve(s, a, x)
}

// codeAnswer is HTTP 200 with another code in the body, as partner methods and updateApiToken refuse (documented).
func codeAnswer(code int) answer {
	description := http.StatusText(code)
	if code == http.StatusNotFound {
		description = "Not found"
	}
	return jsonAnswer(http.StatusOK, map[string]any{"code": code, "description": description})
}

// firstIDs are where the numbers of new instances begin: their first four digits name a pool of the messenger.
var firstIDs = map[string]int64{WhatsApp: 710700000001, MAX: 310000000001, Telegram: 410000000001}

// createInstance takes any body, as the vendor seems to; of one with settings it keeps those that it has.
func (s *Server) createInstance(a *Account, x *exchange) answer {
	sent, _ := x.body.(map[string]any)
	in := Instance{Messenger: cmp.Or(a.Messenger, WhatsApp), Token: s.newToken(), Account: a.Name, State: StateNotAuthorized}
	for in.ID = firstIDs[in.Messenger]; s.lines[in.ID] != nil; {
		in.ID++
	}
	in.Name, _ = sent["name"].(string)
	in.Name = cmp.Or(in.Name, fmt.Sprint("Instance ", in.ID))
	if len(sent) > 0 {
		values, problem := accept(sent, defaultSettings(in.Messenger), &Behavior{})
		if problem != "" {
			return x.refusal(http.StatusBadRequest, messageValidation+problem)
		}
		in.Settings = values
	}
	born := x.now.Add(x.partnerBehavior.Late)
	l := newLine(in, born)
	l.refusedUntil = born.Add(x.partnerBehavior.RefuseNew)
	if took := x.partnerBehavior.CreateTime; took > 0 {
		l.enter(StateNull, born)
		l.plan = []step{{born.Add(took), StateNotAuthorized}}
	}
	s.lines[in.ID] = l
	s.note(EntryCreated, l, born)
	out := map[string]any{"idInstance": x.idOf(in.ID), "apiTokenInstance": in.Token, "typeInstance": in.Messenger}
	x.addAddress(out)
	return jsonAnswer(http.StatusOK, out)
}

func (s *Server) deleteInstance(a *Account, x *exchange) answer {
	l := s.at(x.call.ID, x.now)
	if l == nil || l.in.Account != a.Name || l.in.Deleted || !l.deleted.IsZero() {
		return codeAnswer(http.StatusNotFound)
	}
	l.deleted = x.now.Add(x.partnerBehavior.Late)
	l.advance(x.now)
	s.note(EntryDeleted, l, l.deleted)
	return jsonAnswer(http.StatusOK, map[string]any{"deleteInstanceAccount": true})
}

// getInstances shows all instances of the account, by ID.
func (s *Server) getInstances(a *Account, x *exchange) answer {
	rows := []map[string]any{}
	foreign := x.partnerBehavior.List == ListForeign
	for _, id := range slices.Sorted(maps.Keys(s.lines)) {
		l := s.at(id, x.now)
		if x.partnerBehavior.List == ListEmpty || l == nil || (l.in.Account == a.Name) == foreign {
			continue
		}
		l.advance(x.now)
		if !l.in.Deleted || x.now.Before(x.keptUntil(l.deleted)) {
			rows = append(rows, x.row(l))
		}
	}
	if foreign && len(rows) == 0 {
		rows = append(rows, x.row(newLine(Instance{ID: 990000000001, Token: "token-of-an-instance-of-somebody-else", Name: "Somebody else"}, x.now)))
	}
	return jsonAnswer(http.StatusOK, rows)
}

func (x *exchange) keptUntil(deleted time.Time) time.Time {
	if kept := x.partnerBehavior.KeepDeleted; kept != 0 {
		return deleted.Add(kept)
	}
	return deleted.AddDate(0, 3, 0)
}

// row is an instance as getInstances shows it.
func (x *exchange) row(l *line) map[string]any {
	// The vendor's times have no zone (documented).
	const withoutZone = "2006-01-02T15:04:05"
	deleted := time.Time{}
	if l.in.Deleted {
		deleted = l.deleted
	}
	row := map[string]any{
		"idInstance": x.idOf(l.in.ID), "name": l.in.Name, "typeInstance": l.in.Messenger, "messenger": l.in.Messenger, "typeAccount": "",
		"partnerUserUiid": "", "timeCreated": l.born.UTC().Format(withoutZone), "timeDeleted": deleted.UTC().Format(withoutZone),
		"apiTokenInstance": l.in.Token, "deleted": l.in.Deleted, "tariff": "PARTNER", "isFree": false, "isPartner": true,
		"expirationDate": l.born.AddDate(0, 1, 0).UTC().Format(withoutZone), "isExpired": l.in.Expired,
	}
	x.addAddress(row)
	return row
}

// idOf is how an answer writes a number of an instance.
func (x *exchange) idOf(id int64) any {
	if x.partnerBehavior.IDsAsText {
		return strconv.FormatInt(id, 10)
	}
	return id
}

// addAddress adds apiUrl to an answer.
func (x *exchange) addAddress(to map[string]any) {
	scheme := "http://"
	if x.request.TLS != nil {
		scheme = "https://"
	}
	if address := cmp.Or(x.partnerBehavior.APIURL, scheme+x.request.Host); address != APIURLNone {
		to["apiUrl"] = address
	}
}

// updateAPIToken is a GET by which the old token dies at once.
func (s *Server) updateAPIToken(l *line, x *exchange) answer {
	l.in.Token = s.newToken()
	s.note(EntryRotated, l, x.now)
	return jsonAnswer(http.StatusOK, map[string]any{"apiTokenInstance": l.in.Token})
}

// newToken makes up a token like the vendor's, of 50 hexadecimal digits.
func (s *Server) newToken() string {
	digits := make([]byte, 25)
	_, _ = rand.Read(digits) // It never fails.
	token := hex.EncodeToString(digits)
	if s.options.OnToken != nil {
		s.options.OnToken(token)
	}
	return token
}
