// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package buildinfo returns the build information of a program.
package buildinfo

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// commit is set by the linker where the Go toolchain cannot see it, such as in a release.
var commit string

// Info is the version of a program.
type Info struct {
	Version string `json:"version"`
	// Commit is empty if it is not known.
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Read returns the information about the running program, whose version the linker has set.
func Read(version string) Info {
	return Info{
		Version:  version,
		Commit:   revision(),
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
}

// String returns all of it as one line.
func (i Info) String() string {
	if i.Commit == "" {
		return fmt.Sprintf("%s (%s, %s)", i.Version, i.Go, i.Platform)
	}

	return fmt.Sprintf("%s (commit %s, %s, %s)", i.Version, i.Commit, i.Go, i.Platform)
}

func revision() string {
	if commit != "" {
		return commit
	}

	build, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}

	found := ""
	modified := ""

	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			found = setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				modified = "-dirty"
			}
		}
	}

	if found == "" {
		return ""
	}

	return found[:min(len(found), 12)] + modified
}
