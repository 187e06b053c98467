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

// machine describes the machine and the commit of a measurement.
type machine struct {
	Commit     string `json:"commit"`
	Processor  string `json:"processor"`
	Cores      int    `json:"cores"`
	Memory     string `json:"memory"`
	Kernel     string `json:"kernel"`
	Filesystem string `json:"filesystem"` // of the folder for temporary files, which contains the stores
	Go         string `json:"go"`
	PostgreSQL string `json:"postgresql"`
}

// String returns the description of the machine without the commit.
func (m machine) String() string {
	return fmt.Sprintf(
		"%s, %d cores, %s of memory, Linux %s, %s, %s, PostgreSQL %s",
		m.Processor, m.Cores, m.Memory, m.Kernel, m.Filesystem, m.Go, m.PostgreSQL,
	)
}

// describe returns the machine and the commit of the tree.
func describe(ctx context.Context, tree string) (machine, error) {
	version, err := databaseVersion(ctx)
	if err != nil {
		return machine{}, fmt.Errorf("read the version of PostgreSQL: %w", err)
	}

	p := machine{
		Commit:     commit(ctx, tree),
		Cores:      runtime.NumCPU(),
		Memory:     unknown,
		Go:         runtime.Version(),
		PostgreSQL: version,
		Processor:  valueOf("/proc/cpuinfo", "model name", runtime.GOARCH),
		Kernel:     unknown,
		Filesystem: unknown,
	}

	total := strings.TrimSuffix(valueOf("/proc/meminfo", "MemTotal", ""), " kB")
	if kibibytes, err := strconv.Atoi(total); err == nil {
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

// valueOf returns the first value of a name in a file of "name: value" lines, or fallback.
func valueOf(file, name, fallback string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return fallback
	}

	for line := range strings.Lines(string(data)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}

	return fallback
}

// filesystemOf returns the type of a folder's file system, given the content of /proc/self/mounts.
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
		within := folder == at || strings.HasPrefix(folder, strings.TrimSuffix(at, "/")+"/")

		// Of two mounts on the same folder, the later hides the earlier.
		if within && len(at) >= longest {
			longest = len(at)
			found = fields[2]
		}
	}

	return found
}

// commit returns the commit that is checked out, and whether the tree has other changes than the benchmark's own output.
func commit(ctx context.Context, tree string) string {
	git := func(args ...string) (string, error) {
		command := exec.CommandContext(ctx, "git", args...) //nolint:gosec // the arguments are constants
		command.Dir = tree

		out, err := command.Output()

		return strings.TrimSpace(string(out)), err
	}

	name, err := git("rev-parse", "--short=10", "HEAD")
	if err != nil {
		return unknown
	}

	changed, err := git("status", "--porcelain", "--", ".", ":(exclude)"+pageFile, ":(exclude)"+pageFolder)
	if err != nil || changed != "" {
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
	version, _, _ = strings.Cut(version, " ") // the rest is the name of the package

	return version, errors.Join(err, c.Close(ctx))
}

// usage is the time that the machine's processors together were busy and idle.
type usage struct{ busy, idle time.Duration }

// processors returns the usage of the processors since the machine started.
func processors() (usage, error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return usage{}, fmt.Errorf("open /proc: %w", err)
	}

	stat, err := proc.Stat()
	if err != nil {
		return usage{}, fmt.Errorf("read the usage of the processors: %w", err)
	}

	all := stat.CPUTotal
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

	return usage{
		busy: seconds(all.User + all.Nice + all.System + all.IRQ + all.SoftIRQ + all.Steal),
		idle: seconds(all.Idle + all.Iowait),
	}, nil
}

// usageSince returns the usage since an earlier call of processors.
func usageSince(then usage) (usage, error) {
	now, err := processors()
	return usage{busy: now.busy - then.busy, idle: now.idle - then.idle}, err
}

// of returns the figure of the busy time of all programs per thing, and of the idle share of the processors.
func (u usage) of(count int, thing string) figure {
	idleShare := 100 * u.idle.Seconds() / (u.idle + u.busy).Seconds()

	return figure{
		name:     fmt.Sprintf("  processor time of the machine per %s, and its idle share", thing),
		measured: fmt.Sprintf("%s, %.0f%%", short3(u.busy/time.Duration(count)), idleShare),
	}
}
