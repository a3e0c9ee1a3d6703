// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package argocd holds what teaches Argo CD this operator's resources. The scripts below lua are the source; hack/argocd
// makes the layout of Argo CD's repository and the ConfigMap from them.
package argocd

import (
	"embed"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

//go:embed lua
var scripts embed.FS

// Group is the API group of the resources.
const Group = "messaging.greenapi-operator.dev"

// Kinds are the kinds of the resources, which all share the scripts.
var Kinds = []string{"WhatsAppInstance", "MaxInstance", "TelegramInstance"}

// Actions are what a person may ask for, each a script of the same name.
var Actions = []string{"reconcile", "reboot", "pause", "resume"}

// Script returns a script of the source, by its name without ".lua".
func Script(name string) (string, error) {
	text, err := scripts.ReadFile("lua/" + name + ".lua")
	return string(text), err
}

// Customization is where a kind's files are in the layout of Argo CD's repository.
func Customization(kind string) string { return "resource_customizations/" + Group + "/" + kind }

// ActionCustomization is the value of resource.customizations.actions in argocd-cm.
type ActionCustomization struct {
	Discovery   string             `json:"discovery.lua"`
	Definitions []ActionDefinition `json:"definitions"`
}

// ActionDefinition is one action of it.
type ActionDefinition struct {
	Name   string `json:"name"`
	Action string `json:"action.lua"`
}

// Generate makes every file that follows from the scripts, by its path below this folder.
func Generate() (map[string]string, error) {
	texts := map[string]string{}
	for _, name := range append([]string{"health", "discovery"}, Actions...) {
		text, err := Script(name)
		if err != nil {
			return nil, err
		}
		texts[name] = text
	}
	files := map[string]string{}
	actions := ActionCustomization{Discovery: texts["discovery"]}
	for _, name := range Actions {
		actions.Definitions = append(actions.Definitions, ActionDefinition{Name: name, Action: texts[name]})
	}
	value, err := yaml.Marshal(actions)
	if err != nil {
		return nil, err
	}
	var configMap strings.Builder
	configMap.WriteString(head)
	for _, kind := range Kinds {
		folder := Customization(kind)
		files[folder+"/health.lua"] = texts["health"]
		files[folder+"/actions/discovery.lua"] = texts["discovery"]
		for _, name := range Actions {
			files[folder+"/actions/"+name+"/action.lua"] = texts[name]
		}
		fmt.Fprintf(&configMap, "  resource.customizations.health.%s_%s: |\n%s", Group, kind, indented(texts["health"]))
		fmt.Fprintf(&configMap, "  resource.customizations.actions.%s_%s: |\n%s", Group, kind, indented(string(value)))
	}
	files["argocd-cm.yaml"] = configMap.String()
	return files, nil
}

const head = `# Made by hack/argocd from the scripts in config/argocd/lua. Add it to the argocd-cm of a running Argo CD by
#   kubectl patch configmap argocd-cm --namespace argocd --type merge --patch-file config/argocd/argocd-cm.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels:
    app.kubernetes.io/name: argocd-cm
    app.kubernetes.io/part-of: argocd
data:
`

// indented moves every line of a text into a value of the ConfigMap; an empty line stays empty.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}
