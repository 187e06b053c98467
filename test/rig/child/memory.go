// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package child

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times in /proc, see proc(5); Linux has it at 100 per second on every platform that Go runs on.
const clockTick = 10 * time.Millisecond

// Memory is what a process holds of the machine's, in bytes.
type Memory struct {
	RSS  int64
	Peak int64 // the highest RSS so far
}

// Memory of the running process, as Linux counts it.
func (r *Receiver) Memory() (Memory, error) {
	var m Memory

	file, err := os.Open(fmt.Sprintf("/proc/%d/status", r.PID()))
	if err != nil {
		return m, fmt.Errorf("read the receiver's memory: %w", err)
	}
	defer file.Close()

	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")

		into := map[string]*int64{"VmRSS": &m.RSS, "VmHWM": &m.Peak}[name]
		if into == nil {
			continue
		}

		kibibytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("read the receiver's memory: %s is %q", name, value)
		}

		*into = kibibytes << 10
	}

	if err := lines.Err(); err != nil {
		return m, fmt.Errorf("read the receiver's memory: %w", err)
	}

	if m.RSS == 0 {
		return m, errors.New("read the receiver's memory: the process has ended")
	}

	return m, nil
}

// ProcessorTime is what the running process has used of the processors so far.
func (r *Receiver) ProcessorTime() (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.PID()))
	if err != nil {
		return 0, fmt.Errorf("read the receiver's processor time: %w", err)
	}
	// The name, in parentheses, may have spaces; utime and stime are the 14th and 15th field of the line.
	_, rest, _ := strings.Cut(string(data), ") ")

	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("read the receiver's processor time: %q", data)
	}

	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the receiver's processor time: %w", err)
		}

		ticks += n
	}

	return time.Duration(ticks) * clockTick, nil
}
