// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/supervisor"
)

const (
	asSupervisor = "SUPERVISOR_TEST_SOCKET"

	// timeout is a safety bound for busy machines.
	timeout = 2 * time.Minute
)

// TestMain also runs this program as the supervisor, because reaping all children requires its own process.
func TestMain(m *testing.M) {
	if socket := os.Getenv(asSupervisor); socket != "" {
		fmt.Fprintln(os.Stderr, serve(socket))
		os.Exit(1)
	}

	os.Exit(m.Run())
}

func serve(socket string) error {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)

	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}

	return http.Serve(listener, supervisor.Handler(supervisor.New(children)))
}

// start runs a supervisor in its own process.
func start(t *testing.T) *supervisor.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s.sock")
	process := exec.Command("/proc/self/exe")

	process.Env = append(os.Environ(), asSupervisor+"="+socket)
	process.Stderr = os.Stderr

	if err := process.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := errors.Join(process.Process.Kill(), process.Wait()); err != nil && process.ProcessState == nil {
			t.Error(err)
		}
	})

	client := supervisor.Dial(socket)
	eventually(t, func() error {
		_, err := client.List(t.Context())
		return err
	})

	return client
}

func TestPrograms(t *testing.T) {
	client := start(t)
	log := filepath.Join(t.TempDir(), "log")
	sleeper := supervisor.Program{
		Name: "sleeper",
		Args: []string{"/bin/sh", "-c", `echo "begin $WORD"; exec sleep 1000`},
		Env:  []string{"WORD=here"},
		Log:  log,
	}
	want := func(states ...supervisor.State) func() error {
		return func() error {
			got, err := client.List(t.Context())
			if err == nil && !cmp.Equal(states, got) {
				err = errors.New(cmp.Diff(states, got))
			}

			return err
		}
	}

	for range 2 { // the second call has no effect
		if err := client.Start(t.Context(), sleeper); err != nil {
			t.Fatal(err)
		}
	}

	t.Cleanup(func() {
		if err := client.Stop(context.WithoutCancel(t.Context()), "sleeper"); err != nil {
			t.Error(err)
		}
	})
	eventually(t, want(supervisor.State{Name: "sleeper", Running: true}))
	eventually(t, lines(log, "begin here"))

	if err := client.Stop(t.Context(), "sleeper"); err != nil {
		t.Fatal(err)
	}

	stopped := supervisor.State{Name: "sleeper", Ended: "signal: terminated"}
	eventually(t, want(stopped))

	if err := client.Restart(t.Context(), "sleeper"); err != nil {
		t.Fatal(err)
	}

	eventually(t, want(supervisor.State{Name: "sleeper", Running: true}))
	eventually(t, lines(log, "begin here", "begin here"))

	failing := supervisor.Program{
		Name: "failing",
		Args: []string{"/bin/sh", "-c", "exit 3"},
		Log:  log,
	}
	if err := client.Start(t.Context(), failing); err != nil {
		t.Fatal(err)
	}

	eventually(t, want(supervisor.State{Name: "failing", Ended: "exit status 3"}, supervisor.State{Name: "sleeper", Running: true}))
}

func TestErrors(t *testing.T) {
	client := start(t)

	log := filepath.Join(t.TempDir(), "log")
	for name, test := range map[string]struct {
		do   func(context.Context) error
		want string
	}{
		"no such file": {func(ctx context.Context) error {
			return client.Start(ctx, supervisor.Program{
				Name: "a",
				Args: []string{"/no/such"},
				Log:  log,
			})
		}, "start a: fork/exec /no/such: no such file or directory"},
		"no executable": {func(ctx context.Context) error {
			return client.Start(ctx, supervisor.Program{Name: "a", Log: log})
		}, "start a: no executable named"},
		"stop unknown":  {func(ctx context.Context) error { return client.Stop(ctx, "b") }, "b was never started"},
		"start unknown": {func(ctx context.Context) error { return client.Restart(ctx, "b") }, "b was never started"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := test.do(t.Context()); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// lines returns a check that the file consists of the lines.
func lines(file string, want ...string) func() error {
	return func() error {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()

		text, err := io.ReadAll(f)
		if err != nil {
			return err
		}

		if diff := cmp.Diff(strings.Join(want, "\n")+"\n", string(text)); diff != "" {
			return errors.New(diff)
		}

		return nil
	}
}

// eventually calls check until it returns no error.
func eventually(t *testing.T, check func() error) {
	t.Helper()

	deadline := time.After(timeout)

	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()

	for {
		err := check()
		if err == nil {
			return
		}

		select {
		case <-deadline:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}
