// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/cli-runtime/pkg/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
	strictjson "sigs.k8s.io/json"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// manifests are the instances in files, checked, and a reader that finds the Secrets of the files too.
func (d *differ) manifests(ctx context.Context) ([]candidate, client.Reader, error) {
	objects, err := d.readFiles()
	if err != nil {
		return nil, nil, err
	}
	namespace, err := d.namespace()
	if err != nil {
		// Without a kubeconfig there is no cluster either, and a manifest may do.
		namespace = "default"
	}
	files := &fileSecrets{secrets: map[client.ObjectKey]*corev1.Secret{}, errOut: d.ErrOut}
	cluster, err := d.client()
	if err == nil {
		files.cluster = cluster
		err = d.vendor.settle(ctx, d.session, cluster)
	} else {
		err = d.vendor.settle(ctx, d.session, nil)
	}
	if err != nil {
		return nil, nil, err
	}
	var candidates []candidate
	others := sets.New[string]()
	for _, object := range objects {
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
		gvk := object.GroupVersionKind()
		switch {
		case gvk.Group == v1alpha1.GroupVersion.Group:
			candidates = append(candidates, manifestOf(object))
		case gvk.Group == "" && gvk.Kind == "Secret":
			if err := files.add(object.Unstructured, object.source); err != nil {
				return nil, nil, err
			}
		default:
			others.Insert(gvk.Kind)
		}
	}
	if others.Len() > 0 {
		fmt.Fprintf(d.ErrOut, "Not compared, since they are no instances: %s\n", strings.Join(sets.List(others), ", "))
	}
	markDuplicates(candidates, d.vendor.defaultURL)
	for i := range candidates {
		if candidates[i].err == nil {
			d.inFiles = append(d.inFiles, candidates[i].instance)
			files.check(ctx, &candidates[i], objects)
		}
	}
	return candidates, files, nil
}

// object is one document of a file.
type object struct {
	*unstructured.Unstructured
	source string
}

// readFiles reads all documents of -f.
func (d *differ) readFiles() ([]object, error) {
	builder := resource.NewLocalBuilder().Unstructured().ContinueOnError()
	files := resource.FilenameOptions{Recursive: d.files.Recursive}
	for _, name := range d.files.Filenames {
		if name == "-" {
			builder = builder.Stream(d.In, "standard input")
			continue
		}
		if _, err := os.Stat(name); os.IsNotExist(err) && !strings.Contains(name, "://") && !strings.ContainsAny(name, "*?[") {
			return nil, failf("Name a file, a folder or - for standard input", "There is no file %s", name)
		}
		files.Filenames = append(files.Filenames, name)
	}
	if len(files.Filenames) > 0 {
		builder = builder.FilenameParam(false, &files)
	}
	var objects []object
	err := builder.Flatten().Do().Visit(func(info *resource.Info, err error) error {
		if err != nil {
			return err
		}
		if u, ok := info.Object.(*unstructured.Unstructured); ok {
			objects = append(objects, object{Unstructured: u, source: info.Source})
		}
		return nil
	})
	if err != nil {
		return nil, failf("Correct the file; it must hold manifests as for kubectl apply -f", "The files cannot be read: %s", withoutValues(err))
	}
	return objects, nil
}

// withoutValues is an error of a parser, cut to one line: what follows may be content of the file, and that may be secret.
func withoutValues(err error) string {
	var lines []string
	for _, single := range utilerrors.Flatten(utilerrors.NewAggregate([]error{err})).Errors() {
		line, _, _ := strings.Cut(single.Error(), "\n")
		if before, _, found := strings.Cut(line, " in '{"); found {
			// cli-runtime quotes the whole object that has no kind.
			line = before
		}
		lines = append(lines, line)
	}
	return strings.Join(slices.Compact(lines), "; ")
}

