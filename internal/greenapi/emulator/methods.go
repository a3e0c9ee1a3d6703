// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// defaultMinutes is the window of getIncomingStatuses (documented), keptStatuses how long a status is kept (documented).
const (
	defaultMinutes = 1440
	keptStatuses   = 30 * 24 * time.Hour
)

// method is one of the vendor's methods.
type method struct {
	verb string
	// perSecond is how often it may be called; 0 means once.
	perSecond int
	serve     func(s *Server, l *line, x *exchange) answer
}

// methods are those that the emulator has, with the limits that are documented for them.
var methods = map[string]method{
	"getStateInstance":        {verb: http.MethodGet, serve: (*Server).getStateInstance},
	"getStateInstanceHistory": {verb: http.MethodGet, serve: (*Server).getStateInstanceHistory},
	"getSettings":             {verb: http.MethodGet, serve: (*Server).getSettings},
	"setSettings":             {verb: http.MethodPost, serve: (*Server).setSettings},
	"getWaSettings":           {verb: http.MethodGet, serve: (*Server).getAccount},
	"getAccountSettings":      {verb: http.MethodGet, serve: (*Server).getAccount},
	"reboot":                  {verb: http.MethodGet, serve: (*Server).reboot},
	"logout":                  {verb: http.MethodGet, serve: (*Server).logout},
	"qr":                      {verb: http.MethodGet, serve: (*Server).qr, perSecond: 3},
	"getAuthorizationCode":    {verb: http.MethodPost, serve: (*Server).getAuthorizationCode},
	"getIncomingStatuses":     {verb: http.MethodGet, serve: (*Server).getIncomingStatuses},
	"updateApiToken":          {verb: http.MethodGet, serve: (*Server).updateAPIToken},
}

// perform answers a call of an instance that exists.
func (s *Server) perform(l *line, x *exchange) answer {
	m, ok := methods[x.method]
	switch {
	case x.call.Verb == http.MethodOptions:
		return answer{status: http.StatusNoContent}
	case !ok || m.verb != x.call.Verb:
		return x.refusal(http.StatusNotFound, "Cannot "+x.call.Verb+" "+x.path)
	case x.token != l.in.Token && x.method == "updateApiToken":
		return codeAnswer(http.StatusUnauthorized)
	case x.token != l.in.Token, x.now.Before(l.refusedUntil):
		return answer{status: http.StatusUnauthorized}
	case l.in.Deleted:
		return x.refusal(http.StatusBadRequest, messageDeleted)
	case l.in.Expired:
		return x.refusal(http.StatusBadRequest, messageExpired)
	}
	return m.serve(s, l, x)
}

// restartEnd is when a restart that begins now is over.
func (s *Server) restartEnd(x *exchange) time.Time {
	took := x.behavior.RestartTime
	if took == 0 {
		took = s.options.RestartTime
	}
	return x.now.Add(max(took, 0))
}

func (s *Server) getStateInstance(l *line, _ *exchange) answer {
	if l.in.State == StateNull {
		return jsonAnswer(http.StatusOK, nil)
	}
	return jsonAnswer(http.StatusOK, map[string]any{"stateInstance": l.in.State})
}

func (s *Server) getSettings(l *line, x *exchange) answer {
	return jsonAnswer(http.StatusOK, l.settings(x.now))
}

func (s *Server) setSettings(l *line, x *exchange) answer {
	if l.in.State == StateStarting || l.in.State == StateNull {
		return x.refusal(http.StatusBadRequest, messageStarting)
	}
	body, isObject := x.body.(map[string]any)
	switch {
	case !x.valid && x.body != nil:
		text := strings.TrimSpace(fmt.Sprint(x.body))
		return x.refusal(http.StatusBadRequest, fmt.Sprintf("Unexpected token %.1s in JSON", text))
	case x.body != nil && !isObject:
		return x.refusal(http.StatusBadRequest, messageBadRequest)
	case x.behavior.RefuseSave:
		return jsonAnswer(http.StatusOK, map[string]any{"saveSettings": false})
	}
	values, problem := accept(body, l.in.Settings, x.behavior)
	if problem != "" {
		return x.refusal(http.StatusBadRequest, messageValidation+problem)
	}
	l.set(x.now, s.restartEnd(x), values, x.behavior)
	return jsonAnswer(http.StatusOK, map[string]any{"saveSettings": true})
}

