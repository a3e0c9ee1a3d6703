// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"regexp"
	"strconv"
)

// Target is one instance and how to reach it.
type Target struct {
	// Origin of the API that serves the instance.
	Origin Origin
	// ID of the instance.
	ID int64
	// Token is the instance's apiTokenInstance.
	Token string
	// Prefix of every path: "/v3" for MAX, else "".
	Prefix string
	// AccountMethod is the method that shows the account: getWaSettings or getAccountSettings.
	AccountMethod string
	// Conceal holds further secrets that no vendor text may show; the token always is one.
	Conceal []string
	// Quotable holds values that the vendor may quote, of which it may show no more than scheme and host: the wished
	// URLs and texts, and wished settings that the operator knows nothing of.
	Quotable []string
	// HideNumbers says that what the vendor says is shown without what may be a phone number. Those of Account are the caller's matter.
	HideNumbers bool
}

// maxID is the largest number that JSON keeps exactly, which the schema of the resources has for idInstance as well.
const maxID = 1<<53 - 1

var (
	prefixPattern = regexp.MustCompile(`^(/v[0-9]+)?$`)
	methodPattern = regexp.MustCompile(`^[A-Za-z]*$`)
)

// check returns an *EndpointError if a part of the URL would mean something else than itself. All parts are checked
// before they come here; that they are checked again where the URL is made keeps it so.
func (t *Target) check() error {
	switch {
	case t.Token != "" && !ValidToken(t.Token):
		return &EndpointError{What: "the API token holds characters that may not stand in an address"}
	case t.ID < 1 || t.ID > maxID:
		return &EndpointError{What: "the number of the instance must be 1 to " + strconv.Itoa(maxID)}
	case !prefixPattern.MatchString(t.Prefix) || !methodPattern.MatchString(t.AccountMethod):
		return &EndpointError{What: "the path of the messenger may not stand in an address"}
	}
	return nil
}

// url builds the address of a method. All its parts were checked to need no escaping.
func (i *Instance) url(method string) string {
	if i.partner {
		return i.target.Origin.String() + "/partner/" + method + "/" + i.target.Token
	}
	return i.target.Origin.String() + i.target.Prefix + "/waInstance" + strconv.FormatInt(i.target.ID, 10) + "/" + method + "/" + i.target.Token
}
