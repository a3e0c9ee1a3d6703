// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package states is the one table of the vendor's words for the state of an instance: a state that the vendor adds is one more
// row here, and a reason in api/v1alpha1.
package states

// The words that rules name (documented for getStateInstance and getAccountSettings).
const (
	// Creating is no word: the vendor shows none while it creates the instance.
	Creating      = ""
	Authorized    = "authorized"
	NotAuthorized = "notAuthorized"
	Starting      = "starting"
	YellowCard    = "yellowCard"
	Suspended     = "suspended"
	Blocked       = "blocked"
	// PendingPassword is the one of an account that has a password besides the code.
	PendingPassword = "pendingPassword"
)

// Alarm says when it is bad news that an instance comes into a state.
type Alarm int

// The alarms. The restarts in between are none.
const (
	AlarmNever Alarm = iota
	AlarmAfterAuthorized
	AlarmAlways
)

// Login says what a person who logs in does in a state.
type Login int

// The ways that a login goes on.
const (
	// LoginWait: it goes on by itself, or once the phone is on.
	LoginWait Login = iota
	// LoginDone: an account is authorized.
	LoginDone
	// LoginScan: a code is to be scanned or entered on the phone.
	LoginScan
	// LoginEnter: a code or a password is to be entered at the vendor.
	LoginEnter
	// LoginDead: no scan leads on.
	LoginDead
)

// State is what a state means.
type State struct {
	// Word is the vendor's.
	Word string
	// Available is what condition Available shows: True, False or Unknown. Reason is its reason, a Reason of api/v1alpha1, and
	// Message what it says.
	Available, Reason, Message string
	// Restarting: it restarts or is being created. Nothing can be written, and what it shows may be old.
	Restarting bool
	// Interrupts: an account is at work, which a restart would interrupt.
	Interrupts bool
	// Ends: the vendor says when it ends.
	Ends bool
	// Alarm says when it is bad news.
	Alarm Alarm
	// Login is how a login goes on, and Advice what to tell a person meanwhile.
	Login  Login
	Advice string
}

const (
	yes     = "True"
	no      = "False"
	unknown = "Unknown"
)

var table = []State{
	{Word: Authorized, Available: yes, Reason: "Authorized", Message: "The messenger's account is authorized", Interrupts: true, Login: LoginDone},
	{Word: NotAuthorized, Available: no, Reason: "NotAuthorized", Message: "No account is authorized: a person has to log in, for example by the QR code in the vendor's console",
		Alarm: AlarmAfterAuthorized, Login: LoginScan, Advice: "Waiting for a code of the vendor"},
	{Word: Starting, Available: no, Reason: "Starting", Message: "The instance is starting; the vendor needs up to five minutes for it", Restarting: true,
		Advice: "The instance is starting, which takes up to five minutes"},
	{Word: Creating, Available: no, Reason: "Creating", Message: "The vendor is still creating the instance", Restarting: true,
		Advice: "The instance is being created, which takes some minutes"},
	{Word: "sleepMode", Available: no, Reason: "SleepMode", Message: "The phone is switched off", Interrupts: true,
		Advice: "The phone is off: switch it on and connect it"},
	{Word: YellowCard, Available: no, Reason: "YellowCard", Message: "The messenger restricts sending because of suspected spam", Interrupts: true,
		Ends: true, Alarm: AlarmAlways, Login: LoginDead},
	{Word: Suspended, Available: no, Reason: "Suspended", Message: "The messenger restricts the account for a time", Interrupts: true,
		Ends: true, Alarm: AlarmAlways, Login: LoginDead},
	{Word: Blocked, Available: no, Reason: "Blocked", Message: "The messenger blocked the account", Alarm: AlarmAlways, Login: LoginDead},
	{Word: "pendingCode", Available: no, Reason: "PendingCode", Message: "A person has to enter the code that the messenger sent", Login: LoginEnter,
		Advice: "The messenger sent a code: type it in the vendor's console"},
	{Word: PendingPassword, Available: no, Reason: "PendingPassword", Message: "A person has to enter the account's password", Login: LoginEnter,
		Advice: "The account has a password: type it in the vendor's console, or finish on the phone"},
}

var byWord = func() map[string]State {
	index := make(map[string]State, len(table))
	for _, s := range table {
		index[s.Word] = s
	}
	return index
}()

// Of returns what a word means. One that this release does not know interrupts somebody, so that the safe side is taken.
func Of(word string) State {
	if known, ok := byWord[word]; ok {
		return known
	}
	return State{Word: word, Available: unknown, Reason: "UnknownState", Message: "The vendor shows a state that this release does not know", Interrupts: true}
}

// Known reports whether a word is one of the vendor's. Such a word gives no secret away.
func Known(word string) bool {
	_, ok := byWord[word]
	return ok && word != Creating
}

// Words are the vendor's words that are known.
func Words() []string {
	var words []string
	for _, s := range table {
		if s.Word != Creating {
			words = append(words, s.Word)
		}
	}
	return words
}
