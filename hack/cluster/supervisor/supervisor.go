// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package supervisor runs the programs of a node. It is process 1 of the node's namespaces: what it started, and what
// those started, ends with it, because the kernel sees to that.
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

// patience is what a program has to end by itself.
const patience = 20 * time.Second

// Program is what to run.
type Program struct {
	Name string   `json:"name"`
	Args []string `json:"args"` // the first is the path of the executable
	Env  []string `json:"env"`
	Log  string   `json:"log"` // the file that gets its output
}

// State says how a program is.
type State struct {
	Name    string `json:"name"`
	Running bool   `json:"running"`
	Ended   string `json:"ended"` // how it ended: "exit status 1"
}

// Supervisor owns the programs it started.
type Supervisor struct {
	mu       sync.Mutex
	programs map[string]*running
}

type running struct {
	program Program
	pid     int
	ended   chan struct{} // closed when it has
	how     string
}

// New returns a Supervisor that reaps as soon as children, the signals SIGCHLD, tell it to.
func New(children <-chan os.Signal) *Supervisor {
	s := &Supervisor{programs: map[string]*running{}}
	go func() {
		for range children {
			s.reap()
		}
	}()

	return s
}

// Start runs a program, unless one of its name runs already.
func (s *Supervisor) Start(p Program) error {
	// Reaping waits for the lock, so a program that ends at once is known by then.
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

	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("open the input of %s: %w", p.Name, err)
	}
	defer nothing.Close()

	child, err := os.StartProcess(p.Args[0], p.Args, &os.ProcAttr{
		Dir:   "/",
		Env:   p.Env,
		Files: []*os.File{nothing, log, log},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}

	s.programs[p.Name] = &running{
		program: p,
		pid:     child.Pid,
		ended:   make(chan struct{}),
	}

	return child.Release()
}

// StartAgain runs a program that was stopped, or ended, as it ran before.
func (s *Supervisor) StartAgain(name string) error {
	r, err := s.find(name)
	if err != nil {
		return err
	}

	return s.Start(r.program)
}

// Stop ends a program, by force when it takes too long, and returns when it has ended.
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
	case <-time.After(patience):
	}

	if err := s.signal(r, syscall.SIGKILL); err != nil {
		return err
	}

	<-r.ended

	return nil
}

// List returns the programs, by name.
func (s *Supervisor) List() []State {
	s.mu.Lock()
	defer s.mu.Unlock()

	states := []State{}
	for name, r := range s.programs {
		states = append(states, State{
			Name:    name,
			Running: r.runs(),
			Ended:   r.how,
		})
	}

	slices.SortFunc(states, func(a, b State) int { return strings.Compare(a.Name, b.Name) })

	return states
}

func (s *Supervisor) find(name string) (*running, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	r := s.programs[name]
	if r == nil {
		return nil, fmt.Errorf("%s was never started", name)
	}

	return r, nil
}

// signal holds the lock, so that the process is not reaped, and its number not given away, in between.
func (s *Supervisor) signal(r *running, sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	if !r.runs() {
		return nil
	}

	if err := syscall.Kill(r.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end %s: %w", r.program.Name, err)
	}

	return nil
}

// reap takes leave of every child that ended, also of those that were left to process 1 by their parents.
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
				r.how = describe(status)
				close(r.ended)
			}
		}
	}
}

func (r *running) runs() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}

	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
