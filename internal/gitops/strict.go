// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"errors"

	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// ReadStrictly reads YAML as an API server does that takes no unknown field: a name has to be right in upper and lower case, and
// to be there once.
func ReadStrictly(text []byte, into any) error {
	text, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	found, err := json.UnmarshalStrict(text, into)
	return errors.Join(append(found, err)...)
}
