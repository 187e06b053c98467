// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
)

const (
	peersFolder = "test/bench/peers"
	// installTimeout bounds the installation of a peer. One that takes longer is left out.
	installTimeout = 5 * time.Minute
	// listenTimeout bounds the time until a server listens.
	listenTimeout = time.Minute
)

// program is a server that was installed. It gets its port, the app secret and the address of the Graph API by its
// environment.
type program struct {
	name    string // with the versions of what it is made of
	dir     string
	command []string // "PORT" in an argument is replaced
}

// installCeiling builds the server that only reads the body and checks the signature.
func installCeiling(ctx context.Context, dir string) (program, error) {
	binary := filepath.Join(dir, "ceiling")
	_, err := output(ctx, tree, "go", "build", "-o", binary, "./"+peersFolder+"/ceiling")

	return program{
		name:    "net/http, reads the body and checks the signature alone",
		command: []string{binary},
	}, err
}

// installGuide finds a Python that has FastAPI and uvicorn.
func installGuide(ctx context.Context, _ string) (program, error) {
	var errs []error

	for _, python := range []string{"python3", "/usr/bin/python3"} {
		versions, err := output(ctx, tree, python, "-c",
			"import fastapi, uvicorn; print('FastAPI', fastapi.__version__, 'and uvicorn', uvicorn.__version__)")
		if err != nil {
			errs = append(errs, err)
			continue
		}

		return program{
			name: "server as in guides, stores nothing, " + versions,
			dir:  filepath.Join(tree, peersFolder, "guide"),
			command: []string{
				python, "-B", "-m", "uvicorn", "server:app", "--port", "PORT", "--no-access-log", "--log-level", "error",
			},
		}, nil
	}

	return program{}, fmt.Errorf("no Python with FastAPI and uvicorn: %w", errors.Join(errs...))
}

// installBot installs the bot's packages from its lockfile.
func installBot(ctx context.Context, dir string) (program, error) {
	dir = filepath.Join(dir, "bot")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(tree, peersFolder, "whatsapp-api-js"))); err != nil {
		return program{}, fmt.Errorf("copy the bot: %w", err)
	}

	if _, err := output(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		return program{}, err
	}

	manifest, err := os.ReadFile(filepath.Join(dir, "node_modules", "whatsapp-api-js", "package.json"))
	if err != nil {
		return program{}, fmt.Errorf("read the version of the package: %w", err)
	}

	var installed struct{ Version string }
	if err := json.Unmarshal(manifest, &installed); err != nil {
		return program{}, fmt.Errorf("read the version of the package: %w", err)
	}

	return program{
		name:    "bot that echoes, stores nothing, whatsapp-api-js " + installed.Version,
		dir:     dir,
		command: []string{"node", "bot.js"},
	}, nil
}

// installBento builds Bento and a NATS server, by the versions of their module.
func installBento(ctx context.Context, dir string) (program, error) {
	source := filepath.Join(tree, "hack", "tools", "bento")
	dir = filepath.Join(dir, "bento")

	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		return program{}, fmt.Errorf("copy the pipeline: %w", err)
	}

	binary := filepath.Join(dir, "bento")
	if _, err := output(ctx, source, "go", "build", "-o", binary, "."); err != nil {
		return program{}, err
	}

	built, err := buildinfo.ReadFile(binary)
	if err != nil {
		return program{}, fmt.Errorf("read the versions of the modules: %w", err)
	}

	versions := map[string]string{}
	for _, module := range built.Deps {
		versions[module.Path] = module.Version
	}

	return program{
		name: fmt.Sprintf(
			"Bento %s with NATS JetStream %s, durable, processes nothing",
			versions["github.com/warpstreamlabs/bento"],
			versions["github.com/nats-io/nats-server/v2"],
		),
		dir:     dir,
		command: []string{binary, "-c", "pipeline.yaml"},
	}, nil
}

// output runs a command in a folder, and returns what it prints. The error has the last line of standard error.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...) //nolint:gosec // the commands are constants but for temporary folders
	command.Dir = dir

	printed, err := command.Output()
	if err == nil {
		return strings.TrimSpace(string(printed)), nil
	}

	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		err = errors.New(cmp.Or(lines[len(lines)-1], err.Error()))
	}

	return "", fmt.Errorf("%s: %w", filepath.Base(name), cmp.Or(ctx.Err(), err))
}

// server is a process of a program.
type server struct {
	address string // host:port
	cmd     *exec.Cmd
	printed bytes.Buffer // read after the end of the process only
	ended   chan struct{}
}

// start runs the program and returns once it listens.
func (p program) start(ctx context.Context, graphURL string, environment ...string) (*server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}

	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}

	args := make([]string, len(p.command))
	for i, arg := range p.command {
		args[i] = strings.ReplaceAll(arg, "PORT", port)
	}

	s := &server{address: address, ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the programs were just installed
	s.cmd.Dir = p.dir
	s.cmd.Stdout = &s.printed
	s.cmd.Stderr = &s.printed

	s.cmd.Env = slices.Concat(
		os.Environ(),
		[]string{
			"PORT=" + port,
			"APP_SECRET=" + folder.AppSecret,
			"GRAPH_URL=" + graphURL,
		},
		environment,
	)

	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}

	go func() { defer close(s.ended); _ = s.cmd.Wait() }()

	if err := s.awaitListening(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("%w\n%s", err, s.printed.String())
	}

	return s, nil
}

func (s *server) awaitListening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, listenTimeout)
	defer cancel()

	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
		if err == nil {
			return conn.Close()
		}

		select {
		case <-s.ended:
			return errors.New("the process ended before it listened")
		case <-ctx.Done():
			return fmt.Errorf("the process does not listen: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends the process, which stores nothing that is read again.
func (s *server) stop() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.ended
}
