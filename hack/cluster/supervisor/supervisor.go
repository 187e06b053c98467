// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package supervisor runs the programs of a node. Its process is process 1 of the node's namespaces, so the kernel ends all
// other processes with it.
package supervisor

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTimeout is the time between SIGTERM and SIGKILL.
const stopTimeout = 20 * time.Second

// Program is a program to run.
type Program struct {
	// Name identifies the program.
	Name string `json:"name"`
	// Args holds the path of the executable, and its arguments.
	Args []string `json:"args"`
	// Env is the environment.
	Env []string `json:"env"`
	// Log is the file for its output.
	Log string `json:"log"`
}

// State is the state of a program.
type State struct {
	// Name identifies the program.
	Name string `json:"name"`
	// Running reports whether it is running.
	Running bool `json:"running"`
	// Ended is how it ended, such as "exit status 1".
	Ended string `json:"ended"`
}

// Supervisor runs programs.
type Supervisor struct {
	mu       sync.Mutex
	programs map[string]*process
}

// process is a running or ended process of a program.
type process struct {
	program Program
	pid     int
	ended   chan struct{} // closed when the process has ended
	status  string
}

// New returns a Supervisor that reaps ended processes on each signal from children, which must receive SIGCHLD.
func New(children <-chan os.Signal) *Supervisor {
	s := &Supervisor{programs: map[string]*process{}}
	go func() {
		for range children {
			s.reap()
		}
	}()

	return s
}

// Start starts a program, unless one of its name is running.
func (s *Supervisor) Start(p Program) error {
	// Reaping needs the lock too, so a program that ends immediately is registered by then.
	s.mu.Lock()
	defer s.mu.Unlock()

	if r := s.programs[p.Name]; r != nil && r.runs() {
		return nil
	}

	if len(p.Args) == 0 {
		return fmt.Errorf("start %s: no executable named", p.Name)
	}

	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", p.Name, err)
	}
	defer log.Close()

	stdin, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("open the input of %s: %w", p.Name, err)
	}
	defer stdin.Close()

	child, err := os.StartProcess(p.Args[0], p.Args, &os.ProcAttr{
		Dir:   "/",
		Env:   p.Env,
		Files: []*os.File{stdin, log, log},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}

	s.programs[p.Name] = &process{
		program: p,
		pid:     child.Pid,
		ended:   make(chan struct{}),
	}

	return child.Release()
}

// Restart starts a stopped or ended program again.
func (s *Supervisor) Restart(name string) error {
	r, err := s.find(name)
	if err != nil {
		return err
	}

	return s.Start(r.program)
}

// Stop stops a program, by SIGKILL if SIGTERM takes too long, and returns when it has ended.
func (s *Supervisor) Stop(name string) error {
	r, err := s.find(name)
	if err != nil {
		return err
	}

	if err := s.signal(r, syscall.SIGTERM); err != nil {
		return err
	}

	select {
	case <-r.ended:
		return nil
	case <-time.After(stopTimeout):
	}

	if err := s.signal(r, syscall.SIGKILL); err != nil {
		return err
	}

	<-r.ended

	return nil
}

// List returns the programs, sorted by name.
func (s *Supervisor) List() []State {
	s.mu.Lock()
	defer s.mu.Unlock()

	states := []State{}
	for name, r := range s.programs {
		states = append(states, State{
			Name:    name,
			Running: r.runs(),
			Ended:   r.status,
		})
	}

	slices.SortFunc(states, func(a, b State) int { return strings.Compare(a.Name, b.Name) })

	return states
}

func (s *Supervisor) find(name string) (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	r := s.programs[name]
	if r == nil {
		return nil, fmt.Errorf("%s was never started", name)
	}

	return r, nil
}

// signal sends a signal to a running process. It holds the lock, so that the process is not reaped and its id not reused.
func (s *Supervisor) signal(r *process, sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	if !r.runs() {
		return nil
	}

	if err := syscall.Kill(r.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", r.program.Name, err)
	}

	return nil
}

// reap collects all ended children, including orphans that the kernel reparented to process 1.
func (s *Supervisor) reap() {
	s.mu.Lock()
	defer s.mu.Unlock()

	for {
		var status syscall.WaitStatus

		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}

		if err != nil || pid <= 0 {
			return
		}

		for _, r := range s.programs {
			if r.pid == pid && r.runs() {
				r.status = describe(status)
				close(r.ended)
			}
		}
	}
}

// runs reports whether the process is running.
func (p *process) runs() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// describe returns the exit status as text.
func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}

	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
