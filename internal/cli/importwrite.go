// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"
)

// Modes of files: whoever may look at manifests need not see tokens.
const (
	manifestMode os.FileMode = 0o644
	secretMode   os.FileMode = 0o600
)

// write puts the manifests of an instance into the folder, or on standard output.
func (i *importer) write(row importRow, made imported) error {
	if i.folder == "" {
		return i.print(made)
	}
	names := []string{filepath.Join(i.folder, row.name+".yaml"), filepath.Join(i.folder, row.name+"-secret.yaml")}
	// Claims are in a folder for each namespace.
	if err := os.MkdirAll(filepath.Dir(names[0]), 0o755); err != nil {
		return failf("Name a folder that can be made by -o", "%s: %s", row.where.subject, err)
	}
	for at, text := range [][]byte{made.instance, made.secret} {
		if _, err := os.Lstat(names[at]); err == nil && text != nil && !i.overwrite {
			return failf("Move it away, choose another "+row.where.name+" or -o, or replace it by --overwrite", "%s: %s is there already", row.where.subject, names[at])
		}
	}
	// The Secret comes first: a manifest without it would be of no use.
	for _, file := range []struct {
		name string
		text []byte
		mode os.FileMode
	}{{names[1], made.secret, secretMode}, {names[0], made.instance, manifestMode}} {
		if file.text == nil {
			continue
		}
		if err := replace(file.name, file.text, file.mode); err != nil {
			return failf("See whether the folder can be written and the disk has room", "%s: %s cannot be written: %s", row.where.subject, file.name, err)
		}
		fmt.Fprintln(i.Out, file.name)
	}
	if made.secret != nil {
		fmt.Fprintf(i.ErrOut, "warning: %s holds tokens: keep it out of Git, or encrypt it\n", names[1])
	}
	return nil
}

// print puts the manifests of an instance on standard output.
func (i *importer) print(made imported) error {
	for _, text := range [][]byte{made.secret, made.instance} {
		if text == nil {
			continue
		}
		if i.printed {
			fmt.Fprintln(i.Out, "---")
		}
		i.printed = true
		if _, err := i.Out.Write(text); err != nil {
			return failf("Look after what reads it, or write into a folder by -o", "The manifest cannot be written: %s", err)
		}
	}
	if made.secret != nil {
		fmt.Fprintln(i.ErrOut, "warning: the output holds tokens: keep it out of Git, or encrypt it")
	}
	return nil
}

// replace writes a file as a whole or not at all: a reader never sees half of it, nor a token before the mode is set.
func replace(name string, text []byte, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(name), ".import-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(text)
	if err == nil {
		err = file.Chmod(mode)
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// progress shows how far many imports are, to a person.
type progress struct{ bar *progressbar.ProgressBar }

// newProgress begins a bar on standard error, if that is a terminal and what is printed there does not disturb it.
func newProgress(s *session, quiet bool, n int) progress {
	onTerminal := terminalOf(s.ErrOut).width > 0 && (quiet || terminalOf(s.Out).width == 0)
	return progressOn(s.ErrOut, onTerminal && n > 1, n, "Importing")
}

func progressOn(w io.Writer, visible bool, n int, doing string) progress {
	if !visible {
		return progress{}
	}
	return progress{progressbar.NewOptions(n, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(doing),
		progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(true))}
}

func (p progress) step() {
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

func (p progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
