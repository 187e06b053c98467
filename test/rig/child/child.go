// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package child runs the receiver's real binary, for those who measure it and those who kill it.
package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
)

// The secrets of every receiver, unless Options say otherwise.
const (
	AccessToken   = "process-access-token"
	AppSecret     = "process-app-secret" //nolint:gosec // of nothing outside
	VerifyToken   = "process-verify-token"
	BirdAccessKey = "process-bird-access-key"
)

const (
	startTimeout = time.Minute
	askTimeout   = 10 * time.Second
	statusLimit  = 1 << 20
)

// Options say what to run.
type Options struct {
	// Binary is what Build returned.
	Binary string
	// Dir is an existing folder, for this receiver alone: its configuration, its secrets and, unless Config names other
	// places, its store and its spool.
	Dir string
	// Config is the receiver's; it listens on free ports of the loopback interface.
	Config config.Config
	// Secrets are values by role, beside those that every receiver has.
	Secrets map[string]string
	// Env is added to the environment of the process.
	Env []string
	// Log, when given, gets each line that is no information: warnings, errors, and what is no log at all.
	Log func(line string)
}

// Receiver is a receiver's process, or the place of one that is not running.
type Receiver struct {
	options Options
	file    string
	client  *http.Client

	mu             sync.Mutex
	webhook, admin string // host:port of the newest process
	command        *exec.Cmd
	ended          chan struct{} // closed when the process has ended and its log is read
	result         error         // of the process, once it has ended
}

// Build compiles the receiver into dir and returns the path of the binary. It has to be called within the module.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "receiver")

	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/wawebhook/whatsapp-webhook-operator/cmd/receiver") //nolint:gosec // dir is the caller's
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the receiver: %w\n%s", err, out)
	}

	return binary, nil
}

// New writes the configuration and the secrets. Nothing runs before Start.
func New(o Options) (*Receiver, error) {
	c := &o.Config
	c.Listen = config.Listen{
		Webhook: "127.0.0.1:0",
		Admin:   "127.0.0.1:0",
		Console: "127.0.0.1:0",
	}

	c.SecretsDir = filepath.Join(o.Dir, "secrets")
	if c.Store.Embedded == nil && c.Store.PostgreSQL == nil {
		c.Store.Embedded = &config.EmbeddedStore{Path: filepath.Join(o.Dir, "inbox.db")}
	}

	if c.Media.SpoolDir == "" {
		c.Media.SpoolDir = filepath.Join(o.Dir, "spool")
	}

	secrets := map[string]string{
		config.RoleAccessToken:   AccessToken,
		config.RoleAppSecret:     AppSecret,
		config.RoleVerifyToken:   VerifyToken,
		config.RoleBirdAccessKey: BirdAccessKey,
	}
	maps.Copy(secrets, o.Secrets)

	for role, value := range secrets {
		folder := filepath.Join(c.SecretsDir, role)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder of a secret: %w", err)
		}

		if err := os.WriteFile(filepath.Join(folder, "0"), []byte(value), 0o600); err != nil {
			return nil, fmt.Errorf("write a secret: %w", err)
		}
	}

	data, err := yaml.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}

	r := &Receiver{
		options: o,
		file:    filepath.Join(o.Dir, "receiver.yaml"),
		client:  &http.Client{Timeout: askTimeout},
	}
	if err := os.WriteFile(r.file, data, 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}

	return r, nil
}

// Start runs the binary, and returns once it listens. The process outlives ctx: it is ended by Stop or Kill.
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
		return fmt.Errorf("the receiver ended as it started: %w", r.end())
	case <-timeout.C:
		return errors.Join(fmt.Errorf("the receiver did not listen within %s", startTimeout), r.Kill())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), r.Kill())
	}
}

// read follows the log until it ends, and closes listens when it says where the receiver listens.
func (r *Receiver) read(log io.Reader, listens chan struct{}) {
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}

		var entry struct{ Level, Event, Webhook, Admin string }
		if json.Unmarshal(line, &entry) != nil || entry.Level == "ERROR" || entry.Level == "WARN" {
			if r.options.Log != nil {
				r.options.Log(string(line[:len(line)-1]))
			}
		}

		if entry.Event == logevent.ReceiverStarted {
			r.mu.Lock()
			r.webhook = entry.Webhook
			r.admin = entry.Admin
			r.mu.Unlock()
			close(listens)
		}
	}
}

// WebhookURL is where the newest process takes deliveries.
func (r *Receiver) WebhookURL() string {
	r.mu.Lock()
	defer r.mu.Unlock()

	return "http://" + r.webhook + "/webhooks/whatsapp"
}

// AdminURL is where the newest process serves probes, metrics and status, without a path.
func (r *Receiver) AdminURL() string {
	r.mu.Lock()
	defer r.mu.Unlock()

	return "http://" + r.admin
}

// PID is the id of the newest process.
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

// Kill ends the process by SIGKILL, and waits until it has ended.
func (r *Receiver) Kill() error {
	if err := r.Signal(os.Kill); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the receiver: %w", err)
	}

	_ = r.end() // "signal: killed"

	return nil
}

// Stop asks the process to end, and waits until it has. It is an error when it ends in any way but in good order, or not
// before ctx.
func (r *Receiver) Stop(ctx context.Context) error {
	if err := r.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the receiver: %w", err)
	}

	select {
	case <-r.exited():
		if err := r.end(); err != nil {
			return fmt.Errorf("the receiver ended with %w", err)
		}

		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("the receiver does not end: %w", ctx.Err()), r.Kill())
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

// Status asks the receiver what it says of itself.
func (r *Receiver) Status(ctx context.Context) (health.Report, error) {
	var status health.Report

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.AdminURL()+"/status", http.NoBody)
	if err != nil {
		return status, err
	}

	request.Close = true

	response, err := r.client.Do(request)
	if err != nil {
		return status, fmt.Errorf("ask the receiver's status: %w", err)
	}
	defer response.Body.Close()

	if response.StatusCode != http.StatusOK {
		return status, fmt.Errorf("the receiver's status is answered %s", response.Status)
	}

	if err := json.NewDecoder(io.LimitReader(response.Body, statusLimit)).Decode(&status); err != nil {
		return status, fmt.Errorf("read the receiver's status: %w", err)
	}

	return status, nil
}
