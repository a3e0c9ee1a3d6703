// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Checkout knows where the files are that are used.
type Checkout struct {
	// Root is the root of the repository, Programs the directory of this program and its siblings.
	Root, Programs string
}

// FindCheckout looks for the repository above the working directory, and then above this program.
func FindCheckout() (Checkout, error) {
	program, err := os.Executable()
	if err != nil {
		return Checkout{}, fmt.Errorf("cannot tell where this program is: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(program); err == nil {
		program = resolved
	}
	c := Checkout{Programs: filepath.Dir(program)}
	directory, err := os.Getwd()
	if err != nil {
		return Checkout{}, fmt.Errorf("cannot tell the working directory: %w", err)
	}
	for _, start := range []string{directory, c.Programs} {
		if c.Root = above(start); c.Root != "" {
			return c, nil
		}
	}
	return Checkout{}, fmt.Errorf("config/crd/bases is neither above %s nor above %s: run it inside a checkout of the operator", directory, c.Programs)
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

// Config returns the path of a file or directory below config/.
func (c Checkout) Config(path ...string) string {
	return filepath.Join(append([]string{c.Root, "config"}, path...)...)
}

// Program returns the path of a program that was built beside this one.
func (c Checkout) Program(name string) (string, error) {
	path := filepath.Join(c.Programs, name)
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return "", fmt.Errorf("the program %q is not in %s: run `make build` first", name, c.Programs)
	}
	return path, nil
}

// FindAssets returns the absolute path of a directory that has the control plane.
func FindAssets(directory string) (string, error) {
	for _, name := range []string{NameEtcd, NameServer} {
		if info, err := os.Stat(filepath.Join(directory, name)); err != nil || info.IsDir() {
			return "", fmt.Errorf("%s is not in %s: give the directory that `make envtest` prints as --assets", name, directory)
		}
	}
	return filepath.Abs(directory)
}

// Command returns the command that runs a program which was built beside this one, in a directory, against the cluster of a
// kubeconfig. StartProcess starts it.
func (c Checkout) Command(program, directory, kubeconfig string, flags ...string) (*exec.Cmd, error) {
	path, err := c.Program(program)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, flags...) //nolint:noctx // it is stopped politely and in the right order, not killed when a context ends
	cmd.Dir = directory
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	return cmd, nil
}
