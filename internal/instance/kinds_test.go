// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

const root = "../.."

// writtenByHand are the files that are not generated and name every kind: by its name, its plural, its short name or its messenger.
var writtenByHand = []string{
	".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/feature.yml", "PROJECT", "README.md", "README.ru.md", "api/v1alpha1/groupversion_info.go", "charts/greenapi-operator/Chart.yaml",
	"charts/greenapi-operator/templates/rbac-manager.yaml", "cmd/demo/ending.go", "config/argocd/argocd.go",
	"config/crd/kustomization.yaml", "config/kube-state-metrics/custom-resource-state.yaml", "config/kube-state-metrics/role.yaml",
	"config/kustomize/name_reference.yaml", "config/prometheus/rules.yaml", "config/rbac/edit_role.yaml", "config/rbac/view_role.yaml",
	"config/samples/policies/account-details-none.yaml", "config/samples/policies/allowed-api-hosts.yaml", "config/samples/policies/allowed-fleets.yaml",
	"config/samples/policies/allowed-webhook-hosts.yaml", "config/samples/roles/qr-scanner.yaml",
	"config/sharding/kustomization.yaml", "config/sharding/ring.yaml", "controllers/instance_controller.go", "docs/README.md",
	"docs/kubectl-greenapi.md", "docs/sharding.md", "hack/release/greenapi.yaml.tmpl", "hack/tools/crd-ref-docs/templates/group.tpl", "internal/cli/import.go", "internal/cli/importrows.go",
	"internal/cli/manifests.go",
}

// TestEveryKindStandsWhereItIsWrittenByHand: a further kind is a row of the table, its API types, and these files.
func TestEveryKindStandsWhereItIsWrittenByHand(t *testing.T) {
	for _, kind := range instance.Kinds {
		for _, name := range append(writtenByHand, "docs/"+strings.ToLower(kind.Name)+".md") {
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Error(err)
				continue
			}
			if !regexp.MustCompile(`(?i)\b(` + kind.Name + "|(.*_)?" + kind.Plural + "|" + kind.ShortName + "|" + messengerOf(kind) + `)\b`).Match(text) {
				t.Errorf("%s does not name %s", name, kind.Name)
			}
		}
	}
}

// messengerOf is how people call the messenger of a kind.
func messengerOf(kind instance.Kind) string { return strings.TrimSuffix(kind.Name, "Instance") }

// TestEveryKindHasASample, which the demo and people begin with.
func TestEveryKindHasASample(t *testing.T) {
	g := NewWithT(t)
	files, err := filepath.Glob(filepath.Join(root, "config", "samples", "*.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	samples := ""
	for _, file := range files {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		samples += string(text)
	}
	for _, kind := range instance.Kinds {
		g.Expect(samples).To(ContainSubstring("\nkind: " + kind.Name + "\n"))
	}
}

// TestTheTableAgreesWithTheCRDs, which are generated from the API types.
func TestTheTableAgreesWithTheCRDs(t *testing.T) {
	g := NewWithT(t)
	files, err := filepath.Glob(filepath.Join(root, "config", "crd", "bases", "*.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		var crd apiextensionsv1.CustomResourceDefinition
		g.Expect(yaml.Unmarshal(text, &crd)).To(Succeed())
		names := crd.Spec.Names
		if !strings.HasSuffix(names.Kind, "Instance") {
			_, known := instance.KindNamed(names.Kind)
			g.Expect(known).To(BeFalse(), "%s is no instance", names.Kind)
			continue
		}
		seen++
		for _, word := range []string{names.Kind, names.Plural, names.Singular, strings.ToUpper(names.ShortNames[0])} {
			kind, known := instance.KindCalled(word)
			g.Expect(known).To(BeTrue(), word)
			g.Expect([]string{kind.Name, kind.Plural, kind.ShortName}).To(Equal([]string{names.Kind, names.Plural, names.ShortNames[0]}))
		}
		kind, known := instance.KindNamed(names.Kind)
		g.Expect(known).To(BeTrue())
		g.Expect(instance.KindOf(kind.New()).Name).To(Equal(names.Kind))
		named, known := instance.KindOfMessenger(kind.Messenger)
		g.Expect(known).To(BeTrue())
		g.Expect(named.Name).To(Equal(names.Kind))
		_, known = instance.KindNamed(names.Singular)
		g.Expect(known).To(BeFalse(), "manifests have the name as it is")
	}
	g.Expect(seen).To(Equal(len(instance.Kinds)))
	_, known := instance.KindOfMessenger("")
	g.Expect(known).To(BeFalse())
}
