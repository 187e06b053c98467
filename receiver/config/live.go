// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"errors"
	"fmt"
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

	secrets, err := ReadSecrets(c.SecretsDir)
	if err != nil {
		log.Error("some secrets cannot be used", "error", err)
	}

	snapshot := newSnapshot(c, secrets, err)
	if len(c.Ignored) > 0 {
		log.Warn("configuration loaded in part", "problem", snapshot.Problem)
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

// Reload reads the file and the secrets now. Of what cannot be loaded the previous state stays in force, and the snapshot reports
// the problem.
func (l *Live) Reload() {
	l.mu.Lock()
	defer l.mu.Unlock()

	old := l.current.Load()
	next, err := l.read(old)

	// During rotation a file is empty for a moment, or missing while its folder is swapped. A secret counts as removed only
	// if two reloads in a row miss it, so that a rotation rejects no delivery.
	if len(next.Missing()) > len(old.Missing()) && !l.missing {
		l.missing = true
		return
	}

	l.missing = false
	configChanged := !reflect.DeepEqual(next.Config, old.Config)
	secretsChanged := !next.Secrets.equal(old.Secrets)
	problemChanged := next.Problem != old.Problem

	if !configChanged && !secretsChanged && !problemChanged {
		return
	}

	l.current.Store(next)

	if err != nil && problemChanged {
		l.log.Error("the newest configuration cannot be loaded, or only a part of it: what was in force before stays", "error", err)
	}

	if err != nil && !configChanged && !secretsChanged {
		return
	}

	l.log.Info("configuration reloaded",
		"config_changed", configChanged,
		"secrets_changed", secretsChanged,
		"missing", next.Missing(),
		"ignored_keys", next.Ignored)
}

// read returns the newest file and secrets. What cannot be loaded keeps its state in old, and does not prevent the use of
// the rest: a rejected file that of a rotated secret, or an unreadable secret that of the file and of other secrets. The
// error says what was not loaded.
func (l *Live) read(old *Snapshot) (*Snapshot, error) {
	c, fileErr := Load(l.path)
	if fileErr == nil {
		fileErr = checkStartSettings(old.Config, c)
	}

	if fileErr != nil {
		c = old.Config
	}

	secrets, secretsErr := readSecrets(c.SecretsDir, old.Secrets)
	err := errors.Join(fileErr, secretsErr)

	return newSnapshot(c, secrets, err), err
}

// newSnapshot returns a snapshot. err says what could not be loaded; it may be nil.
func newSnapshot(c Config, secrets Secrets, err error) *Snapshot {
	if len(c.Ignored) > 0 {
		err = errors.Join(err, fmt.Errorf("this version of the receiver does not know, and ignores, the keys %s: "+
			"use an image of the operator's version, or remove the settings", strings.Join(c.Ignored, ", ")))
	}

	s := &Snapshot{Config: c, Secrets: secrets}
	if err != nil {
		s.Problem = err.Error()
	}

	return s
}
