// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package child

import (
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReceiverIsStartedAskedKilledAndStopped(t *testing.T) {
	checkout.DependOn(t)

	binary, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}

	r, err := New(Options{
		Binary: binary,
		Dir:    t.TempDir(),
		Config: config.Config{
			Bird: config.Bird{BaseURL: "http://127.0.0.1:9"}, Store: config.Store{Embedded: &config.EmbeddedStore{Path: t.TempDir() + "/inbox.db"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, end := range []func() error{r.Kill, func() error { return r.Stop(t.Context()) }} {
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}

		if status, err := r.Status(t.Context()); err != nil || status.Backlog == nil || status.Pending != 0 {
			t.Errorf("status %+v, %v; want one of an empty store", status, err)
		}

		if memory, err := r.Memory(); err != nil || memory.RSS < 1<<20 || memory.Peak < memory.RSS {
			t.Errorf("memory %+v, %v", memory, err)
		}

		if _, err := r.ProcessorTime(); err != nil {
			t.Error(err)
		}

		if err := end(); err != nil {
			t.Fatal(err)
		}

		if _, err := r.Memory(); err == nil {
			t.Error("a process that ended has memory")
		}
	}
}

func TestReceiverThatCannotStartSaysWhy(t *testing.T) {
	binary, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}

	var (
		mu  sync.Mutex
		log []string
	)

	r, err := New(Options{
		Binary: binary,
		Dir:    t.TempDir(),
		Config: config.Config{},
		Log: func(line string) {
			mu.Lock()
			defer mu.Unlock()

			log = append(log, line)
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	if err := r.Start(t.Context()); err == nil {
		t.Error("a receiver without an address of Bird started")
	}

	mu.Lock()
	defer mu.Unlock()

	if said := strings.Join(log, "\n"); !strings.Contains(said, "bird.baseURL") {
		t.Errorf("it logged %q, want the invalid setting", said)
	}
}
