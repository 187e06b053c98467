// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package child runs the receiver's real binary in its own process, to measure it or to kill it.
package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
)

// startTimeout bounds the time from the start of a process until it listens.
const startTimeout = 2 * time.Minute

// Options configure a Receiver.
type Options struct {
	// Binary is the path that Build returned.
	Binary string
	// Dir is an existing folder for this receiver alone: configuration, secrets and, unless Config names other paths, store
	// and spool.
	Dir string
	// Config is the receiver's configuration. Its ports are replaced by free ports of the loopback interface.
	Config config.Config
	// Secrets are values by role, in addition to those of folder.Layout.
	Secrets map[string]string
	// Env is added to the environment of the process.
	Env []string
	// Log, if set, gets each warning and error of the log, and each line that is not a log entry.
	Log func(line string)
}

// Receiver is a receiver that runs in its own process, or has ended and can be started again.
type Receiver struct {
	probe.Client

	options Options
	file    string

	mu             sync.Mutex
	webhook, admin string // host:port of the newest process
	messages       string
	console        string
	command        *exec.Cmd
	ended          chan struct{} // closed once the process has ended and its log is read
	result         error         // of the process, once it has ended
}

// Build compiles the receiver into dir as the image has it, and returns the path of the binary. The working directory must be
// inside the module.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "receiver")

	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "github.com/wawebhook/whatsapp-webhook-operator/cmd/receiver") //nolint:gosec // dir is the caller's

	build.Env = append(os.Environ(), "CGO_ENABLED=0")

	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the receiver: %w\n%s", err, out)
	}

	return binary, nil
}

// New writes the configuration and the secrets. The process does not run before Start.
func New(o Options) (*Receiver, error) {
	files := folder.Folder(o.Dir)
	if err := files.Layout(o.Config, o.Secrets); err != nil {
		return nil, err
	}

	r := &Receiver{options: o, file: files.ConfigFile()}
	r.Client = probe.Client{URL: r.AdminURL}

	return r, nil
}

// Start runs the binary and returns once it listens. The process outlives ctx: Stop or Kill ends it.
func (r *Receiver) Start(ctx context.Context) error {
	command := exec.Command(r.options.Binary, "--config", r.file) //nolint:gosec,noctx // the binary is the caller's; as to the context, see above
	command.Env = append(os.Environ(), r.options.Env...)

	log, err := command.StderrPipe()
	if err != nil {
		return fmt.Errorf("start the receiver: %w", err)
	}

	if err := command.Start(); err != nil {
		return fmt.Errorf("start the receiver: %w", err)
	}

	ended := make(chan struct{})
	listens := make(chan struct{})

	r.mu.Lock()
	r.command = command
	r.ended = ended
	r.result = nil

	r.mu.Unlock()
	go func() {
		defer close(ended)

		r.read(log, listens)

		err := command.Wait()

		r.mu.Lock()
		defer r.mu.Unlock()

		r.result = err
	}()

	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()

	select {
	case <-listens:
		return nil
	case <-ended:
		return fmt.Errorf("receiver ended while starting: %w", r.end())
	case <-timeout.C:
		return errors.Join(fmt.Errorf("receiver did not listen within %s", startTimeout), r.Kill())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), r.Kill())
	}
}

// read follows the log to its end, and closes listens when the log gives the addresses.
func (r *Receiver) read(log io.Reader, listens chan struct{}) {
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}

		var entry struct{ Level, Event, Webhook, Admin, Messages, Console string }
		if json.Unmarshal(line, &entry) != nil || entry.Level == "ERROR" || entry.Level == "WARN" {
			if r.options.Log != nil {
				r.options.Log(string(line[:len(line)-1]))
			}
		}

		if entry.Event == logevent.ReceiverStarted {
			r.mu.Lock()
			r.webhook = entry.Webhook
			r.admin = entry.Admin
			r.messages = entry.Messages
			r.console = entry.Console
			r.mu.Unlock()
			close(listens)
		}
	}
}

// WebhookURL returns the address for deliveries to the newest process.
func (r *Receiver) WebhookURL() string {
	r.mu.Lock()
	defer r.mu.Unlock()

	return "http://" + r.webhook + "/webhooks/whatsapp"
}

// Address returns the host and port for deliveries.
func (r *Receiver) Address() string {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.webhook
}

// AdminURL returns the address of the newest process for probes, metrics and status, without a path.
func (r *Receiver) AdminURL() string {
	r.mu.Lock()
	defer r.mu.Unlock()

	return "http://" + r.admin
}

// MessagesURL returns the address of the newest process for the messages API, or nothing if it is off.
func (r *Receiver) MessagesURL() string {
	r.mu.Lock()
	defer r.mu.Unlock()

	if r.messages == "" {
		return ""
	}

	return "http://" + r.messages
}

// ConsoleURL returns the address of the newest process for the console, without a path.
func (r *Receiver) ConsoleURL() string {
	r.mu.Lock()
	defer r.mu.Unlock()

	return "http://" + r.console
}

// PID returns the id of the newest process.
func (r *Receiver) PID() int {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.command.Process.Pid
}

// Signal sends a signal, such as SIGSTOP.
func (r *Receiver) Signal(signal os.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.command.Process.Signal(signal)
}

// Kill ends the process by SIGKILL and waits for its end.
func (r *Receiver) Kill() error {
	if err := r.Signal(os.Kill); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the receiver: %w", err)
	}

	_ = r.end() // "signal: killed"

	return nil
}

// Stop asks the process to end and waits for it. An exit status other than 0 is an error. A process that outlives ctx is
// killed.
func (r *Receiver) Stop(ctx context.Context) error {
	if err := r.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the receiver: %w", err)
	}

	select {
	case <-r.exited():
		if err := r.end(); err != nil {
			return fmt.Errorf("receiver ended: %w", err)
		}

		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("receiver does not end: %w", ctx.Err()), r.Kill())
	}
}

func (r *Receiver) exited() chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.ended
}

// end waits for the end of the process and returns its result.
func (r *Receiver) end() error {
	<-r.exited()
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.result
}
