// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// add takes a Secret of a file, its stringData laid over its data as the API server does.
func (f *fileSecrets) add(object *unstructured.Unstructured, source string) error {
	secret := &corev1.Secret{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, secret); err != nil {
		// The error may quote a value.
		return failf("Write its values in base64 under data, or as they are under stringData", "Secret %s/%s in %s cannot be read", object.GetNamespace(), object.GetName(), source)
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for key, value := range secret.StringData {
		secret.Data[key] = []byte(value)
	}
	secret.StringData, secret.ResourceVersion = nil, ""
	f.secrets[client.ObjectKeyFromObject(secret)] = secret
	return nil
}

// Get reads a Secret, or a claim, of which only the cluster knows what became of it.
func (f *fileSecrets) Get(ctx context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	if _, claim := into.(*v1alpha1.InstanceClaim); claim {
		if f.cluster == nil || f.offline {
			return &problem{what: fmt.Sprintf("There is no cluster that knows the number of InstanceClaim %s", key), next: "Choose a cluster by --context"}
		}
		return f.cluster.Get(ctx, key, into)
	}
	secret, ok := into.(*corev1.Secret)
	if !ok {
		return fmt.Errorf("files hold Secrets only, not %T", into)
	}
	inFile, have := f.secrets[key]
	if f.cluster != nil && !f.offline {
		err := f.cluster.Get(klog.NewContext(ctx, logr.Discard()), key, secret)
		// Without its right or its answer the cluster's Secret is not known, and the file's will do.
		if err == nil || !have {
			return err
		}
	}
	if !have {
		return &problem{what: fmt.Sprintf("Secret %s is not in the files, and there is no cluster to read it from", key),
			next: "Give its manifest by -f too, or choose a cluster by --context", cause: apierrors.NewNotFound(corev1.Resource("secrets"), key.Name)}
	}
	inFile.DeepCopyInto(secret)
	return nil
}

// List is part of client.Reader; nothing lists Secrets.
func (f *fileSecrets) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return fmt.Errorf("files are not listed")
}

// check lets the API server check a manifest by a dry run, and takes the status of the resource if there is one already.
// Where there is no cluster, or not the right for it, a note says that it was not checked.
func (f *fileSecrets) check(ctx context.Context, c *candidate, objects []object) {
	if f.cluster == nil {
		f.offline = true
		f.uncheck("there is no cluster")
	}
	if f.unchecked {
		return
	}
	at := slices.IndexFunc(objects, func(o object) bool {
		return o.GetKind() == instance.KindOf(c.instance).Name && o.GetNamespace() == c.instance.GetNamespace() && o.GetName() == c.instance.GetName()
	})
	wished := objects[at].DeepCopy()
	unstructured.RemoveNestedField(wished.Object, "status")
	live := instance.KindOf(c.instance).New()
	err := f.cluster.Get(ctx, client.ObjectKeyFromObject(c.instance), live)
	switch {
	case err == nil:
		*c.instance.InstanceStatus() = *live.InstanceStatus()
		c.instance.SetGeneration(live.GetGeneration() + 1)
		// Of several resources for one instance these say which comes first.
		c.instance.SetUID(live.GetUID())
		c.instance.SetCreationTimestamp(live.GetCreationTimestamp())
		wished.SetResourceVersion(live.GetResourceVersion())
		wished.SetUID(live.GetUID())
		err = f.cluster.Update(ctx, wished, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
	case apierrors.IsNotFound(err):
		wished.SetResourceVersion("")
		err = f.cluster.Create(ctx, wished, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
	}
	f.compareSecrets(ctx, c)
	subject := advice.Title(c.instance) + " in " + c.source
	switch {
	case err == nil:
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		c.err = explain(err, subject)
	case apimeta.IsNoMatchError(err):
		f.uncheck("the operator's CRDs are not installed")
	case apierrors.ReasonForError(err) == metav1.StatusReasonUnknown:
		f.offline = true
		f.uncheck("the cluster does not answer")
	default:
		c.notes = append(c.notes, "the API server did not check the manifest: "+rightOf(err))
	}
}

// compareSecrets notes where a file would change a Secret that counts now.
func (f *fileSecrets) compareSecrets(ctx context.Context, c *candidate) {
	for _, name := range instance.SecretNames(c.instance) {
		key := client.ObjectKey{Namespace: c.instance.GetNamespace(), Name: name}
		inFile, have := f.secrets[key]
		live := &corev1.Secret{}
		if !have || f.cluster.Get(klog.NewContext(ctx, logr.Discard()), key, live) != nil {
			continue
		}
		for name, value := range inFile.Data {
			if !bytes.Equal(live.Data[name], value) {
				c.notes = append(c.notes, fmt.Sprintf("Secret %q in the files has another value of %q than the one in the cluster, which was used here", key.Name, name))
			}
		}
	}
}

// uncheck says once that no API server checks the manifests.
func (f *fileSecrets) uncheck(why string) {
	if !f.unchecked {
		fmt.Fprintf(f.errOut, "The manifests are not checked by an API server: %s\n", why)
	}
	f.unchecked = true
}
