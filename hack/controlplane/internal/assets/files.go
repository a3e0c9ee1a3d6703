// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// temporary marks names that are not complete yet. The lock sees to it that
// nobody else writes in the directory, so a fixed name is enough, and what an
// interrupted call left is found again.
const temporary = ".incomplete"

// presetFromEnvironment is the directory that the caller already has.
func presetFromEnvironment() string { return os.Getenv("KUBEBUILDER_ASSETS") }

// FindRoot returns the checkout that the working directory is in.
func FindRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "hack", "controlplane", "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is in no checkout of this project (no hack/controlplane/go.mod above it)", start)
		}
	}
}

// missing returns the binaries that dir does not have as executable files.
func missing(dir string) []string {
	var rest []string
	for _, name := range binaries {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
			rest = append(rest, name)
		}
	}
	return rest
}

// place has write make the file dir/name under a temporary name, and renames it
// when write succeeded. So whatever interrupts the work, a file under its final
// name is complete.
func place(dir, name string, write func(path string) error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	unfinished := path + temporary
	if err := write(unfinished); err != nil {
		return errors.Join(err, removeIfThere(unfinished))
	}
	if err := os.Chmod(unfinished, 0o755); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}

// removeLeftovers removes what interrupted calls left in dir.
func removeLeftovers(dir string) error {
	for _, name := range binaries {
		if err := removeIfThere(filepath.Join(dir, name+temporary)); err != nil {
			return err
		}
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// copyFile copies the contents of a file. The caller sets the mode.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	// A full disk may show only when the file is closed.
	defer func() { err = errors.Join(err, target.Close()) }()
	_, err = io.Copy(target, source)
	return err
}
