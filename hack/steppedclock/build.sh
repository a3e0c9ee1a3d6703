#!/bin/sh
# Builds the manager with a clock that can be set while it runs, for `make chaos`: usage build.sh OUTPUT.
#
# A machine's clock cannot be set in a test, and libfaketime does not reach a Go program, which asks the kernel for the time and not the C
# library. So the manager is built with another time.Now: it adds what stands in the file that STEPPED_CLOCK names. Nothing else
# differs. The source of the toolchain is not touched: an overlay stands in its place.
set -eu
output=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(go env GOROOT)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed '/^func Now() Time {$/,/^}$/ s/^\tsec, nsec, mono := runtimeNow()$/&\n\tsec, nsec = stepped(sec, nsec)/' "$root/src/time/time.go" > "$work/time.go"
if ! grep -q 'stepped(sec, nsec)' "$work/time.go"; then
	echo "time.Now of $(go version) is written in another way than $0 expects: mend the script" >&2
	exit 1
fi
cp "$here/stepped.go.txt" "$work/stepped.go"
cat > "$work/overlay.json" <<JSON
{"Replace": {"$root/src/time/time.go": "$work/time.go", "$root/src/time/stepped.go": "$work/stepped.go"}}
JSON
CGO_ENABLED=0 go build -overlay "$work/overlay.json" -o "$output" ./cmd/manager
