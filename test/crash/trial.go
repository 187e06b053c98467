// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/child"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// settleTimeout bounds the wait for rest once nobody writes any more and nothing happens to the replicas.
	settleTimeout = 5 * time.Minute
	// stillness is how long, besides two waits for a status, nothing may happen before it is thought that nothing will.
	stillness     = 10 * time.Second
	progressEvery = 10 * time.Second
	// retries are more than usual: with the shares of trouble here, chance alone must not make a dead letter.
	retries = 8
	// drain is how long a replica may end its work. A server waits 5 s for connections that were made and never used.
	drain = 6 * time.Second
)

// trial is what one run tries.
type trial struct {
	embedded bool // else PostgreSQL
	replicas int
	kills    int           // SIGKILLs, of all replicas together
	stalls   int           // of all replicas together
	span     time.Duration // in which they fall
	seed     uint64
	people   int
	rate     float64 // messages a second, of all people together
	untold   float64 // share of the sends whose statuses Meta never tells

	lease, window, longestStall time.Duration

	binary   string
	database string // URL, of PostgreSQL
	dir      string // existing; for all that is to be kept of the trial
	progress func(line string)
}

func (t *trial) name() string {
	if t.embedded {
		return "embedded"
	}

	return "postgresql"
}

// The streams of random numbers of one seed: how much one of them is used changes nothing of the others.
const (
	ofGraph = iota
	ofBird
	ofUntold
	ofReplicas = 1_000
	ofPeople   = 1_000_000
	ofTellers  = 2_000_000
)

func (t *trial) random(stream int) *rand.Rand {
	return rand.New(rand.NewPCG(t.seed, uint64(stream))) //nolint:gosec // moments that can be repeated need no secrecy
}

// run lets people write to replicas that are killed, stalled and restarted, waits until all is at rest, and judges. An
// error says that there was nothing to judge.
func (t *trial) run(ctx context.Context) (_ *result, err error) {
	began := time.Now()

	w := t.open()
	defer w.close()

	if err := w.makeReplicas(); err != nil {
		return nil, err
	}
	defer func() { // of a trial that ends early
		for _, r := range w.meta.fleet {
			if r.running() {
				err = errors.Join(err, r.kill())
			}
		}
	}()

	for _, r := range w.meta.fleet {
		if err := r.start(ctx); err != nil {
			return nil, err
		}
	}

	if err := w.play(ctx); err != nil {
		return nil, err
	}

	w.meta.client.CloseIdleConnections() // those that were never used would hold up the end

	var bad []error
	for _, r := range w.meta.fleet {
		bad = append(bad, r.stop(ctx))
	}

	if err := errors.Join(bad...); err != nil {
		return nil, err
	}

	w.close() // nothing is added to the ledger any more

	end, err := t.inspect(ctx, w.ledger)
	if err != nil {
		return nil, err
	}

	verdict := judge(t, w.ledger, end)
	verdict.seconds = time.Since(began).Seconds()

	return verdict, record(t.dir, w.ledger, end, verdict)
}

// world is what surrounds the receivers.
type world struct {
	*trial
	ledger      *ledger
	meta        *meta
	graph       *standin.Graph
	bird        *standin.Bird
	graphServer *httptest.Server
	birdServer  *httptest.Server
	logs        []*os.File
}

func (t *trial) open() *world {
	l := newLedger()
	w := &world{
		trial:  t,
		ledger: l,
		meta: &meta{
			client: &http.Client{Timeout: deliveryTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: t.people + tellers, IdleConnTimeout: 5 * time.Second}},
			ledger: l,
			toTell: make(chan *send, maxToTell),
			untold: t.untold,
			rng:    t.random(ofUntold),
		},
	}
	w.graph = standin.NewGraph(standin.GraphOptions{Keep: -1, StatusSink: w.meta.accepted})
	w.bird = standin.NewBird(standin.BirdOptions{Keep: -1, Reply: reply(l)})
	w.graphServer = httptest.NewServer(troubledGraph(w.graph, &trouble{rng: t.random(ofGraph), chances: graphTrouble}, l))
	w.birdServer = httptest.NewServer(troubledBird(w.bird, &trouble{rng: t.random(ofBird), chances: birdTrouble}))

	return w
}

// close may be called twice.
func (w *world) close() {
	w.meta.client.CloseIdleConnections()
	w.graph.Close()
	w.bird.Close()
	w.graphServer.Close()
	w.birdServer.Close()

	for _, log := range w.logs {
		log.Close()
	}
}

