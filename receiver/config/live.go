// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

// reloadInterval is how often the file and the secrets are read. Reading a few small files twice a second is cheap. Unlike a
// file watch, it cannot miss a swap of symbolic links or exhaust the node's limit of watches.
const reloadInterval = 500 * time.Millisecond

// Snapshot is one consistent state of configuration and secrets. It is immutable.
type Snapshot struct {
	Config

	Secrets Secrets
	// Problem says why the newest file or secrets could not be loaded, so that the previous ones stay in force, or which keys
	// were ignored. It is empty if everything was loaded.
	Problem string
}

// Live holds the latest snapshot, and reloads it while the receiver runs.
type Live struct {
	path    string
	clock   clockwork.Clock
	log     *slog.Logger
	current atomic.Pointer[Snapshot]
	mu      sync.Mutex // one reload at a time
	missing bool       // the last reload found fewer secrets than the one before
}

// Open reads the file at path and the secrets. An invalid file is an error. A secret that is missing or cannot be read is
// not: the receiver runs without it, and reports it until it is corrected.
func Open(path string, clock clockwork.Clock, log *slog.Logger) (*Live, error) {
	c, err := Load(path)
	if err != nil {
		return nil, err
	}

	l := &Live{
		path:  path,
		clock: clock,
		log:   log,
	}

	snapshot := newSnapshot(c)
	if snapshot.Problem != "" {
		log.Warn("configuration loaded in part", "problem", snapshot.Problem)
	}

	snapshot.Secrets, err = ReadSecrets(c.SecretsDir)
	if err != nil {
		log.Error("some secrets cannot be used", "error", err)

		snapshot.Problem = err.Error()
	}

	l.current.Store(snapshot)

	return l, nil
}

// Fixed returns a Live with a configuration that never changes, for tests of single packages and for tools.
func Fixed(c Config, secrets Secrets) *Live {
	l := &Live{}
	l.current.Store(&Snapshot{Config: c.WithDefaults(), Secrets: secrets})

	return l
}

// Current returns the snapshot in force. Call it once for each piece of work, so that the work sees one configuration.
func (l *Live) Current() *Snapshot { return l.current.Load() }

// Watch reloads regularly until ctx ends.
func (l *Live) Watch(ctx context.Context) {
	ticker := l.clock.NewTicker(reloadInterval)
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

// Reload reads the file and the secrets now. If that fails, the snapshot stays in force and reports the problem.
func (l *Live) Reload() {
	l.mu.Lock()
	defer l.mu.Unlock()

	old := l.current.Load()

	next, err := l.read(old)
	if err != nil {
		if old.Problem != err.Error() {
			l.log.Error("reloading the configuration failed, the previous one stays in force", "error", err)

			problem := *old
			problem.Problem = err.Error()
			l.current.Store(&problem)
		}

		return
	}

	// During rotation a file is empty for a moment, or missing while its folder is swapped. A secret counts as removed only
	// if two reloads in a row miss it, so that a rotation rejects no delivery.
	if len(next.Missing()) > len(old.Missing()) && !l.missing {
		l.missing = true
		return
	}

	l.missing = false
	configChanged := !reflect.DeepEqual(next.Config, old.Config)

	secretsChanged := !next.Secrets.equal(old.Secrets)
	if !configChanged && !secretsChanged && old.Problem == next.Problem {
		return
	}

	l.current.Store(next)
	l.log.Info("configuration reloaded",
		"config_changed", configChanged,
		"secrets_changed", secretsChanged,
		"missing", next.Missing(),
		"ignored_keys", next.Ignored)
}

func (l *Live) read(old *Snapshot) (*Snapshot, error) {
	c, err := Load(l.path)
	if err != nil {
		return nil, err
	}

	if err := checkStartSettings(old.Config, c); err != nil {
		return nil, err
	}

	secrets, err := ReadSecrets(c.SecretsDir)
	if err != nil {
		return nil, err
	}

	next := newSnapshot(c)
	next.Secrets = secrets

	return next, nil
}

// newSnapshot returns a snapshot without secrets.
func newSnapshot(c Config) *Snapshot {
	s := &Snapshot{Config: c}
	if len(c.Ignored) > 0 {
		s.Problem = "this version of the receiver does not know, and ignores, the keys " + strings.Join(c.Ignored, ", ") +
			": use an image of the operator's version, or remove the settings"
	}

	return s
}
