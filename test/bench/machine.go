// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/procfs"

	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

const unknown = "unknown"

// place is what a figure was measured on, and what of.
type place struct {
	Commit     string `json:"commit"`
	Processor  string `json:"processor"`
	Cores      int    `json:"cores"`
	Memory     string `json:"memory"`
	Kernel     string `json:"kernel"`
	Filesystem string `json:"filesystem"` // of the folder for temporary files, where the stores are
	Go         string `json:"go"`
	PostgreSQL string `json:"postgresql"`
}

// String describes the machine.
func (p place) String() string {
	return fmt.Sprintf("%s, %d cores, %s of memory, Linux %s, %s, %s, PostgreSQL %s", p.Processor, p.Cores, p.Memory, p.Kernel, p.Filesystem, p.Go, p.PostgreSQL)
}

// describe asks the machine, and git about the tree that is measured.
func describe(ctx context.Context, tree string) (place, error) {
	version, err := databaseVersion(ctx)
	if err != nil {
		return place{}, fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}

	p := place{
		Commit:     commit(ctx, tree),
		Cores:      runtime.NumCPU(),
		Memory:     unknown,
		Go:         runtime.Version(),
		PostgreSQL: version,
		Processor:  valueOf("/proc/cpuinfo", "model name", runtime.GOARCH),
		Kernel:     unknown,
		Filesystem: unknown,
	}
	if kibibytes, err := strconv.Atoi(strings.TrimSuffix(valueOf("/proc/meminfo", "MemTotal", ""), " kB")); err == nil {
		p.Memory = fmt.Sprintf("%.0f GiB", float64(kibibytes)/(1<<20))
	}

	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		p.Kernel = strings.TrimSpace(string(release))
	}

	if mounts, err := os.ReadFile("/proc/self/mounts"); err == nil {
		p.Filesystem = filesystemOf(mounts, os.TempDir())
	}

	return p, nil
}

// valueOf returns the first value of a name in a file of "name: value" lines.
func valueOf(file, name, otherwise string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return otherwise
	}

	for line := range strings.Lines(string(data)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}

	return otherwise
}

// filesystemOf returns the type of the file system that a folder is on, from lines as in /proc/self/mounts.
func filesystemOf(mounts []byte, folder string) string {
	folder = filepath.Clean(folder)
	longest := -1

	found := unknown
	for line := range bytes.Lines(mounts) {
		fields := strings.Fields(string(line))
		if len(fields) < 3 {
			continue
		}

		at := fields[1]
		// Of two mounts on the same folder, the later one is seen.
		if within := folder == at || strings.HasPrefix(folder, strings.TrimSuffix(at, "/")+"/"); within && len(at) >= longest {
			longest = len(at)
			found = fields[2]
		}
	}

	return found
}

// commit names what is checked out, and says when there is more than that. What the benchmark itself writes does not count.
func commit(ctx context.Context, tree string) string {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", tree}, args...)...).Output() //nolint:gosec // arguments of our own
		return strings.TrimSpace(string(out)), err
	}

	name, err := git("rev-parse", "--short=10", "HEAD")
	if err != nil {
		return unknown
	}

	if changed, err := git("status", "--porcelain", "--", ".", ":(exclude)"+pageFile, ":(exclude)"+pageFolder); err != nil || changed != "" {
		name += " with changes"
	}

	return name
}

func databaseVersion(ctx context.Context) (version string, err error) {
	server, err := pgtest.Start(ctx, pgtest.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	user, err := server.NewUser()
	if err != nil {
		return "", err
	}

	c, err := pgx.Connect(ctx, user.URL)
	if err != nil {
		return "", err
	}

	err = c.QueryRow(ctx, "SHOW server_version").Scan(&version)
	version, _, _ = strings.Cut(version, " ") // the rest names the package

	return version, errors.Join(err, c.Close(ctx))
}

// usage is for how long the machine's processors together were busy, and for how long idle.
type usage struct{ busy, idle time.Duration }

// processors returns their usage since the machine started.
func processors() (usage, error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return usage{}, fmt.Errorf("ask how busy the processors are: %w", err)
	}

	stat, err := proc.Stat()
	if err != nil {
		return usage{}, fmt.Errorf("ask how busy the processors are: %w", err)
	}

	all := stat.CPUTotal
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

	return usage{busy: seconds(all.User + all.Nice + all.System + all.IRQ + all.SoftIRQ + all.Steal), idle: seconds(all.Idle + all.Iowait)}, nil
}

// usageSince returns the usage since then.
func usageSince(then usage) (usage, error) {
	now, err := processors()
	return usage{busy: now.busy - then.busy, idle: now.idle - then.idle}, err
}

// of says what each of so many things cost all programs of the machine, and what share of its processors stood idle.
func (u usage) of(count int, thing string) figure {
	return figure{
		name:     fmt.Sprintf("  processor time of the machine, a %s, and the share that stood idle", thing),
		measured: fmt.Sprintf("%s, %.0f%%", short3(u.busy/time.Duration(count)), 100*u.idle.Seconds()/(u.idle+u.busy).Seconds()),
	}
}
