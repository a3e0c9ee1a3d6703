#!/bin/sh
# Guess:  a Lua script may put one table into two fields, and JSON has it twice; only a table that holds itself cannot be written.
# Truth:  gopher-json, by which Argo CD reads what a script gives back, remembers each table that it has seen anywhere and refuses the second
#         place as nested in itself. Two tables with the same content are fine.
# Matters here: the actions of config/argocd are such scripts. They write each field of a resource with a value of its own.
# Seen with: layeh.com/gopher-json v0.0.0-20190114024228-97fed8db8427, github.com/yuin/gopher-lua v1.1.2, go1.26.
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
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

func main() {
	for _, script := range []string{
		`return {bow = {lit = true}, stern = {lit = true}}`,
		`local lamp = {lit = true}; return {bow = lamp, stern = lamp}`,
	} {
		state := lua.NewState()
		if err := state.DoString(script); err != nil {
			panic(err)
		}
		text, err := luajson.Encode(state.Get(-1))
		for errors.Unwrap(err) != nil {
			err = errors.Unwrap(err)
		}
		fmt.Printf("%s\n  %s (error: %v)\n", script, text, err)
		state.Close()
	}
}
GO
quietly go mod init finding
quietly go get github.com/yuin/gopher-lua@v1.1.2 layeh.com/gopher-json@v0.0.0-20190114024228-97fed8db8427
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
return {bow = {lit = true}, stern = {lit = true}}
  {"bow":{"lit":true},"stern":{"lit":true}} (error: <nil>)
local lamp = {lit = true}; return {bow = lamp, stern = lamp}
   (error: cannot encode recursively nested tables to JSON)
TEXT
diff want seen
