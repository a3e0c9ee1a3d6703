// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	kubernetesModule = "k8s.io/kubernetes"
	etcdModule       = "go.etcd.io/etcd/server/v3"
)

// versions are the pinned versions, such as v1.37.1. They are written down in
// go.mod only.
type versions struct {
	kubernetes string
	etcd       string
}

// minor is the minor release of Kubernetes, such as 1.37.
func (v versions) minor() string {
	major, minor := v.parts()
	return major + "." + minor
}

func (v versions) parts() (major, minor string) {
	parts := strings.SplitN(strings.TrimPrefix(v.kubernetes, "v"), ".", 3)
	return parts[0], parts[1]
}

// readVersions reads the pinned versions from the go.mod of the module. Asking
// the go command would be sounder, but takes a second of each call, because it
// loads the module graph of all of Kubernetes.
func readVersions(module string) (versions, error) {
	path := filepath.Join(module, "go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		return versions{}, err
	}
	found := map[string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		// A replacement has an arrow where a requirement has its version.
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			found[fields[0]] = fields[1]
		}
	}
	v := versions{kubernetes: found[kubernetesModule], etcd: found[etcdModule]}
	if strings.Count(v.kubernetes, ".") < 2 || v.etcd == "" {
		return versions{}, fmt.Errorf("%s does not require both %s and %s", path, kubernetesModule, etcdModule)
	}
	return v, nil
}
