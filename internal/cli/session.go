// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// session is what all verbs share: where to read and write, and the cluster that kubectl's own flags name.
type session struct {
	genericiooptions.IOStreams
	flags *genericclioptions.ConfigFlags
	clock clock.Clock
}

// scheme knows the operator's resources and Kubernetes' own.
var scheme = newScheme()

func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err) // types that are compiled in always register
		}
	}
	return s
}

// client connects to the cluster. Nothing is called yet.
func (s *session) client() (client.WithWatch, error) {
	config, err := s.flags.ToRESTConfig()
	if err != nil {
		return nil, noCluster(err, "There is no cluster to talk to", "Set KUBECONFIG, or name a file by --kubeconfig")
	}
	// A person waits for each call; the API server's own fairness protects it.
	config.QPS = -1
	config.UserAgent = userAgent()
	cluster, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, explain(err, "The cluster")
	}
	return signed{client.WithFieldOwner(cluster, fieldOwner), cluster}, nil
}

// fieldOwner is the field manager of all that the plugin writes. It must not begin with kubectl, as the user agent does:
// Flux takes over fields of such managers at its next reconcile, and so removes what its manifests do not have.
const fieldOwner = "greenapi-cli"

// signed is a client whose every write has the plugin's field manager.
type signed struct {
	client.Client
	watcher client.WithWatch
}

// Watch is part of client.WithWatch.
func (s signed) Watch(ctx context.Context, list client.ObjectList, options ...client.ListOption) (watch.Interface, error) {
	return s.watcher.Watch(ctx, list, options...)
}

// namespace is the one that --namespace or the kubeconfig names.
func (s *session) namespace() (string, error) {
	namespace, _, err := s.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", noCluster(err, "The kubeconfig cannot be read", "Correct the kubeconfig, or name another one by --kubeconfig")
	}
	return namespace, nil
}

// unknownEntry is what client-go says where --context, --cluster or --user name what the kubeconfig does not have.
var unknownEntry = regexp.MustCompile(`(context|cluster|auth info) "([^"]*)" does not exist|(context) was not found for specified context: (.*)`)

// noCluster words why a kubeconfig leads to no cluster.
func noCluster(err error, what, next string) error {
	entry := unknownEntry.FindStringSubmatch(err.Error())
	if entry == nil {
		return failf(next, "%s: %s", what, err)
	}
	kind, name := entry[1]+entry[3], entry[2]+entry[4]
	list := map[string]string{"context": "kubectl config get-contexts", "cluster": "kubectl config get-clusters", "auth info": "kubectl config get-users"}[kind]
	return failf("List what it has: "+list, "The kubeconfig has no %s %q", strings.Replace(kind, "auth info", "user", 1), name)
}