func (w *world) makeReplicas() error {
	settings := config.Config{
		CloudAPI: config.CloudAPI{
			BaseURL:           w.graphServer.URL,
			MessagesPerSecond: 10_000,
			Timeout:           w.window / 2,
		},
		Bird:    config.Bird{BaseURL: w.birdServer.URL},
		Webhook: config.Webhook{IngestTimeout: deliveryTimeout},
		Processing: config.Processing{
			Lease:           w.lease,
			AmbiguousWindow: w.window,
			TypingIndicator: new(false),
			Retry: config.Retry{
				MaxRetries: new(retries),
				BaseDelay:  50 * time.Millisecond,
				MaxDelay:   time.Second,
			},
		},
		Shutdown: config.Shutdown{DrainTimeout: drain},
	}

	secrets := map[string]string{}
	if w.embedded {
		settings.Store.Embedded = &config.EmbeddedStore{Path: w.file()}
	} else {
		settings.Store.PostgreSQL = &config.PostgreSQLStore{}
		secrets[config.RoleDatabaseURL] = w.database
	}

	for number := 1; number <= w.replicas; number++ {
		name := fmt.Sprint(tokenPrefix, number)

		log, err := os.Create(filepath.Join(w.dir, name+".log"))
		if err != nil {
			return fmt.Errorf("make a log: %w", err)
		}

		w.logs = append(w.logs, log)

		dir := filepath.Join(w.dir, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("make the folder of a replica: %w", err)
		}

		secrets[config.RoleAccessToken] = name

		running, err := child.New(child.Options{
			Binary:  w.binary,
			Dir:     dir,
			Config:  settings,
			Secrets: secrets,
			Log: func(line string) {
				fmt.Fprintln(log, line)
				w.ledger.read(number, line)
			},
		})
		if err != nil {
			return err
		}

		w.meta.fleet = append(w.meta.fleet, &replica{
			number: number,
			child:  running,
			ledger: w.ledger,
		})
	}

	return nil
}

// file is the embedded store.
func (t *trial) file() string { return filepath.Join(t.dir, "inbox.db") }

// play lets everything happen, and returns when all is at rest or has not come to rest in time.
func (w *world) play(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)

	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel(nil)

	for i := range tellers {
		beside.Go(func() { w.meta.tellStatuses(ctx, w.random(ofTellers+i)) })
	}

	beside.Go(func() { w.watch(ctx) })

	writing, finish := context.WithCancel(ctx)
	defer finish()

	var people, replicas sync.WaitGroup

	every := time.Duration(float64(w.people) / w.rate * float64(time.Second))
	for person := range w.people {
		people.Go(func() { w.meta.write(ctx, writing, w.random(ofPeople+person), person, every) })
	}

	for i, r := range w.meta.fleet {
		kills := share(w.kills, w.replicas, i)
		stalls := share(w.stalls, w.replicas, i)
		incidents := plan(w.random(ofReplicas+i), kills, stalls, kills/8, w.lease, w.longestStall, w.span)
		replicas.Go(func() {
			if err := r.suffer(ctx, incidents); err != nil {
				cancel(err)
			}
		})
	}

	replicas.Wait()
	finish()
	people.Wait()

	if err := context.Cause(ctx); err != nil {
		return err
	}

	w.settle(ctx)

	return context.Cause(ctx)
}

// share is the part of n that the i-th of several gets.
func share(n, of, i int) int { return n*(i+1)/of - n*i/of }

// settle waits until nothing is to be worked any more and everything was told, or nothing moves any more. What is left
// then is for the judge.
func (w *world) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()

	last := figures{}

	moved := time.Now()
	for pause(ctx, 50*time.Millisecond) && time.Since(moved) < 2*w.window+stillness {
		f := w.ledger.figures()
		if f != last {
			last = f
			moved = time.Now()

			continue
		}

		status, err := w.meta.fleet[0].child.Status(ctx)
		if err == nil && status.Backlog != nil && status.Pending+status.PendingStatuses == 0 && f.told == f.toTell && f.notified == f.toTell {
			return
		}
	}
}

// watch tells how far the trial is, until ctx ends.
func (w *world) watch(ctx context.Context) {
	began := time.Now()
	for pause(ctx, progressEvery) {
		f := w.ledger.figures()
		w.progress(fmt.Sprintf("%4.0f s  %d kills, %d stalls, %d restarts; %d messages acknowledged, %d replies sent, %d of %d statuses told",
			time.Since(began).Seconds(), f.kills, f.stalls, f.restarts, f.acknowledged, f.accepted, f.told, f.toTell))
	}
}
