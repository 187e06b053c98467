// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// meter measures the cost of a benchmark in this process and in the database.
type meter struct {
	transactions, statements, trips atomic.Int64
	own, database                   time.Duration // CPU time at the start
}

// meteredStore returns an empty store and its meter.
func meteredStore(b *testing.B) (*Store, *meter) {
	b.Helper()
	access := newAccess(b)
	m := &meter{}
	s := openStore(b, access)

	s.database = watched(b, access, func(trip []sentStatement) {
		m.trips.Add(1)
		m.statements.Add(int64(len(trip)))

		if trip[len(trip)-1].sql == "COMMIT" {
			m.transactions.Add(1)
		}
	})
	if err := s.Ping(b.Context()); err != nil {
		b.Fatal(err)
	}

	return s, m
}

func (m *meter) begin(b *testing.B) {
	b.Helper()
	m.own = ownTime(b)

	m.database = databaseTime(b)
	for _, n := range []*atomic.Int64{&m.transactions, &m.statements, &m.trips} {
		n.Store(0)
	}

	b.ResetTimer()
}

func (m *meter) report(b *testing.B) {
	b.Helper()
	n := float64(b.N)
	b.ReportMetric(float64((ownTime(b)-m.own).Microseconds())/n, "own-µs/op")
	b.ReportMetric(float64((databaseTime(b)-m.database).Microseconds())/n, "database-µs/op")
	transactions := float64(m.transactions.Load())
	b.ReportMetric(n/transactions, "ops/transaction")
	b.ReportMetric(float64(m.statements.Load())/transactions, "statements/transaction")
	b.ReportMetric(float64(m.trips.Load())/transactions, "trips/transaction")
}

// ownTime returns the CPU time of this process.
func ownTime(b *testing.B) time.Duration {
	b.Helper()

	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}

	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// databaseTime returns the CPU time of the database processes that this process has started.
func databaseTime(b *testing.B) time.Duration {
	b.Helper()

	entries, err := os.ReadDir("/proc")
	if err != nil {
		b.Fatal(err)
	}

	parents := map[int]int{}

	ticks := map[int]int{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}

		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // the process has ended
		}
		// The name is in parentheses and may contain anything.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for i, to := range map[int]map[int]int{
			1:  parents,
			11: ticks,
			12: ticks,
		} {
			n, err := strconv.Atoi(fields[i])
			if err != nil {
				b.Fatal(err)
			}

			to[pid] += n
		}
	}

	sum := 0
	for pid := range parents {
		for of := pid; of != 0; of = parents[of] {
			if parents[of] == os.Getpid() {
				sum += ticks[pid]
				break
			}
		}
	}

	return time.Duration(sum) * 10 * time.Millisecond // USER_HZ is 100 wherever Go runs
}
