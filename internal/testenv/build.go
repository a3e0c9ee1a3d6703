// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// sources are what programs are made from.
var sources = []string{"go.mod", "go.sum", "api", "cmd", "config", "controllers", "internal"}

// Programs returns the folder with programs of cmd/: the one into which `make test` has built them, or else the given one, into which
// they are built in the same way.
func Programs(folder string, programs ...string) (string, error) {
	root, err := DependOnSources()
	if err != nil {
		return "", err
	}
	if built := os.Getenv("TEST_PROGRAMS"); built != "" {
		return built, nil
	}
	arguments := []string{"build", "-C", root, "-trimpath", "-o", folder + string(filepath.Separator)}
	for _, program := range programs {
		arguments = append(arguments, "./cmd/"+program)
	}
	command := exec.CommandContext(context.Background(), "go", arguments...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build %s: %w\n%s", programs, err, output)
	}
	return folder, nil
}

// DependOnSources lets the results of the calling tests be kept only until a source of the programs changes, and returns the root of
// the module: `go test` knows of the files that a test opens itself, and of none that a program opens which it runs.
func DependOnSources() (root string, err error) {
	mod, err := exec.CommandContext(context.Background(), "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find the module: %w", err)
	}
	root = filepath.Dir(string(mod))
	for _, source := range sources {
		if err := filepath.WalkDir(filepath.Join(root, source), func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			return "", err
		}
	}
	return root, nil
}
