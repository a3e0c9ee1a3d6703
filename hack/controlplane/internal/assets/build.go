// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/command"
	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/progress"
)

// A target is one binary and how it is built.
type target struct {
	name    string
	pkg     string
	ldflags string
	usual   string // how long a first build takes on two cores, such as 5m
}

// A builder compiles the binaries from the Go modules that go.mod pins.
type builder struct {
	module   string
	versions versions
	meter    *progress.Meter
}

func (b builder) targets() []target {
	major, minor := b.versions.parts()
	// Without these kube-apiserver calls itself v0.0.0-master+$Format:%H$, which
	// clients do not parse. Kubernetes' own build sets the same variables in
	// client-go too, where they end up in the user agent only.
	var stamp strings.Builder
	for _, variable := range [][2]string{
		{"gitVersion", b.versions.kubernetes},
		{"gitMajor", major},
		{"gitMinor", minor},
		{"gitTreeState", "archive"},
	} {
		for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
			fmt.Fprintf(&stamp, " -X %s.%s=%s", pkg, variable[0], variable[1])
		}
	}
	return []target{
		{name: "etcd", pkg: etcdModule, ldflags: "-s -w", usual: "1m"},
		{
			name: "kube-apiserver", pkg: kubernetesModule + "/cmd/kube-apiserver",
			ldflags: "-s -w" + stamp.String(), usual: "5m",
		},
	}
}

func (b builder) get(ctx context.Context, dir string) error {
	started := time.Now()
	b.meter.Say("building etcd %s and kube-apiserver %s from Go modules;",
		b.versions.etcd, b.versions.kubernetes)
	b.meter.Say("the first time this usually takes 6 minutes on two cores, later seconds")
	rest := missing(dir)
	for _, t := range b.targets() {
		for _, name := range rest {
			if name != t.name {
				continue
			}
			if err := place(dir, t.name, func(path string) error { return b.build(ctx, t, path) }); err != nil {
				return err
			}
		}
	}
	b.meter.Say("built in %s", progress.Elapsed(time.Since(started)))
	return nil
}

// build compiles one binary into path.
func (b builder) build(ctx context.Context, t target, path string) error {
	state := buildState{pkg: t.pkg, usual: t.usual}
	// The list tells how much there is to do. It also downloads the modules,
	// which the compilation would otherwise do without a word.
	packages, err := b.run(ctx, t.name+": modules", &state, "list", "-deps", "-f", "{{.ImportPath}}", t.pkg)
	if err != nil {
		return err
	}
	state.expect(strings.Count(packages, "\n"))
	started := time.Now()
	b.meter.Say("%s: compiling", t.name)
	// The flag -v makes the go command name each package that it compiles, which
	// is all that can be known about its progress.
	_, err = b.run(ctx, t.name, &state,
		"build", "-v", "-trimpath", "-ldflags", t.ldflags, "-o", path, t.pkg)
	if err != nil {
		return err
	}
	b.meter.Say("%s: done in %s", t.name, progress.Elapsed(time.Since(started)))
	return nil
}

func (b builder) run(ctx context.Context, title string, state *buildState, args ...string) (string, error) {
	var output string
	verb, rest := args[0], args[1:]
	err := b.meter.Run(title, state.String, func() (err error) {
		output, err = command.Command{
			Dir: b.module,
			// The result depends on go.mod only: on no workspace and on no C compiler.
			Env:    []string{"CGO_ENABLED=0", "GOWORK=off"},
			Args:   append([]string{"go", verb, "-mod=readonly", "-buildvcs=false"}, rest...),
			OnLine: state.line,
		}.Run(ctx)
		return err
	})
	return output, err
}

// A buildState is how far a build is, gathered from what the go command says.
type buildState struct {
	mu         sync.Mutex
	pkg        string // the main package
	usual      string // how long the build usually takes
	total      int    // packages, zero while they are being listed
	downloaded int
	compiled   int
	linking    bool
}

func (s *buildState) expect(total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total = total
}

func (s *buildState) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasPrefix(text, "go: downloading "):
		s.downloaded++
	case text == s.pkg:
		// The main package comes last; what remains is linking.
		s.linking = true
	case !strings.Contains(text, " "):
		s.compiled++
	}
}

// String describes the progress. The total is an upper bound, because packages
// from the build cache are not named.
func (s *buildState) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.linking:
		return fmt.Sprintf("usually %s; linking", s.usual)
	case s.total > 0:
		return fmt.Sprintf("usually %s; %d of up to %d packages", s.usual, s.compiled, s.total)
	default:
		return fmt.Sprintf("usually up to 1m; %d downloaded", s.downloaded)
	}
}
