// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Command argocd writes the files of config/argocd that follow from the scripts in config/argocd/lua. Run it from the
// top of the repository: make manifests.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/greenapi-operator/greenapi-operator/config/argocd"
)

func main() {
	if err := write(filepath.Join("config", "argocd")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(folder string) error {
	files, err := argocd.Generate()
	if err != nil {
		return err
	}
	for path, text := range files {
		path = filepath.Join(folder, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
