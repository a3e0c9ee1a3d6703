// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// AccountDetails returns how much of its account a resource shows: what the operator's flag says, or its spec if that is stricter
// (R36).
func AccountDetails(resource v1alpha1.Instance, flag v1alpha1.AccountDetails) v1alpha1.AccountDetails {
	return stricter(flag, resource.Core().AccountDetails)
}

// AccountDetailsSeen is AccountDetails for whoever does not know the operator's flag: the status tells what held when it was written.
// Where the operator has written none yet, nothing shows.
func AccountDetailsSeen(resource v1alpha1.Instance) v1alpha1.AccountDetails {
	status := resource.InstanceStatus()
	if len(status.Conditions) == 0 {
		return v1alpha1.AccountNone
	}
	return stricter(status.AccountDetails, resource.Core().AccountDetails)
}

func stricter(a, b v1alpha1.AccountDetails) v1alpha1.AccountDetails {
	if strictness(b) > strictness(a) {
		a = b
	}
	return [...]v1alpha1.AccountDetails{v1alpha1.AccountFull, v1alpha1.AccountMasked, v1alpha1.AccountNone}[strictness(a)]
}

// strictness orders the details. A word that a newer release may know shows nothing.
func strictness(details v1alpha1.AccountDetails) int {
	switch details {
	case "", v1alpha1.AccountFull:
		return 0
	case v1alpha1.AccountMasked:
		return 1
	default:
		return 2
	}
}

// LimitAccount takes out of a status what it may not show of the account, and notes there how much it may (R36). It reports whether
// anything changed. What it made of a status it leaves as it is.
func LimitAccount(status *v1alpha1.InstanceStatus, details v1alpha1.AccountDetails) bool {
	before := accountOf(status)
	switch strictness(details) {
	case 0:
		status.AccountDetails = ""
	case 1:
		status.AccountDetails = v1alpha1.AccountMasked
		status.Phone, status.DeviceID, status.ChatID, status.AvatarURL = maskedPhone(status.Phone), maskedDevice(status.DeviceID), "", ""
	default:
		status.AccountDetails = v1alpha1.AccountNone
		status.Phone, status.DeviceID, status.ChatID, status.AvatarURL = "", "", "", ""
	}
	return accountOf(status) != before
}

// accountOf is the part of a status that is about the account.
func accountOf(status *v1alpha1.InstanceStatus) [5]string {
	return [5]string{string(status.AccountDetails), status.Phone, status.DeviceID, status.ChatID, status.AvatarURL}
}

const (
	mask = "***"
	// shortestNumber is how many digits make a phone number. Of fewer, three tell too much.
	shortestNumber = 7
)

var masked = regexp.MustCompile(`^([0-9]\*\*\*[0-9]{2}|\*\*\*)$`)

// maskedPhone leaves of a phone number the first digit and the last two, and not how many there are between.
func maskedPhone(phone string) string {
	if phone == "" || masked.MatchString(phone) {
		return phone
	}
	number := digits(phone)
	if len(number) < shortestNumber || strings.Contains(number, "*") {
		return mask
	}
	return number[:1] + mask + number[len(number)-2:]
}

// maskedDevice leaves of a device such as 79001234567:8@s.whatsapp.net what follows the number, from the colon on, unless there is a
// number too.
func maskedDevice(device string) string {
	_, rest, found := strings.Cut(device, ":")
	if !found || len(digits(rest)) >= shortestNumber {
		return ""
	}
	return ":" + rest
}

// digits are the digits of a text.
func digits(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case unicode.IsDigit(r):
			// One of another script counts, and is not shown.
			return '*'
		}
		return -1
	}, text)
}
