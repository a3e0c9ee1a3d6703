// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/creack/pty"
	. "github.com/onsi/gomega"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/vt"
	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// typist runs a real kubectl at a terminal.
type typist struct {
	*desk
	screen *vt.Terminal
	master *os.File
	home   string
	exit   chan error
}

// atTerminal runs kubectl greenapi on a terminal with colors, as a shell does.
func (d *desk) atTerminal(arguments ...string) *typist {
	d.t.Helper()
	return d.atTerminalWith("NO_COLOR=", arguments...)
}

// atTerminalWith has one more variable in its environment.
func (d *desk) atTerminalWith(variable string, arguments ...string) *typist {
	d.t.Helper()
	p := &typist{desk: d, screen: &vt.Terminal{}, home: d.t.TempDir(), exit: make(chan error, 1)}
	command := d.command(append(arguments, local...)...)
	command.Env = append(command.Env, "TERM=xterm-256color", variable, "HOME="+p.home, "TMPDIR="+p.home)
	master, err := pty.StartWithSize(command, &pty.Winsize{Cols: 80, Rows: 40})
	d.Expect(err).NotTo(HaveOccurred())
	p.master = master
	go func() {
		// At the end Linux answers EIO, other systems EOF.
		_, _ = io.Copy(p.screen, master)
		p.exit <- command.Wait()
	}()
	return p
}

// ends waits for the end, and returns the exit code.
func (p *typist) ends() int {
	p.t.Helper()
	var err error
	p.Eventually(p.exit, patience).Should(Receive(&err))
	p.Expect(p.master.Close()).To(Succeed())
	p.search(result{out: p.screen.All()})
	p.Expect(p.screen.CursorHidden()).To(BeFalse(), "the cursor is hidden at the end")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	p.Expect(err).NotTo(HaveOccurred())
	return 0
}

// writtenNowhere searches all files that kubectl and the plugin wrote.
func (p *typist) writtenNowhere(secret string) {
	p.t.Helper()
	p.Expect(secret).NotTo(BeEmpty())
	p.Expect(filepath.WalkDir(p.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		p.Expect(string(text)).NotTo(ContainSubstring(secret), path)
		return err
	})).To(Succeed())
}

// notAuthorized makes an instance that nobody is logged in to.
func (d *desk) notAuthorized(name string, number int) int64 {
	d.t.Helper()
	d.lookedAt(d.line(name, number, nil), "")
	id := firstID + int64(number)
	d.vendor.SetState(id, emulator.StateNotAuthorized)
	return id
}

// scans waits until a phone can read the code that the vendor has now from the screen.
func (p *typist) scans(id int64) string {
	p.t.Helper()
	var seen string
	p.Eventually(func(g Gomega) {
		seen = p.screen.Scan(true)
		g.Expect(seen).NotTo(BeEmpty())
		g.Expect(seen).To(Equal(p.vendor.QRPayload(id)))
	}, patience, 50*time.Millisecond).Should(Succeed(), p.screen.All)
	return seen
}

func TestKubectlShowsQRCodesAtATerminalAndEndsWhenTheAccountIsAuthorized(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.notAuthorized("line", 1)
	p := d.atTerminal("auth", "line")
	first := p.scans(id)
	p.Eventually(func() string { return d.vendor.QRPayload(id) }, patience).ShouldNot(Equal(first))
	second := p.scans(id)
	p.Expect(second).NotTo(Equal(first))
	d.vendor.SetState(id, emulator.StateAuthorized)
	p.Expect(p.ends()).To(Equal(exitDone))
	p.Expect(p.screen.Lines()).To(And(HavePrefix("WhatsAppInstance "+d.ns+"/line is authorized, phone 79007000001.\n"), Not(ContainSubstring("█"))))
	p.Expect(p.screen.NotUnderstood()).To(BeEmpty())
	p.writtenNowhere(first)
}

func TestCtrlCGivesTheTerminalBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.notAuthorized("line", 1)
	p := d.atTerminal("auth", "line")
	p.scans(id)
	p.Expect(p.screen.CursorHidden()).To(BeTrue())
	_, err := p.master.Write([]byte{3})
	p.Expect(err).NotTo(HaveOccurred())
	p.Expect(p.ends()).To(Equal(exitInterrupted))
	p.Expect(p.screen.Scan(true)).To(BeEmpty(), "the code is still on the screen")
	p.Expect(p.screen.Lines()).NotTo(ContainSubstring("error"))
}

func TestKubectlShowsAPairingCodeThatIsWrittenNowhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.notAuthorized("line", 1)
	p := d.atTerminal("auth", "line", "--phone", "79001234567")
	p.Eventually(func() string { return d.vendor.AuthorizationCode(id) }, patience).ShouldNot(BeEmpty())
	code := d.vendor.AuthorizationCode(id)
	p.Eventually(p.screen.Lines, patience).Should(ContainSubstring("    " + code + "\n"))
	d.vendor.SetState(id, emulator.StateAuthorized)
	p.Expect(p.ends()).To(Equal(exitDone))
	p.Expect(p.screen.Lines()).NotTo(ContainSubstring(code))
	p.writtenNowhere(code)
}

func TestWhoeverWantsNoColorsGetsACodeForTheTerminalsOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.notAuthorized("line", 1)
	p := d.atTerminalWith("NO_COLOR=1", "auth", "line")
	// A terminal gets a picture in pieces.
	p.Expect(p.scans(id)).To(HavePrefix("2@"))
	p.Eventually(p.screen.Lines, patience).Should(And(ContainSubstring("Waiting for the scan"), ContainSubstring("If it does not scan, add --invert")))
	d.vendor.SetState(id, emulator.StateAuthorized)
	p.Expect(p.ends()).To(Equal(exitDone))
	p.Expect(p.screen.All()).NotTo(ContainSubstring("\x1b"))
}
