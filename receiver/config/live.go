// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// checkEvery is how often file and secrets are looked at. Reading a handful of small files twice a second costs nothing
// to speak of, and unlike a file watch it cannot miss a swap of symbolic links or run into the node's limit of watches.
const checkEvery = 500 * time.Millisecond

// Snapshot is one consistent state of configuration and secrets. It is never changed.
type Snapshot struct {
	Config
	Secrets Secrets
	// Problem says why the newest file or folder is not in use, with the one before still in force; empty when it is.
	Problem string
}

// Live holds the newest snapshot.
type Live struct {
	path    string
	clock   clockwork.Clock
	log     *slog.Logger
	current atomic.Pointer[Snapshot]
	mu      sync.Mutex // one reload at a time
	doubt   bool       // the last look missed a secret that was there before
}

// Open reads the file at path and the secrets it names. A bad file is an error; missing secrets are not.
func Open(path string, clock clockwork.Clock, log *slog.Logger) (*Live, error) {
	c, err := Load(path)
	if err != nil {
		return nil, err
	}

	secrets, err := ReadSecrets(c.SecretsDir)
	if err != nil {
		return nil, err
	}

	l := &Live{
		path:  path,
		clock: clock,
		log:   log,
	}
	l.current.Store(&Snapshot{Config: c, Secrets: secrets})

	return l, nil
}

// Fixed is a Live that never changes, for parts run by themselves.
func Fixed(c Config, secrets Secrets) *Live {
	l := &Live{}
	l.current.Store(&Snapshot{Config: c.WithDefaults(), Secrets: secrets})

	return l
}

// Current returns the snapshot in force. Callers take it once for each piece of work.
func (l *Live) Current() *Snapshot { return l.current.Load() }

// Watch keeps the snapshot current until ctx ends.
func (l *Live) Watch(ctx context.Context) {
	ticker := l.clock.NewTicker(checkEvery)
	defer ticker.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
			l.Reload()
		}
	}
}

// Reload reads file and secrets now. What cannot be used is reported and leaves the snapshot in force as it is.
func (l *Live) Reload() {
	l.mu.Lock()
	defer l.mu.Unlock()

	old := l.current.Load()

	next, err := l.read(old)
	if err != nil {
		if old.Problem != err.Error() {
			l.log.Error("configuration not reloaded, the one before stays in force", "error", err)

			problem := *old
			problem.Problem = err.Error()
			l.current.Store(&problem)
		}

		return
	}
	// A file that is being written is empty for a moment, and a folder that is being swapped lacks it: a secret is gone
	// only when it is missing twice, so that rotation never refuses a delivery.
	if len(next.Missing()) > len(old.Missing()) && !l.doubt {
		l.doubt = true
		return
	}

	l.doubt = false
	configChanged := !reflect.DeepEqual(next.Config, old.Config)

	secretsChanged := !next.Secrets.equal(old.Secrets)
	if !configChanged && !secretsChanged && old.Problem == "" {
		return
	}

	l.current.Store(next)
	l.log.Info("configuration reloaded", "config_changed", configChanged, "secrets_changed", secretsChanged, "missing", next.Missing())
}

func (l *Live) read(old *Snapshot) (*Snapshot, error) {
	c, err := Load(l.path)
	if err != nil {
		return nil, err
	}

	atStart := func(c Config) any {
		return []any{c.Listen, c.Webhook.MutualTLS != nil, c.Store.Embedded, c.Store.PostgreSQL}
	}
	if !reflect.DeepEqual(atStart(c), atStart(old.Config)) {
		return nil, errors.New("listen, webhook.mutualTLS, store.embedded and store.postgreSQL take effect at start only; restart the receiver")
	}

	secrets, err := ReadSecrets(c.SecretsDir)
	if err != nil {
		return nil, err
	}

	return &Snapshot{Config: c, Secrets: secrets}, nil
}
