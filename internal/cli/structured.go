// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"io"

	"sigs.k8s.io/yaml"
)

// How far JSON is indented: by two spaces where it always was, else by four as kubectl does.
const indentTwo, indentFour = "  ", "    "

// isStructured reports whether -o asks for what printStructured prints, or for nothing.
func isStructured(output string) bool { return output == "" || output == "json" || output == "yaml" }

// structured checks -o of a verb that prints a structure of its own.
func structured(output string) error {
	if !isStructured(output) {
		return failf("Write -o json or -o yaml", "--output %q is not known", output)
	}
	return nil
}

// printStructured prints a value as JSON or YAML. Every structure of the plugin's own is printed by it.
func printStructured(w io.Writer, output, indent string, value any) error {
	text, err := json.MarshalIndent(value, "", indent)
	if err != nil {
		return err
	}
	if output == "yaml" {
		if text, err = yaml.JSONToYAML(text); err != nil {
			return err
		}
	} else {
		text = append(text, '\n')
	}
	_, err = w.Write(text)
	return err
}
