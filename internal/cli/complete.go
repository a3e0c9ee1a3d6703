// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// completionTime is how long a person who pressed Tab waits at most.
const completionTime = 3 * time.Second

// completeNames offers the names of instances, of all kinds: only their metadata is read. Whatever goes wrong, nothing is
// offered, and nothing is printed into the line that is being typed.
func (s *session) completeNames(command *cobra.Command, taken []string, begun string) ([]string, cobra.ShellCompDirective) {
	cluster, err := s.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	namespace, err := s.namespace()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, kind := range instance.Kinds {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind.Name + "List"))
		timeout := int64(completionTime / time.Second)
		if cluster.List(command.Context(), list, client.InNamespace(namespace), &client.ListOptions{Raw: &metav1.ListOptions{TimeoutSeconds: &timeout}}) != nil {
			continue
		}
		for _, item := range list.Items {
			if strings.HasPrefix(item.Name, begun) && !slices.Contains(taken, item.Name) {
				names = append(names, item.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

// completePapers offers names as completeNames does, and those of claims and accounts behind claim/, gic/, account/ and so on.
func (s *session) completePapers(command *cobra.Command, taken []string, begun string) ([]string, cobra.ShellCompDirective) {
	word, _, slash := strings.Cut(begun, "/")
	kind := paperKindCalled(word)
	cluster, err := s.client()
	if !slash || kind == nil || err != nil {
		return s.completeNames(command, taken, begun)
	}
	found, err := s.findPapers(command.Context(), cluster, kind, nil, selection{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, one := range found {
		if name := word + "/" + one.GetName(); strings.HasPrefix(name, begun) && !slices.Contains(taken, name) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFlags offers the values of kubectl's own flags that name something.
func (s *session) completeFlags(root *cobra.Command) {
	offer := func(flag string, values func(*cobra.Command) []string) {
		_ = root.RegisterFlagCompletionFunc(flag, func(command *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
			fitting := slices.DeleteFunc(values(command), func(value string) bool { return !strings.HasPrefix(value, begun) })
			slices.Sort(fitting)
			return fitting, cobra.ShellCompDirectiveNoFileComp
		})
	}
	offer("namespace", func(command *cobra.Command) []string {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
		if cluster, err := s.client(); err != nil || cluster.List(command.Context(), list) != nil {
			return nil
		}
		var names []string
		for _, item := range list.Items {
			names = append(names, item.Name)
		}
		return names
	})
	offer("context", func(*cobra.Command) []string {
		config, err := s.flags.ToRawKubeConfigLoader().RawConfig()
		if err != nil {
			return nil
		}
		return slices.Collect(maps.Keys(config.Contexts))
	})
}
