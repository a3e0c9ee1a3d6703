// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package argocd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/greenapi-operator/greenapi-operator/internal/gitops"
)

// The fields of other projects' kinds that the examples use. Their modules are too heavy to have their types here; the
// examples were tried with the CustomResourceDefinitions of Argo CD v3.6.1 once, and a typing mistake is found by these.
type (
	application struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            struct {
			Project string `json:"project"`
			Source  struct {
				RepoURL        string `json:"repoURL"`
				TargetRevision string `json:"targetRevision"`
				Path           string `json:"path"`
				Chart          string `json:"chart"`
				Directory      struct {
					Include string `json:"include"`
				} `json:"directory"`
				Kustomize struct {
					CommonAnnotations map[string]string `json:"commonAnnotations"`
				} `json:"kustomize"`
				Helm struct {
					ReleaseName string `json:"releaseName"`
				} `json:"helm"`
			} `json:"source"`
			Destination destination `json:"destination"`
			SyncPolicy  struct {
				Automated struct {
					Prune    bool `json:"prune"`
					SelfHeal bool `json:"selfHeal"`
				} `json:"automated"`
				SyncOptions []string `json:"syncOptions"`
				Retry       struct {
					Limit   int64 `json:"limit"`
					Backoff struct {
						Duration    string `json:"duration"`
						Factor      int64  `json:"factor"`
						MaxDuration string `json:"maxDuration"`
					} `json:"backoff"`
				} `json:"retry"`
			} `json:"syncPolicy"`
		} `json:"spec"`
	}
	destination struct {
		Server    string `json:"server"`
		Namespace string `json:"namespace"`
	}
	project struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            struct {
			Description              string             `json:"description"`
			SourceRepos              []string           `json:"sourceRepos"`
			Destinations             []destination      `json:"destinations"`
			ClusterResourceWhitelist []metav1.GroupKind `json:"clusterResourceWhitelist"`
		} `json:"spec"`
	}
)

func TestEveryApplicationMayDoWhatItDoes(t *testing.T) {
	var allowed project
	read(t, "examples/project.yaml", &allowed)
	paths, err := filepath.Glob("examples/application-*.yaml")
	if err != nil || len(paths) != 4 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n---\n")
		var app application
		if err := gitops.ReadStrictly([]byte(first), &app); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		source := app.Spec.Source
		switch {
		case app.Kind != "Application" || app.APIVersion != "argoproj.io/v1alpha1" || app.Metadata.Namespace != "argocd":
			t.Errorf("%s has a %s %s of %s", path, app.Kind, app.Metadata.Name, app.APIVersion)
		case app.Spec.Project != allowed.Metadata.Name:
			t.Errorf("%s is of the project %q", path, app.Spec.Project)
		case !slices.Contains(allowed.Spec.SourceRepos, source.RepoURL):
			t.Errorf("%s: the project has no %s", path, source.RepoURL)
		case !slices.Contains(allowed.Spec.Destinations, app.Spec.Destination):
			t.Errorf("%s: the project has no %v", path, app.Spec.Destination)
		case (source.Path == "") == (source.Chart == ""):
			t.Errorf("%s has the path %q and the chart %q", path, source.Path, source.Chart)
		case strings.HasPrefix(source.RepoURL, "oci://"):
			t.Errorf("%s: Argo CD wants an OCI registry without oci://", path)
		}
		if strings.Contains(string(text), "ignoreDifferences") {
			t.Errorf("%s ignores differences, of which there are none", path)
		}
	}
}

// wave reads the wave of an example.
func wave(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n---\n")
	object := &unstructured.Unstructured{}
	if err := gitops.ReadStrictly([]byte(first), &object.Object); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	n, err := strconv.Atoi(object.GetAnnotations()["argocd.argoproj.io/sync-wave"])
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return n
}

func TestWavesGoFromTheOperatorOverSecretsToLines(t *testing.T) {
	lines, line := wave(t, "examples/application-lines.yaml"), wave(t, "examples/lines/support-line.yaml")
	for _, name := range []string{"plain", "kustomize", "helm"} {
		if at := wave(t, "examples/application-"+name+".yaml"); at >= lines {
			t.Errorf("the operator (%s) is in wave %d, and its lines in %d", name, at, lines)
		}
	}
	for _, name := range []string{"lines/external-secret", "lines-sealed/sealed-secret"} {
		if at := wave(t, "examples/"+name+".yaml"); at >= line {
			t.Errorf("the Secret (%s) is in wave %d, and its line in %d", name, at, line)
		}
	}
}

// TestWhoMayRunActionsMayGetTheApplication: without that right Argo CD refuses every action, so a role of the page has both.
func TestWhoMayRunActionsMayGetTheApplication(t *testing.T) {
	page, err := os.ReadFile("../../docs/gitops.md")
	if err != nil {
		t.Fatal(err)
	}
	rights := map[string]map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^ *p, (role:[a-z]+), applications, ([a-z]+)`).FindAllStringSubmatch(string(page), -1) {
		if rights[match[1]] == nil {
			rights[match[1]] = map[string]bool{}
		}
		rights[match[1]][match[2]] = true
	}
	if len(rights) < 2 {
		t.Errorf("docs/gitops.md shows the roles %v", rights)
	}
	for role, has := range rights {
		if has["action"] && !has["get"] {
			t.Errorf("%s may run actions and not get the application", role)
		}
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestTheManifestsOfOtherToolsInDocsAreTheExamples: those are checked here, and the API server of the other tests does not
// know their kinds.
func TestTheManifestsOfOtherToolsInDocsAreTheExamples(t *testing.T) {
	var all strings.Builder
	for _, pattern := range []string{"examples/*.yaml", "examples/lines*/*.yaml", "../flux/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatal(pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	page, err := os.ReadFile("../../docs/gitops.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, match := range yamlBlock.FindAllStringSubmatch(string(page), -1) {
		for document := range strings.SplitSeq(match[1], "\n---\n") {
			if !regexp.MustCompile(`(?m)^apiVersion: (argoproj\.io|[a-z]+\.toolkit\.fluxcd\.io|external-secrets\.io|bitnami\.com)/`).MatchString(document) {
				continue
			}
			found++
			if !strings.Contains(all.String(), strings.TrimSpace(document)) {
				t.Errorf("docs/gitops.md has what is no example:\n%s", document)
			}
		}
	}
	if found < 3 {
		t.Errorf("docs/gitops.md shows %d manifests of other tools", found)
	}
}