// getAccount answers getWaSettings and getAccountSettings. Each messenger has one of them; what the vendor answers to
// the other is not documented.
func (s *Server) getAccount(l *line, x *exchange) answer {
	isWhatsApp := l.in.Messenger == WhatsApp
	if isWhatsApp != (x.method == "getWaSettings") {
		return x.refusal(http.StatusNotFound, "Cannot "+x.call.Verb+" "+x.path)
	}
	state, shown := l.in.State, hasAccount(l.in.State)
	if !shown && x.behavior.AccountNeedsAuthorization {
		return x.refusal(http.StatusBadRequest, messageNotAuthorized)
	}
	account := map[string]any{"avatar": "", "phone": "", "stateInstance": state}
	if state == StateNull {
		account["stateInstance"] = nil
	}
	addressName, address := "chatId", l.in.ChatID
	if isWhatsApp {
		addressName, address = "deviceId", l.in.DeviceID
	}
	if isWhatsApp {
		account["logoutProcess"] = x.now.Before(l.logoutEnd)
	}
	account[addressName] = ""
	if shown {
		account["avatar"], account["phone"], account[addressName] = l.in.avatar(x), l.in.Phone, address
	}
	if l.in.HistorySyncProgress != nil {
		account["historySyncProgress"] = *l.in.HistorySyncProgress
	}
	if name := map[string]string{StateSuspended: "suspendedUntil", StateYellowCard: "yellowCardUntil"}[state]; name != "" && l.in.SuspendedUntil != 0 {
		account[name] = l.in.SuspendedUntil
	}
	merge(account, x.behavior.AccountExtra)
	return jsonAnswer(http.StatusOK, account)
}

func (in *Instance) avatar(x *exchange) string {
	if !x.behavior.FreshAvatarQuery || in.Avatar == "" {
		return in.Avatar
	}
	return in.Avatar + "?oe=" + strconv.FormatInt(x.now.Unix(), 16)
}

func (s *Server) reboot(l *line, x *exchange) answer {
	if l.in.State == StateNull {
		return x.refusal(http.StatusBadRequest, messageStarting)
	}
	l.reboot(x.now, s.restartEnd(x), x.behavior.StateAfterReboot)
	return jsonAnswer(http.StatusOK, map[string]any{"isReboot": true})
}

func (s *Server) logout(l *line, x *exchange) answer {
	if l.in.State == StateNull {
		return x.refusal(http.StatusBadRequest, messageStarting)
	}
	if took := x.behavior.LogoutTime; took > 0 && hasAccount(l.in.State) {
		l.logoutEnd = x.now.Add(took)
		l.plan = []step{{l.logoutEnd, StateNotAuthorized}}
	} else {
		l.enter(StateNotAuthorized, x.now)
	}
	l.edit(x.behavior.SettingsOnLogout)
	return jsonAnswer(http.StatusOK, map[string]any{"isLogout": true})
}

func (s *Server) getIncomingStatuses(l *line, x *exchange) answer {
	if !l.in.BetaEnabled {
		return x.refusal(http.StatusForbidden, "Forbidden")
	}
	minutes := defaultMinutes
	if query, err := url.ParseQuery(x.call.Query); err == nil && query.Has("minutes") {
		minutes, err = strconv.Atoi(query.Get("minutes"))
		if err != nil || minutes < 1 {
			return x.refusal(http.StatusBadRequest, messageValidation+`"minutes" must be a positive integer`)
		}
	}
	window := time.Duration(min(minutes, int(keptStatuses/time.Minute))) * time.Minute
	list := []map[string]any{}
	for _, status := range l.in.IncomingStatuses {
		at, _ := status["timestamp"].(int)
		if int64(at) >= x.now.Add(-window).Unix() && int64(at) <= x.now.Unix() {
			list = append(list, maps.Clone(status))
		}
	}
	return jsonAnswer(http.StatusOK, list)
}
