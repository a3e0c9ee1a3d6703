// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/config/crd"
	"github.com/greenapi-operator/greenapi-operator/internal/version"
)

// definitions are the CRDs that this version was built with, and what the cluster has of them.
type definitions struct {
	wanted []apiextensionsv1.CustomResourceDefinition
	served map[string]*apiextensionsv1.CustomResourceDefinition
	err    error
}

func (e *examination) readDefinitions(ctx context.Context) definitions {
	d := definitions{served: map[string]*apiextensionsv1.CustomResourceDefinition{}}
	if d.wanted, d.err = CRDs(); d.err != nil {
		return d
	}
	for _, wanted := range d.wanted {
		served := &unstructured.Unstructured{}
		served.SetGroupVersionKind(schema.FromAPIVersionAndKind("apiextensions.k8s.io/v1", "CustomResourceDefinition"))
		err := e.Cluster.Get(ctx, client.ObjectKey{Name: wanted.Name}, served)
		switch {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			d.err = err
			return d
		}
		d.served[wanted.Name] = &apiextensionsv1.CustomResourceDefinition{}
		if d.err = runtime.DefaultUnstructuredConverter.FromUnstructured(served.Object, d.served[wanted.Name]); d.err != nil {
			return d
		}
	}
	return d
}

// CRDs returns the CRDs that are part of this program.
func CRDs() ([]apiextensionsv1.CustomResourceDefinition, error) {
	files, err := fs.Glob(crd.Bases, "bases/*.yaml")
	if err != nil {
		return nil, err
	}
	var all []apiextensionsv1.CustomResourceDefinition
	for _, file := range files {
		text, err := crd.Bases.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var one apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// home is the operator's repository.
const home = "https://github.com/greenapi-operator/greenapi-operator"

// HowToInstallCRDs ends an advice to install the CRDs: by Helm who has the operator from there, else without a checkout.
func HowToInstallCRDs() string {
	ref := version.Get()
	if !regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`).MatchString(ref) {
		ref = "main"
	}
	return ": by helm upgrade, which brings them, or kubectl apply --server-side -k '" + home + "//config/crd?ref=" + ref + "'"
}

// checkDefinitions says whether the CRDs are there, and those of this version.
func (e *examination) checkDefinitions() Check {
	c := Check{Name: "CRDs", Verdict: OK, Message: "installed, and those of this version"}
	if d := e.definitions; d.err != nil {
		if apierrors.IsForbidden(d.err) {
			return skipped(c.Name, "you may not get customresourcedefinitions")
		}
		return skipped(c.Name, d.err.Error())
	}
	for _, wanted := range e.definitions.wanted {
		served := e.definitions.served[wanted.Name]
		if served == nil {
			c.Verdict = Problem
			c.Details = append(c.Details, wanted.Spec.Names.Kind+" is not installed")
			continue
		}
		missing, differs := compareDefinitions(&wanted, served)
		switch {
		case len(missing) > 0:
			c.Verdict = Problem
			c.Details = append(c.Details, fmt.Sprintf("%s is older than this program: it has no %s", wanted.Spec.Names.Kind, strings.Join(missing, ", ")))
		case differs:
			c.worsen(Warning)
			c.Details = append(c.Details, wanted.Spec.Names.Kind+" is of another version than this program")
		}
	}
	switch {
	case len(e.definitions.served) == 0:
		c.Message, c.Details = "not installed", nil
	case c.Verdict == Problem:
		c.Message = "not those of this version"
	case c.Verdict == Warning:
		c.Message = "installed, and of another version than this program"
	}
	if c.Verdict != OK {
		c.Details = append(c.Details, "Install those of this version"+HowToInstallCRDs())
	}
	return c
}

// compareDefinitions tells which fields a served CRD lacks, and whether it differs in anything else.
func compareDefinitions(wanted, served *apiextensionsv1.CustomResourceDefinition) (missing []string, differs bool) {
	for _, version := range wanted.Spec.Versions {
		at := slices.IndexFunc(served.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool {
			return v.Name == version.Name && v.Served
		})
		if at < 0 {
			return []string{"version " + version.Name}, true
		}
		there := served.Spec.Versions[at]
		missing = append(missing, missingFields("", version.Schema.OpenAPIV3Schema, there.Schema.OpenAPIV3Schema)...)
		differs = differs || !reflect.DeepEqual(asJSON(version), asJSON(there))
	}
	return missing, differs
}

// missingFields are the paths of the fields that are in one schema and not in the other.
func missingFields(path string, wanted, served *apiextensionsv1.JSONSchemaProps) []string {
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(wanted.Properties)) {
		field := wanted.Properties[name]
		there, ok := served.Properties[name]
		if !ok {
			missing = append(missing, strings.TrimPrefix(path+"."+name, "."))
			continue
		}
		missing = append(missing, missingFields(path+"."+name, &field, &there)...)
	}
	if wanted.Items != nil && wanted.Items.Schema != nil && served.Items != nil && served.Items.Schema != nil {
		missing = append(missing, missingFields(path+"[]", wanted.Items.Schema, served.Items.Schema)...)
	}
	return missing
}

// asJSON turns a value into what JSON can say, so that spacing within raw values does not count.
func asJSON(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	var out any
	if json.Unmarshal(text, &out) != nil {
		return nil
	}
	return out
}
