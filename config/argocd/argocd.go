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

// Kinds are the kinds of instances, which all share the scripts.
var Kinds = []string{"WhatsAppInstance", "MaxInstance", "TelegramInstance"}

// PartnerKinds are the kinds about partner accounts, which share scripts of their own.
var PartnerKinds = []string{"PartnerAccount", "InstanceClaim"}

// Actions are what a person may ask for, each a script of the same name.
var Actions = []string{"reconcile", "reboot", "pause", "resume"}

// PartnerActions are those of them that PartnerKinds have.
var PartnerActions = []string{"reconcile"}

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
	files := map[string]string{}
	var configMap strings.Builder
	configMap.WriteString(head)
	for _, kind := range Kinds {
		if err := generate(files, &configMap, kind, "", Actions); err != nil {
			return nil, err
		}
	}
	for _, kind := range PartnerKinds {
		if err := generate(files, &configMap, kind, "partner-", PartnerActions); err != nil {
			return nil, err
		}
	}
	files["argocd-cm.yaml"] = configMap.String()
	return files, nil
}

// generate makes what is of one kind, whose scripts about health and discovery have a prefix before their names.
func generate(files map[string]string, configMap *strings.Builder, kind, prefix string, names []string) error {
	health, err := Script(prefix + "health")
	if err != nil {
		return err
	}
	discovery, err := Script(prefix + "discovery")
	if err != nil {
		return err
	}
	folder := Customization(kind)
	files[folder+"/health.lua"], files[folder+"/actions/discovery.lua"] = health, discovery
	actions := ActionCustomization{Discovery: discovery}
	for _, name := range names {
		text, err := Script(name)
		if err != nil {
			return err
		}
		files[folder+"/actions/"+name+"/action.lua"] = text
		actions.Definitions = append(actions.Definitions, ActionDefinition{Name: name, Action: text})
	}
	value, err := yaml.Marshal(actions)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(configMap, "  resource.customizations.health.%s_%s: |\n%s  resource.customizations.actions.%s_%s: |\n%s",
		Group, kind, indented(health), Group, kind, indented(string(value)))
	return err
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
