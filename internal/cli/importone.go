// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

// imported are the manifests of one instance. The Secret's is nil unless it was asked for.
type imported struct{ instance, secret []byte }

// importOne reads an instance and makes its manifest.
func (i *importer) importOne(ctx context.Context, row importRow) (imported, error) {
	if row.err != nil {
		return imported{}, row.err
	}
	// How much of an account may show is not known where there is no resource.
	target := greenapi.Target{Origin: row.origin, ID: row.id, HideNumbers: true}
	connect := i.vendor.open()
	if _, err := connect.Instance(target); err != nil {
		return imported{}, explainVendor(err, row.where.place)
	}
	secret, err := i.tokenSecret(ctx, row)
	if err != nil {
		return imported{}, err
	}
	target.Token = strings.TrimSpace(string(secret.Data[row.key]))
	if !greenapi.ValidToken(target.Token) {
		return imported{}, failf("Copy apiTokenInstance from the vendor's console into it", "%s: %s does not hold an API token", row.where.subject, i.tokenPlace(row))
	}
	settings, err := i.settingsOf(ctx, connect, target, row)
	if err != nil {
		where := row.where.place
		where.token = i.tokenPlace(row)
		return imported{}, explainVendor(err, where)
	}
	kind, err := kindFor(row, settings.Messenger())
	if err != nil {
		return imported{}, err
	}
	schema, err := schemaOf(kind)
	if err != nil {
		return imported{}, err
	}
	a := newAdoption(kind, schema, settings, target.Token)
	a.allSettings = i.allSettings
	key := a.adopt(secret, i.createSecret)
	made := imported{}
	if made.instance, err = i.manifest(row, kind, a); err != nil {
		return imported{}, err
	}
	if i.createSecret {
		if made.secret, err = secretManifest(secret); err != nil {
			return imported{}, err
		}
	}
	return made, prove(made.instance, kind, settings, string(secret.Data[key]))
}

// settingsOf reads the settings. All messengers serve their methods without a prefix; should one not, its own is tried.
func (i *importer) settingsOf(ctx context.Context, connect *greenapi.Client, target greenapi.Target, row importRow) (greenapi.Settings, error) {
	var first error
	for _, prefix := range []string{"", "/v3"} {
		if prefix != "" && row.kind != "" && row.kind != "MaxInstance" {
			break
		}
		target.Prefix = prefix
		vendor, err := connect.Instance(target)
		if err != nil {
			return nil, err
		}
		_, settings, err := i.readAll(ctx, vendor, false)
		if err == nil {
			return settings, nil
		}
		if first == nil {
			first = err
		}
		status, ok := errors.AsType[*greenapi.StatusError](err)
		if !ok || status.Cause != greenapi.CauseNotFound {
			break
		}
	}
	return nil, first
}

// tokenPlace says where the API token of an instance is from.
func (i *importer) tokenPlace(row importRow) string {
	switch {
	case !i.createSecret:
		return row.where.token
	case i.tokenFile == "-":
		return "standard input"
	case i.tokenFile != "":
		return "the file of --token-file"
	default:
		return "the environment variable " + tokenVariable
	}
}

// tokenSecret is the Secret with the API token: the one in the cluster, or the one that is to be created.
func (i *importer) tokenSecret(ctx context.Context, row importRow) (*corev1.Secret, error) {
	key := client.ObjectKey{Namespace: i.at, Name: row.secret}
	if i.createSecret {
		token, err := i.token()
		if err != nil {
			return nil, err
		}
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}, Data: map[string][]byte{row.key: []byte(token)}}, nil
	}
	secret := &corev1.Secret{}
	// client-go logs bodies of answers at high levels; this one must not be logged.
	err := i.cluster.Get(klog.NewContext(ctx, logr.Discard()), key, secret)
	subject := fmt.Sprintf("%s, Secret %s", row.where.subject, key)
	switch {
	case apierrors.IsNotFound(err):
		return nil, failf("Create it: kubectl create secret generic "+key.Name+" -n "+key.Namespace+" --from-file="+row.key+"=FILE, or use --create-secret", "%s is not there", subject)
	case err != nil:
		return nil, explain(err, subject)
	}
	if _, ok := secret.Data[row.key]; !ok {
		return nil, failf("Add it, or name another key: "+row.secret+"/KEY", "%s has no key %q", subject, row.key)
	}
	return secret, nil
}

// token is the API token for --create-secret, which is never an argument: arguments show in the list of processes.
func (i *importer) token() (string, error) {
	text := os.Getenv(tokenVariable)
	if i.tokenFile != "" {
		read, err := i.readInput(i.tokenFile)
		if err != nil {
			return "", failf("Name a file that holds the token and nothing else, or - for standard input", "--token-file: %s", err)
		}
		text = string(read)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", failf("Name a file by --token-file, or set "+tokenVariable, "There is no API token for --create-secret")
	}
	return text, nil
}

// manifest writes the instance's manifest with the comments of what was left out.
func (i *importer) manifest(row importRow, kind instance.Kind, a *adoption) ([]byte, error) {
	ref := map[string]any{"name": row.secret}
	if row.key != v1alpha1.DefaultAPITokenKey {
		ref["key"] = row.key
	}
	spec := map[string]any{"idInstance": row.id, "apiUrl": row.origin.String(), "apiTokenSecretRef": ref}
	if len(a.values) > 0 {
		spec["settings"] = a.values
	}
	if i.policy != "" {
		spec["reconcilePolicy"] = i.policy
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": kind.Name,
		"metadata": map[string]any{"namespace": i.at, "name": row.name}, "spec": spec,
	})
	return append([]byte(a.comments()), text...), err
}

// secretManifest writes the Secret's manifest.
func secretManifest(secret *corev1.Secret) ([]byte, error) {
	values := map[string]any{}
	for key, value := range secret.Data {
		values[key] = string(value)
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
		"metadata": map[string]any{"namespace": secret.Namespace, "name": secret.Name}, "stringData": values,
	})
	return append([]byte("# This holds tokens: keep it out of Git, or encrypt it.\n"), text...), err
}

// prove holds the manifest against the reading that it was made of, as the operator will: nothing may differ.
func prove(manifest []byte, kind instance.Kind, settings greenapi.Settings, webhookToken string) error {
	resource := kind.New()
	bug := "This is a mistake of kubectl greenapi: please report it. Nothing was written"
	if err := yaml.UnmarshalStrict(manifest, resource); err != nil {
		return failf(bug, "%s: the manifest that was made cannot be read", kind.Name)
	}
	desired := plan.Wishes(resource.TypedSettings())
	if desired.TokenRef != nil {
		desired.SetToken(strings.TrimSpace(webhookToken), "", "")
	}
	observed := instance.Observed(desired, settings)
	names := []string{plan.Unreadable(desired, observed)}
	for _, change := range plan.Differences(desired, observed) {
		names = append(names, change.Setting)
	}
	if differ := strings.Trim(strings.Join(names, ", "), ", "); differ != "" {
		return failf(bug, "%s: the manifest that was made would change %s", advice.Title(resource), differ)
	}
	return nil
}
