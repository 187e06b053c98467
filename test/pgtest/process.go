// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Programs returns the folder of the programs of the newest installed server.
func Programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}

	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}

	version := func(folder string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder))) // other names count as the oldest version
		return n
	}

	if len(found) == 0 {
		return "", errors.New("this test needs a PostgreSQL server, and none is installed: apt-get install postgresql")
	}

	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
}

// own changes the owner of the folder to a user that PostgreSQL can run as: it refuses to run as root.
func (s *Server) own() error {
	if os.Getuid() != 0 {
		return nil
	}

	for _, name := range []string{superuser, "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}

		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return err
		}

		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return err
		}

		s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}

		return os.Chown(s.folder, int(uid), int(gid))
	}

	return errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody")
}

func (s *Server) write(name string, content []byte) error {
	path := filepath.Join(s.folder, name)
	if err := os.WriteFile(path, content, 0o600); err != nil || s.owner == nil {
		return err
	}

	return os.Chown(path, int(s.owner.Uid), int(s.owner.Gid))
}

func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.programs, program), args...) //nolint:gosec // a program of the installed server
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}

	return cmd
}

// Run starts a stopped server on its port, and waits until it accepts connections.
func (s *Server) Run(ctx context.Context) error {
	_, number, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}

	args := []string{"-D", filepath.Join(s.folder, "data"), "-p", number}

	settings := []string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=128MB"}
	if s.options.Certificate != nil {
		settings = append(settings, "ssl=on", "ssl_cert_file="+filepath.Join(s.folder, "server.crt"), "ssl_key_file="+filepath.Join(s.folder, "server.key"))
	}

	for _, setting := range append(settings, s.options.Settings...) {
		args = append(args, "-c", setting)
	}

	var stderr bytes.Buffer

	s.process = s.command(context.WithoutCancel(ctx), "postgres", args...)

	s.process.Stderr = &stderr
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}

	process := s.process
	exited := make(chan struct{})

	s.exited = exited
	go func() {
		defer close(exited)

		s.status = process.Wait()
	}()

	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()

	for {
		c, err := pgx.Connect(ctx, s.url(superuser, password))
		if err == nil {
			return c.Close(ctx)
		}

		select {
		case <-retry.C:
		case <-ctx.Done():
			return fmt.Errorf("postgres does not accept connections: %w", err)
		case <-s.exited:
			s.process = nil
			return fmt.Errorf("postgres exited (%w):\n%s", s.status, stderr.String())
		}
	}
}

// Stop ends the server at once, as a crash would: committed transactions survive, others are lost.
func (s *Server) Stop() error {
	if s.process == nil {
		return nil
	}

	err := s.process.Process.Signal(syscall.SIGQUIT)
	select {
	case <-s.exited: // with a status that reports the signal
	case <-time.After(timeout):
		err = errors.Join(err, errors.New("postgres did not exit"), s.process.Process.Kill())
		<-s.exited
	}

	s.process = nil

	return err
}
