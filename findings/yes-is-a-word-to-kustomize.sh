#!/bin/sh
# Guess:  a manifest means the same whether kubectl applies it or kustomize builds it first, if the kustomization does nothing but name it.
# Truth:  kustomize writes yes, no, on and off anew with quotes, as texts, where kubectl reads true and false. The API server then refuses a
#         field that takes only a boolean, and a field that takes both gets another value. kubectl's -k and the GitOps tools build so, too.
# Matters here: the vendor calls the values of its flags yes and no. Every example says true or false, and a test has each built by kustomize
#         and compared with what kubectl reads.
# Seen with: sigs.k8s.io/kustomize/api and kyaml v0.21.1 (kustomize v5.8.1), sigs.k8s.io/yaml v1.6.0, go1.26.
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
	"sigs.k8s.io/yaml"
)

const manifest = `apiVersion: example.com/v1
kind: Lantern
metadata: {name: lamp}
spec: {lit: yes, swinging: off, wick: true}
`

func show(who string, text []byte) {
	lantern := struct{ Spec map[string]any }{}
	if err := yaml.Unmarshal(text, &lantern); err != nil {
		panic(err)
	}
	fmt.Printf("%s: lit %#v, swinging %#v, wick %#v\n", who, lantern.Spec["lit"], lantern.Spec["swinging"], lantern.Spec["wick"])
}

func main() {
	files := filesys.MakeFsInMemory()
	for name, text := range map[string]string{"kustomization.yaml": "resources: [lamp.yaml]", "lamp.yaml": manifest} {
		if err := files.WriteFile(name, []byte(text)); err != nil {
			panic(err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, ".")
	if err != nil {
		panic(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		panic(err)
	}
	show("kubectl reads", []byte(manifest))
	show("after kustomize", text)
}
GO
quietly go mod init finding
quietly go get sigs.k8s.io/kustomize/api@v0.21.1 sigs.k8s.io/kustomize/kyaml@v0.21.1 sigs.k8s.io/yaml@v1.6.0
quietly go build -mod=mod -o finding .
./finding > seen
cat seen
cat > want <<'TEXT'
kubectl reads: lit true, swinging false, wick true
after kustomize: lit "yes", swinging "off", wick true
TEXT
diff want seen
