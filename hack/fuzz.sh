#!/usr/bin/env bash
# Copyright The GREEN-API operator authors.
# SPDX-License-Identifier: Apache-2.0

# Runs every fuzz target of this module, one after the other, for the given time each. It stops at the first failure: the
# input that failed is then a file, which `go test` runs as a test from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

time="${1:-1m}"
targets=()
while IFS= read -r folder; do
	package="./${folder#./}"
	# On a line of its own, so that a package that does not compile ends the script.
	list="$(go test -list '^Fuzz' "$package")"
	while IFS= read -r target; do
		targets+=("$package $target")
	done < <(grep '^Fuzz' <<<"$list")
done < <(git ls-files '*_test.go' | xargs grep -l '^func Fuzz' | xargs -n1 dirname | sort -u)
if [ "${#targets[@]}" -eq 0 ]; then
	echo "no fuzz target was found" >&2
	exit 1
fi

n=0
for entry in "${targets[@]}"; do
	read -r package target <<<"$entry"
	n=$((n + 1))
	echo "[$n/${#targets[@]}] $target in $package for $time"
	# Minimizing may take as long as fuzzing itself does, and no longer.
	if ! go test -run "^$target\$" -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime "$time" "$package"; then
		echo >&2
		echo "FAIL: $target. If an input made it fail, that is the newest file in $package/testdata/fuzz/$target:" >&2
		ls -t "$package/testdata/fuzz/$target" 2>/dev/null | head -1 >&2 || true
		echo "Run it again by: go test -run '^$target\$' $package" >&2
		exit 1
	fi
done
echo "all ${#targets[@]} fuzz targets held"