// manifestOf reads a manifest of one of the operator's kinds.
func manifestOf(o object) candidate {
	c := candidate{source: o.source}
	subject := fmt.Sprintf("%s %s/%s in %s", o.GetKind(), o.GetNamespace(), o.GetName(), o.source)
	kind, known := instance.KindNamed(o.GetKind())
	switch {
	case !known || o.GroupVersionKind().Version != v1alpha1.GroupVersion.Version:
		c.err = failf("Write apiVersion: "+v1alpha1.GroupVersion.String()+" and kind: WhatsAppInstance, MaxInstance or TelegramInstance",
			"%s: there is no kind %s in %s", subject, o.GetKind(), o.GetAPIVersion())
		return c
	case o.GetName() == "":
		c.err = failf("Write metadata.name", "%s %s in %s has no name", o.GetKind(), o.GetNamespace(), o.source)
		return c
	}
	instance := kind.New()
	if err := decodeStrictly(o.Unstructured, instance); err != nil {
		c.err = failf("Correct it; kubectl explain "+strings.ToLower(kind.Name)+".spec lists the fields", "%s: %s", subject, withoutValues(err))
		return c
	}
	// What a file says of the status says nothing about the instance.
	*instance.InstanceStatus() = v1alpha1.InstanceStatus{}
	c.instance = instance
	if core := instance.Core(); core.ClaimRef == nil && core.IDInstance < 1 {
		c.err = failf("Write spec.idInstance, the number of the instance in the vendor's console, or spec.claimRef where an InstanceClaim has it", "%s: spec.idInstance must be a positive number", subject)
	}
	return c
}

// decodeStrictly reads a manifest as a resource. Its errors name the field, and no value.
func decodeStrictly(object *unstructured.Unstructured, into any) error {
	text, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	unknown, err := strictjson.UnmarshalStrict(text, into)
	if err == nil {
		return errors.Join(unknown...)
	}
	// The standard library says of what type a value is; the other one has this error for itself.
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](json.Unmarshal(text, into)); ok {
		// The path holds the names of embedded Go structs, which no manifest has.
		field := strings.NewReplacer("CommonSettings.", "", "InstanceSpec.", "").Replace(wrong.Field)
		err = fmt.Errorf("%s must be %s, not a %s", field, cmp.Or(wordOf[wrong.Type.Kind()], "of type "+wrong.Type.String()), strings.Fields(wrong.Value + " value")[0])
	}
	return err
}

// wordOf says in words what a field of a type takes.
var wordOf = map[reflect.Kind]string{
	reflect.Bool: "true or false, without quotes", reflect.String: "a text", reflect.Int32: "a whole number", reflect.Int64: "a whole number",
	reflect.Struct: "an object", reflect.Slice: "a list",
}

// markDuplicates refuses the second of two manifests for one instance, or of one name (R18).
func markDuplicates(candidates []candidate, defaultURL string) {
	first := map[string]candidate{}
	for i, c := range candidates {
		if c.err != nil {
			continue
		}
		keys := []string{advice.Title(c.instance)}
		if key, ok := instance.Key(c.instance, defaultURL); ok {
			keys = append(keys, fmt.Sprintf("%d at %s", key.ID, key.Origin))
		} else if claim := instance.ClaimName(c.instance); claim != "" {
			keys = append(keys, fmt.Sprintf("InstanceClaim %s/%s", c.instance.GetNamespace(), claim))
		}
		for at, key := range keys {
			other, taken := first[key]
			switch {
			case !taken:
				first[key] = c
			case at == 0:
				candidates[i].err = failf("Keep one of the two", "%s is in the files twice: in %s and in %s", key, other.source, c.source)
			case candidates[i].err == nil:
				candidates[i].err = failf("Delete one of the two: one instance has one resource", "%s in %s names %s, which %s in %s names already",
					advice.Title(c.instance), c.source, namedBy(c.instance), advice.Title(other.instance), other.source)
			}
		}
	}
}

// namedBy is how a manifest names its instance.
func namedBy(resource v1alpha1.Instance) string {
	if claim := instance.ClaimName(resource); claim != "" {
		return "InstanceClaim " + claim
	}
	return fmt.Sprintf("instance %d", resource.Core().IDInstance)
}

// fileSecrets reads Secrets from the cluster, if there is one, and else from the files.
type fileSecrets struct {
	cluster client.WithWatch
	secrets map[client.ObjectKey]*corev1.Secret
	// unchecked: no API server checks the manifests, which was said once. offline: the cluster gives no answer at all.
	unchecked, offline bool
	errOut             io.Writer
}
