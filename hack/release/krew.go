// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"strings"
	"text/template"
)

//go:embed greenapi.yaml.tmpl
var manifestTemplate string

// krewPlatform is one archive in the manifest.
type krewPlatform struct{ OS, Arch, Archive, Sum, Binary string }

// krewManifest is the manifest by which krew installs the archives with these checksums.
func krewManifest(version string, platforms []string, sums map[string]string) ([]byte, error) {
	var list []krewPlatform
	for _, platform := range platforms {
		goos, arch, _ := strings.Cut(platform, "/")
		name := archiveName(version, platform)
		list = append(list, krewPlatform{OS: goos, Arch: arch, Archive: name, Sum: sums[name], Binary: pluginName(platform)})
	}
	parsed, err := template.New("greenapi.yaml").Option("missingkey=error").Parse(manifestTemplate)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = parsed.Execute(&text, struct {
		Version   string
		Platforms []krewPlatform
	}{version, list})
	return text.Bytes(), err
}
