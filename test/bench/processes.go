// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// spending is the processor time of this process and its children so far, by program. Unlike usage it does not count what
// else runs on the machine.
type spending map[string]time.Duration

// The programs of a spending. This process is the plain client.
const (
	spentByAPIServer = "kube-apiserver"
	spentByEtcd      = "etcd"
	spentByManager   = "manager"
	spentBySelf      = "self"
)

func spendings() (spending, error) {
	processes, err := procfs.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}

	spent := spending{}
	for _, process := range processes {
		stat, err := process.Stat()
		if err != nil {
			continue // it has ended
		}

		took := time.Duration(stat.CPUTime() * float64(time.Second))

		switch {
		case process.PID == os.Getpid():
			spent[spentBySelf] += took
		case stat.PPID == os.Getpid():
			spent[stat.Comm] += took
		}
	}

	return spent, nil
}

func (s spending) since(before spending) spending {
	after := spending{}
	for program, took := range s {
		after[program] = took - before[program]
	}

	return after
}

func (s spending) plus(other spending) spending {
	sum := maps.Clone(other)
	for program, took := range s {
		sum[program] += took
	}

	return sum
}

// of returns the figure of the processor time per resource, of the programs together and each.
func (s spending) of(count int, programs ...string) figure {
	var total time.Duration

	parts := make([]string, 0, len(programs))

	for _, program := range programs {
		each := s[program] / time.Duration(count)
		total += each
		parts = append(parts, short3(each))
	}

	return figure{
		name:     "  processor time per resource: " + strings.Join(programs, ", "),
		measured: short3(total) + ": " + strings.Join(parts, ", "),
	}
}
