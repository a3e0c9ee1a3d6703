#!/bin/sh
# Guess:  a time of day that a zone's clocks skip becomes the first instant after the gap, or at least is moved the same way in every zone.
# Truth:  time.Date moves it by the whole length of the gap, forward in zones east of Greenwich and back in zones west of it, so that 02:30
#         becomes 03:30 in one and 01:30 in the other. The documentation promises no more than a time in one of the two offsets.
# Matters here: a maintenance window that begins in a skipped hour opens at the first instant after it, everywhere. So that instant is
#         computed, and time.Date is asked for times in UTC only.
# Seen with: go1.26 with the time zones that come with it (time/tzdata).
set -eu
cd "$(mktemp -d)"
trap 'chmod -R u+w . 2>/dev/null; rm -rf "$PWD"' EXIT
quietly() {
	"$@" > log 2>&1 || {
		cat log >&2
		return 1
	}
}
cat > main.go <<'GO'
package main

import (
	"fmt"
	"time"
	_ "time/tzdata"
)

func main() {
	for _, gap := range []struct {
		zone      string
		month     time.Month
		day, h, m int
	}{
		{"Europe/Berlin", time.March, 29, 2, 30},
		{"Australia/Lord_Howe", time.October, 4, 2, 15},
		{"America/New_York", time.March, 8, 2, 30},
		{"America/Santiago", time.September, 6, 0, 30},
	} {
		zone, err := time.LoadLocation(gap.zone)
		if err != nil {
			panic(err)
		}
		made := time.Date(2026, gap.month, gap.day, gap.h, gap.m, 0, 0, zone)
		fmt.Printf("%s %02d:%02d -> %s\n", gap.zone, gap.h, gap.m, made.Format("Jan 2 15:04"))
	}
}
GO
quietly go mod init finding
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
Europe/Berlin 02:30 -> Mar 29 03:30
Australia/Lord_Howe 02:15 -> Oct 4 02:45
America/New_York 02:30 -> Mar 8 01:30
America/Santiago 00:30 -> Sep 5 23:30
TEXT
diff want seen
