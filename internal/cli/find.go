// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// selection says which resources a verb is about: names, or all of a namespace or of all namespaces, perhaps by labels.
type selection struct {
	allNamespaces bool
	labels        string
}

// bind adds kubectl's flags for many resources.
func (s *selection) bind(command *cobra.Command) {
	command.Flags().BoolVarP(&s.allNamespaces, "all-namespaces", "A", false, "Take the instances of all namespaces")
	command.Flags().StringVarP(&s.labels, "selector", "l", "", "Take only instances with these labels, such as team=shop")
}

// shortName is what kubectl users call the kind of a resource.
func shortName(resource v1alpha1.Instance) string { return instance.KindOf(resource).ShortName }

// findOne returns the resource that an argument names: NAME, or KIND/NAME where several kinds have one of that name.
func (s *session) findOne(ctx context.Context, cluster client.Reader, argument string) (v1alpha1.Instance, error) {
	namespace, err := s.namespace()
	if err != nil {
		return nil, err
	}
	kinds, name := instance.Kinds, argument
	if kind, rest, ok := strings.Cut(argument, "/"); ok {
		called, known := instance.KindCalled(kind)
		if paper := paperKindCalled(kind); paper != nil {
			return nil, failf("Write kubectl greenapi status "+argument+", or events; what else can be done with it is on the page of "+paper.name, "%q is of kind %s and no instance", argument, paper.name)
		}
		if !known || rest == "" {
			return nil, failf("Write NAME, or KIND/NAME with wai, maxi or tgi as KIND", "%q names no instance", argument)
		}
		kinds, name = []instance.Kind{called}, rest
	}
	var found []v1alpha1.Instance
	for _, kind := range kinds {
		resource := kind.New()
		err := cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, resource)
		switch {
		case err == nil:
			found = append(found, resource)
		case !apierrors.IsNotFound(err):
			return nil, explain(err, kind.Name+" "+namespace+"/"+name)
		}
	}
	switch len(found) {
	case 0:
		return nil, failf("List what there is: kubectl get greenapi -A", "There is no instance %s in namespace %s", argument, namespace)
	case 1:
		return found[0], nil
	default:
		return nil, failf("Write wai/"+name+", maxi/"+name+" or tgi/"+name, "Several instances in namespace %s are called %s", namespace, name)
	}
}

// nameOfOne is the rule of verbs that are about one instance: exactly one argument.
func nameOfOne(command *cobra.Command, names []string) error {
	if len(names) == 2 && isKind(names[0]) {
		return failf("Write "+command.CommandPath()+" "+names[0]+"/"+names[1], "%s is about one instance, which is written as one word", command.Name())
	}
	if len(names) != 1 || names[0] == "" {
		return failf("Write "+command.CommandPath()+" NAME; kubectl get greenapi lists the names", "%s is about one instance, and %d names were given", command.Name(), len(names))
	}
	return nil
}

// find returns the resources that arguments name, or without arguments those of the selection, sorted by namespace, name
// and kind.
func (s *session) find(ctx context.Context, cluster client.Reader, arguments []string, by selection) ([]v1alpha1.Instance, error) {
	if arguments = ofKind(arguments); len(arguments) > 0 {
		if by.allNamespaces || by.labels != "" {
			return nil, failf("Give names, or choose by -A and -l", "Names go with neither --all-namespaces nor --selector")
		}
		var found []v1alpha1.Instance
		for _, argument := range arguments {
			instance, err := s.findOne(ctx, cluster, argument)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(found, func(other v1alpha1.Instance) bool { return other.GetUID() == instance.GetUID() }) {
				found = append(found, instance)
			}
		}
		return found, nil
	}
	selector, err := labels.Parse(by.labels)
	if err != nil {
		return nil, failf("Write it as for kubectl get, such as -l team=shop", "--selector %q cannot be read: %s", by.labels, err)
	}
	options := []client.ListOption{client.MatchingLabelsSelector{Selector: selector}}
	if !by.allNamespaces {
		namespace, err := s.namespace()
		if err != nil {
			return nil, err
		}
		options = append(options, client.InNamespace(namespace))
	}
	var found []v1alpha1.Instance
	for _, kind := range instance.Kinds {
		if found, err = appendAll(ctx, cluster, found, kind, options); err != nil {
			return nil, explain(err, "The list of "+kind.Name)
		}
	}
	slices.SortStableFunc(found, func(a, b v1alpha1.Instance) int {
		return strings.Compare(a.GetNamespace()+"/"+a.GetName(), b.GetNamespace()+"/"+b.GetName())
	})
	return found, nil
}

// isKind reports whether a word is the name of a kind.
func isKind(word string) bool {
	_, known := instance.KindCalled(word)
	return known
}

// ofKind reads KIND NAME... as kubectl get does, and makes it KIND/NAME...
func ofKind(arguments []string) []string {
	if len(arguments) < 2 || !isKind(arguments[0]) || strings.Contains(strings.Join(arguments, ""), "/") {
		return arguments
	}
	var names []string
	for _, name := range arguments[1:] {
		names = append(names, arguments[0]+"/"+name)
	}
	return names
}

// chunk is how many resources are read at once, as kubectl does.
const chunk = 500

// appendAll lists the resources of a kind, in chunks.
func appendAll(ctx context.Context, cluster client.Reader, found []v1alpha1.Instance, kind instance.Kind, options []client.ListOption) ([]v1alpha1.Instance, error) {
	start, next := len(found), ""
	for {
		list := kind.NewList()
		err := cluster.List(ctx, list, append(slices.Clone(options), client.Limit(chunk), client.Continue(next))...)
		if apierrors.IsResourceExpired(err) && next != "" {
			// The list took so long that its snapshot is gone: begin anew.
			found, next = found[:start], ""
			continue
		}
		if err != nil {
			return nil, err
		}
		instance.Each(list, func(resource v1alpha1.Instance) { found = append(found, resource) })
		if next = list.GetContinue(); next == "" {
			return found, nil
		}
	}
}

// splitArgument parts KIND/NAME; kind is "" where there is NAME only.
func splitArgument(argument string) (kind, name string) {
	if kind, name, ok := strings.Cut(argument, "/"); ok {
		return kind, name
	}
	return "", argument
}
