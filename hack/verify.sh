#!/usr/bin/env bash
# Checks what tools can check: generated files, formatting, modules, vet and lint. The first failure ends it.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { echo "verify: $*"; }

# fingerprint tells whether the given paths changed, whatever git knows of them.
fingerprint() { find "$@" -type f -print0 | sort -z | xargs -0 cksum; }

# It reads all modules, which nothing else here waits for.
go mod verify >/dev/null &
modules=$!

step "generated files are up to date"
generated=(api config/crd config/rbac config/argocd docs/api-reference.md charts/greenapi-operator dist)
before="$(fingerprint "${generated[@]}")"
make --no-print-directory update >/dev/null
if ! diff <(echo "$before") <(fingerprint "${generated[@]}"); then
	echo "verify: run 'make update' and commit what changes" >&2
	exit 1
fi

step "go.mod and go.sum are tidy"
for module in . hack/controlplane hack/release hack/tools/*/; do
	go mod tidy -C "$module" -diff
done

step "licences may be shipped with ours"
make --no-print-directory licenses

step "the tests that SECURITY.md names exist"
for name in $(grep -oE '\b(Test|Fuzz)[A-Z][A-Za-z0-9_]*' SECURITY.md | sort -u); do
	if ! git grep -qE "^func $name\(" -- '*_test.go'; then
		echo "verify: SECURITY.md names the test $name, which is not there" >&2
		exit 1
	fi
done

step "gofmt"
unformatted="$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l)"
if [[ -n "$unformatted" ]]; then
	echo "verify: run gofmt -w on these:" >&2
	echo "$unformatted" >&2
	exit 1
fi

step "go vet"
go vet ./...
go vet -C hack/controlplane ./cmd/... ./internal/...
go vet -C hack/release ./...

step "modules are what their checksums say"
wait "$modules"

step "lint"
make --no-print-directory lint
