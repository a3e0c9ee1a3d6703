// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

const (
	// tokenDigits is how many hexadecimal digits tell one webhook token from another, keyDigits one API token from another.
	tokenDigits = 16
	keyDigits   = 8
	// keyedWith is what is digested to tell API tokens apart. It is no webhook token, which is one line.
	keyedWith = "\nkeyed with"
)

// SetToken adds the webhook token as read from its Secret. A change of it is a change of this value and of nothing else
// about the Secret. The status keeps a digest keyed with the API token, so that nobody who reads a status can try values.
// apiTokenBefore is the API token that the stored digest may have been made with, "" if it is the same or not known: a new
// API token is no change of the webhook token.
func (d *Desired) SetToken(value, apiToken, apiTokenBefore string) {
	d.SecretVersion, d.secretKey = tokenDigest(value, apiToken), tokenDigest(keyedWith, apiToken)[:keyDigits]
	if apiTokenBefore != "" && apiTokenBefore != apiToken {
		d.formerVersion = tokenDigest(value, apiTokenBefore)
	}
	token := Setting{Name: WebhookTokenName, Kind: KindSecret, Value: value, Wish: d.SecretVersion}
	at, _ := slices.BinarySearchFunc(d.Settings, token, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	d.Settings = slices.Insert(d.Settings, at, token)
}

func tokenDigest(value, apiToken string) string {
	mac := hmac.New(sha256.New, []byte(apiToken))
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))[:tokenDigits]
}

// TakeOver returns a History that speaks of the settings as this release and this API token do. Earlier releases noted the
// resourceVersion of the Secret, which says nothing about the value, had the reference in the hash, and hashed values as they
// were written. What was noted with an API token that nobody here knows says nothing either. Such notes count as the present
// token: if the vendor shows another one, that is drift, and not a reason to write at once.
func TakeOver(h History, desired Desired) History {
	hash := func(noted string) string {
		if slices.Contains(desired.formerHashes, noted) {
			return desired.Hash
		}
		return noted
	}
	version := func(noted string) string {
		unknownKey := h.SecretKey != "" && h.SecretKey != desired.secretKey && desired.formerVersion == ""
		if desired.SecretVersion != "" && noted != "" && (noted == desired.formerVersion || len(noted) != tokenDigits || unknownKey) {
			return desired.SecretVersion
		}
		return noted
	}
	h.SyncedHash, h.SyncedSecretVersion = hash(h.SyncedHash), version(h.SyncedSecretVersion)
	if h.Record != nil {
		h.Record = h.Record.DeepCopy()
		h.Record.SettingsHash, h.Record.SecretVersion = hash(h.Record.SettingsHash), version(h.Record.SecretVersion)
		h.Record.Settings = takeOverWishes(h.Record.Settings, version)
	}
	h.Effective = takeOverWishes(h.Effective, version)
	if desired.SecretVersion != "" {
		h.SecretKey = desired.secretKey
	}
	return h
}

func takeOverWishes(noted []v1alpha1.AppliedSetting, version func(string) string) []v1alpha1.AppliedSetting {
	for i, seen := range noted {
		if wish := version(seen.Wish); seen.Setting == WebhookTokenName && seen.Wish != wish {
			noted = slices.Clone(noted)
			noted[i].Wish = wish
		}
	}
	return noted
}

// Seen reports whether all that a spec wants was in effect once, by the status's word.
func Seen(h History, desired Desired) bool {
	d := &decider{Input: Input{History: TakeOver(h, desired), Desired: desired}}
	return d.seen()
}

// is reports whether a setting was sent with the present wish.
func (s Setting) is(sent v1alpha1.AppliedSetting) bool {
	return sent.Wish == s.Wish || s.formerWish != "" && sent.Wish == s.formerWish
}
