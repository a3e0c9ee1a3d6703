// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/qr"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

const (
	// statePace is between two calls of getStateInstance, which may be called once a second.
	statePace = 2 * time.Second
	// windowPace is between two looks at a window that is too small.
	windowPace = 2 * time.Second
	// codeLife is how long a QR code is shown by the vendor before there is another one.
	codeLife = 20 * time.Second
	// pairingLife is how long a pairing code holds; the vendor says about 2.5 minutes.
	pairingLife = 150 * time.Second
	// pairingPause is between two attempts to get one, which may make the phone ring.
	pairingPause = 10 * time.Second
	// linesBelow is how many lines there may be below a QR code.
	linesBelow = 3
	// tick is how often the rest of the time is shown.
	tick = time.Second
)

// login follows one instance until its account is authorized.
type login struct {
	*session
	flags    authFlags
	phone    int64
	instance v1alpha1.Instance
	cluster  client.Reader
	vendor   *greenapi.Instance
	// pace is between two calls of qr: the vendor advises 1 to 2 seconds for WhatsApp, 5 for the others.
	pace time.Duration

	screen   screen
	deadline time.Time
	// nextState and nextCode are when to ask for the state and for a code.
	nextState, nextCode time.Time
	// state is the latest word for it, looked tells whether there is one.
	state  string
	looked bool
	// doing says what is waited for, in the line of progress; troubled, that the latest call failed.
	doing    string
	troubled bool
	// failure is the latest call's, while it is troubled.
	failure error
	// shown is the picture or the code on the screen, on a terminal of that size.
	shown []byte
	on    terminal
	// good is until when what is shown can be used, unless the vendor says otherwise.
	good time.Time
	// small says that the window is too small for the code, which a person may enlarge; nil while it is not.
	small error
	// refused counts how often there was no pairing code.
	refused int
}

// run logs in, and leaves the terminal as it was, whatever happens.
func (l *login) run(ctx context.Context) error {
	l.screen = screen{out: l.Out, still: !terminalOf(l.Out).color}
	l.deadline = l.clock.Now().Add(l.flags.timeout)
	defer l.screen.clear()
	for {
		done, err := l.look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case done || err != nil:
			return err
		}
		rest := l.deadline.Sub(l.clock.Now())
		if rest <= 0 {
			return l.overdue()
		}
		l.report(rest)
		timer := l.clock.NewTimer(min(tick, rest))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C():
		}
	}
}

// look asks the vendor what is due, and tells whether the account is authorized.
func (l *login) look(ctx context.Context) (bool, error) {
	if !l.clock.Now().Before(l.nextState) {
		state, err := l.vendor.State(ctx)
		l.nextState = l.clock.Now().Add(max(statePace, roomFor(err)))
		if err != nil {
			return false, l.trouble(err)
		}
		first, changed := !l.looked, !l.looked || state != l.state
		l.state, l.looked, l.troubled = state, true, false
		if states.Of(state).Login == states.LoginDone {
			l.welcome(ctx, first)
			return true, nil
		}
		if err := l.dead(ctx); err != nil {
			return false, err
		}
		if changed {
			l.nextCode = time.Time{}
			l.forget()
		}
	}
	if states.Of(l.state).Login != states.LoginScan || l.clock.Now().Before(l.nextCode) {
		return false, nil
	}
	if l.phone != 0 {
		return false, l.pair(ctx)
	}
	return false, l.scan(ctx)
}

// trouble keeps on where an error may pass.
func (l *login) trouble(err error) error {
	if !passes(err) {
		return explainVendor(err, placeOf(l.instance))
	}
	l.troubled, l.failure = true, err
	if !l.clock.Now().Before(l.good) {
		l.forget()
	}
	return nil
}

// scan shows the QR code.
func (l *login) scan(ctx context.Context) error {
	// The vendor may need a minute for a code, as long as there is time at all.
	longest := min(greenapi.LongestRead, l.deadline.Sub(l.clock.Now()))
	asking, cancel := greenapi.WithTimeout(ctx, max(longest, l.flags.vendor.timeout))
	defer cancel()
	code, err := l.vendor.QR(asking)
	l.nextCode = l.clock.Now().Add(max(l.pace, roomFor(err)))
	if err != nil {
		return l.trouble(err)
	}
	l.troubled = false
	if code.Kind != greenapi.QRCode {
		l.forget()
	}
	switch code.Kind {
	case greenapi.QRCode:
		l.good = l.nextCode.Add(codeLife - l.pace)
		err := l.showQR(code.Picture)
		if l.small != nil && errors.Is(err, l.small) {
			// Whoever reads this can enlarge the window, and needs not begin again.
			l.forget()
			l.nextCode = l.clock.Now().Add(windowPace)
			l.doing = "The window is too small for the QR code: enlarge it, or make its font smaller"
			return nil
		}
		return err
	case greenapi.QRAlreadyLogged:
		l.doing = "Logged in, waiting for the instance"
	case greenapi.QRPasskeyRequired:
		l.doing = "The account wants a passkey: confirm it on the phone, or use the vendor's console"
	case greenapi.QRPendingPassword:
		l.doing = states.Of(states.PendingPassword).Advice
	default:
		l.doing = "The vendor shows no code now"
		if code.Message != "" {
			l.doing += ": " + code.Message
		}
	}
	return nil
}

