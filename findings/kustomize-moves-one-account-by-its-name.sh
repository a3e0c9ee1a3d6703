#!/bin/sh
# Guess:  the namespace of a kustomization is that of the objects in it. An account of another namespace that a binding names, and that is not
#         among them, stays where it is.
# Truth:  it stays unless it is called default: then the binding is to the account default of the kustomization's namespace, whatever was
#         written, and the account that was meant has no right.
# Matters here: config/prometheus binds a role to Prometheus in a namespace of its own. Whose Prometheus runs as default there keeps that
#         binding out of the overlay that says the namespace.
# Seen with: sigs.k8s.io/kustomize/api and kyaml v0.21.1 (kustomize v5.8.1), go1.26.
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

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const binding = `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: keepers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: keeper}
subjects:
- {kind: ServiceAccount, name: lamplighter, namespace: lighthouse}
- {kind: ServiceAccount, name: default, namespace: lighthouse}
`

func main() {
	files := filesys.MakeFsInMemory()
	for name, text := range map[string]string{"kustomization.yaml": "namespace: quay\nresources: [binding.yaml]", "binding.yaml": binding} {
		if err := files.WriteFile(name, []byte(text)); err != nil {
			panic(err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, ".")
	if err != nil {
		panic(err)
	}
	subjects, err := built.Resources()[0].GetSlice("subjects")
	if err != nil {
		panic(err)
	}
	for _, subject := range subjects {
		fmt.Printf("%s, of lighthouse before, is of %s\n", subject.(map[string]any)["name"], subject.(map[string]any)["namespace"])
	}
}
GO
quietly go mod init finding
quietly go get sigs.k8s.io/kustomize/api@v0.21.1 sigs.k8s.io/kustomize/kyaml@v0.21.1
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
lamplighter, of lighthouse before, is of lighthouse
default, of lighthouse before, is of quay
TEXT
diff want seen
