// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"regexp"
	"slices"
	"strings"
)

// anyURL finds URLs in a text, also where JSON or a URL around them escaped their slashes: scheme, and all up to a space.
var anyURL = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*)(?::|%(?:25)?3a)((?:\\*/|%(?:25)?2f){2})([^ ]*)`)

// plainAuthority is a host with its port that ends where an authority may: whatever else is there could be a user or a
// password.
var plainAuthority = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\.?(?:$|[/?#\\"'<>,;)\]}]|%(?:25)?(?:2[fF23]|3[fF]))`)

// onlyPunctuation is what may stand behind a host without being a part of a URL that says anything.
const onlyPunctuation = `/\"'<>.,;:()[]{}!`

// shortenURLs replaces what follows scheme and host of every URL in a text by "/…": people keep secrets there, and the
// vendor quotes the URL that it refuses. Of one whose host is not told from a password only the scheme stays.
func shortenURLs(text string) string {
	if !strings.Contains(text, ":") && !strings.Contains(text, "%") {
		return text
	}
	return anyURL.ReplaceAllStringFunc(text, func(found string) string {
		m := anyURL.FindStringSubmatch(found)
		scheme, rest := m[1]+"://", m[3]
		authority, behind := splitAuthority(rest)
		at := strings.LastIndexByte(authority, '@')
		if strings.Contains(behind, "@") || strings.Contains(strings.ToLower(rest), "%40") {
			// A password may hold any character where people forget to escape it.
			return scheme + "…"
		}
		place := plainAuthority.FindStringSubmatch(rest[at+1:])
		switch {
		case place == nil && strings.Trim(rest, onlyPunctuation) == "":
			return found
		case place == nil:
			return scheme + "…"
		}
		host := place[1] + place[2]
		if at < 0 && strings.Trim(rest[len(host):], onlyPunctuation) == "" {
			return found
		}
		return scheme + host + "/…"
	})
}

// splitAuthority splits what follows the :// of a URL. An authority ends where the path, the query or the fragment begins.
func splitAuthority(rest string) (authority, behind string) {
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		return rest[:end], rest[end:]
	}
	return rest, ""
}

// A part of a URL counts as a secret from this length on, in characters: a name in its query and a piece of its path, which
// are words more often than not, and any other.
const longWord, longPart = urlWindow, 8

// SecretParts are the parts of a URL in which people keep secrets, as they are and decoded: the user, the password, names
// and values of the query, however they are separated, the fragment, and a long path. A value that is no URL is one as a
// whole. It reads what net/url would not.
func SecretParts(raw string) []string {
	var parts []string
	add := func(part string, least int) {
		decoded := percentDecoded(part)
		for _, form := range []string{part, decoded, strings.ReplaceAll(decoded, "+", " ")} {
			if len(form) >= least && !slices.Contains(parts, form) {
				parts = append(parts, form)
			}
		}
	}
	_, rest, ok := strings.Cut(raw, "://")
	if !ok {
		add(raw, longPart)
		return parts
	}
	authority, behind := splitAuthority(rest)
	if strings.Contains(behind, "@") && !strings.Contains(authority, "@") {
		// What looks like a path may be the rest of a password.
		add(rest[:strings.LastIndexByte(rest, '@')], longPart)
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, password, _ := strings.Cut(authority[:at], ":")
		add(user, longPart)
		add(password, longPart)
	}
	add(behind, longWord)
	behind, fragment, _ := strings.Cut(behind, "#")
	add(fragment, longPart)
	_, query, _ := strings.Cut(behind, "?")
	for piece := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, named := strings.Cut(piece, "=")
		if !named {
			add(piece, longPart)
			continue
		}
		add(name, longWord)
		add(value, longPart)
	}
	return parts
}