// showQR draws a code unless it is on the screen already.
func (l *login) showQR(picture []byte) error {
	on := terminalOf(l.Out)
	l.doing = "Waiting for the scan"
	if bytes.Equal(picture, l.shown) && on == l.on {
		return nil
	}
	code, err := qr.Read(picture)
	if err != nil {
		return failf("Use the vendor's console to log in"+l.orByPhone(), "%s: the vendor's QR code cannot be shown: %s", advice.Title(l.instance), err)
	}
	how := scanHow[instance.KindOf(l.instance).Messenger]
	quiet, fits := code.Fit(on.width, on.height, linesBelow)
	with := qr.Light
	l.small = nil
	switch {
	case !fits && !l.flags.force:
		return l.tooSmall(code, on)
	case !fits:
		l.screen.clear()
		l.screen.still, quiet = true, qr.QuietZone
	}
	if on.color && fits {
		with = qr.Colors
	} else if l.flags.invert {
		with = qr.Dark
	}
	if on != l.on && l.shown != nil && !l.screen.still {
		fmt.Fprint(l.Out, "\x1b[2J\x1b[H") // a terminal of another size has moved the lines
	}
	lines := append(code.Lines(quiet, with), cut(how, on.width))
	if with != qr.Colors {
		lines = append(lines, cut(inkHints[with], on.width))
	}
	l.screen.show(lines)
	l.shown, l.on = picture, on
	return nil
}

func (l *login) tooSmall(code *qr.Code, on terminal) error {
	needed := fmt.Sprintf("it needs %d columns and %d lines (%d and %d at least)",
		code.Columns(qr.QuietZone), code.Rows(qr.QuietZone)+linesBelow, code.Columns(qr.LeastQuiet), code.Rows(qr.LeastQuiet)+linesBelow)
	if on.width == 0 {
		return failf("Run it in a terminal, or print the code anyway by --force"+l.orByPhone(), "%s: the output is no terminal to show the QR code on: %s", advice.Title(l.instance), needed)
	}
	l.small = failf("Enlarge the window or make its font smaller, or print the code anyway by --force"+l.orByPhone(),
		"%s: the terminal of %d columns and %d lines is too small for the QR code: %s", advice.Title(l.instance), on.width, on.height, needed)
	return l.small
}

// orByPhone is the other way to log in, where there is one.
func (l *login) orByPhone() string {
	if instance.KindOf(l.instance).Messenger != whatsApp {
		return ""
	}
	return ", or use --phone NUMBER"
}

// pair shows a pairing code, and another one when it has expired.
func (l *login) pair(ctx context.Context) error {
	code, err := l.vendor.AuthorizationCode(ctx, l.phone)
	l.nextCode = l.clock.Now().Add(max(pairingPause, roomFor(err)))
	if err != nil {
		return l.trouble(err)
	}
	if code == "" {
		if l.refused++; l.refused > 1 {
			return failf("See whether the number is that of a WhatsApp account, or scan the QR code: leave --phone out",
				"%s: the vendor gives no code for --phone %d", advice.Title(l.instance), l.phone)
		}
		l.forget()
		l.doing = "The vendor gave no code, asking once more"
		return nil
	}
	l.refused, l.nextCode = 0, l.clock.Now().Add(pairingLife)
	l.good = l.nextCode
	l.on = terminalOf(l.Out)
	l.troubled = false
	how := []string{fmt.Sprintf("Enter it on the phone with the number %d:", l.phone),
		"WhatsApp > Settings > Linked devices > Link a device >", "Link with phone number instead"}
	for i := range how {
		how[i] = cut(how[i], l.on.width)
	}
	l.screen.show(append([]string{"", "    " + l.on.paint(shadeBold, code), ""}, how...))
	l.shown = []byte(code)
	l.doing = "Waiting for the code"
	return nil
}

// forget takes a code that is no longer good from the screen.
func (l *login) forget() {
	if l.shown != nil && !l.screen.still {
		l.screen.clear()
	}
	l.shown, l.doing = nil, states.Of(l.state).Advice
}
