// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// checkout knows where the files are that the demo uses.
type checkout struct {
	// root is the root of the repository, programs the directory of this program and its siblings.
	root, programs string
}

// findCheckout looks for the repository above the working directory, and then above this program.
func findCheckout() (checkout, error) {
	program, err := os.Executable()
	if err != nil {
		return checkout{}, fmt.Errorf("cannot tell where this program is: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(program); err == nil {
		program = resolved
	}
	c := checkout{programs: filepath.Dir(program)}
	directory, err := os.Getwd()
	if err != nil {
		return checkout{}, fmt.Errorf("cannot tell the working directory: %w", err)
	}
	for _, start := range []string{directory, c.programs} {
		if c.root = above(start); c.root != "" {
			return c, nil
		}
	}
	return checkout{}, fmt.Errorf("config/crd/bases is neither above %s nor above %s: run the demo inside a checkout of the operator", directory, c.programs)
}

// above returns the first directory from start upwards that has the configuration, "" if none has.
func above(start string) string {
	for directory := start; ; directory = filepath.Dir(directory) {
		if info, err := os.Stat(filepath.Join(directory, "config", "crd", "bases")); err == nil && info.IsDir() {
			return directory
		}
		if directory == filepath.Dir(directory) {
			return ""
		}
	}
}

// config returns the path of a file or directory below config/.
func (c checkout) config(path ...string) string {
	return filepath.Join(append([]string{c.root, "config"}, path...)...)
}

// program returns the path of a program that was built beside this one.
func (c checkout) program(name string) (string, error) {
	path := filepath.Join(c.programs, name)
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return "", fmt.Errorf("the program %q is not in %s: run `make build` first", name, c.programs)
	}
	return path, nil
}

// checkAssets tells whether a directory has the control plane.
func checkAssets(directory string) error {
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if info, err := os.Stat(filepath.Join(directory, name)); err != nil || info.IsDir() {
			return fmt.Errorf("%s is not in %s: give the directory that `make envtest` prints as --assets", name, directory)
		}
	}
	return nil
}
