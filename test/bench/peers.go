// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

const (
	peerRounds = 3
	// slowShare is the share of the deliveries that servers with a fraction of the receiver's rate get.
	slowShare = 4
	// guideTimes is the target of the receiver's rate beside the guide's server.
	guideTimes = 4
)

// peerTrial measures the receiver's real binary, at work, beside other servers that get the same deliveries.
type peerTrial struct {
	binary   string
	database *pgtest.Server
	requests [][]byte

	ceiling *rival
	stored  []*worker
	others  []*rival // acknowledge deliveries
	bot     *rival   // answers them
	answers []pathRun
}

// rival is another server.
type rival struct {
	program
	deliveries int
	loads      []loadResult // by round
	skipped    error        // why it could not be measured
}

// worker is the receiver with one kind of store. It processes what it acknowledges.
type worker struct {
	name   string
	store  config.Store
	target float64 // share of the ceiling
	works  []work  // by round
}

// work is what a receiver did with the deliveries of a round.
type work struct {
	loadResult
	meanwhile float64       // events that the engine finished per second, while deliveries arrived
	finished  float64       // events per second, until none was pending
	processor time.Duration // of the receiver, per delivery
}

// peers measures how many deliveries per second the receiver acknowledges over 64 connections while its engine processes
// them, and how many other servers do.
func peers(ctx context.Context, binary string, deliveries int) (_ []figure, err error) {
	if deliveries < slowShare {
		return nil, fmt.Errorf("%d deliveries: want at least %d", deliveries, slowShare)
	}

	dir, err := os.MkdirTemp("", "whatsapp-webhook-bench-")
	if err != nil {
		return nil, fmt.Errorf("create a folder of the peers: %w", err)
	}

	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	t := &peerTrial{
		binary:   binary,
		requests: textDeliveries(deliveries, conversations, pathNumbers),
		stored: []*worker{
			{
				name:   "embedded store",
				target: 0.5,
			},
			{
				name:   "PostgreSQL",
				store:  config.Store{PostgreSQL: &config.PostgreSQLStore{}},
				target: 0.4,
			},
		},
		ceiling: installRival(ctx, dir, "net/http", deliveries, installCeiling),
		others: []*rival{
			installRival(ctx, dir, "FastAPI", deliveries/slowShare, installGuide),
			installRival(ctx, dir, "Bento", deliveries/slowShare, installBento),
		},
		bot: installRival(ctx, dir, "whatsapp-api-js", deliveries/slowShare, installBot),
	}
	if t.ceiling.skipped != nil {
		return nil, t.ceiling.skipped
	}

	if t.database, err = pgtest.Start(ctx, pgtest.Options{}); err != nil {
		return nil, err
	}

	defer func() { err = errors.Join(err, t.database.Close()) }()

	for round := range peerRounds {
		progress("peers: round %d of %d", round+1, peerRounds)

		if err := t.round(ctx); err != nil {
			return nil, err
		}
	}

	return t.figures(), nil
}

// installRival installs a server. If that fails, the server is skipped.
func installRival(
	ctx context.Context,
	dir, name string,
	deliveries int,
	install func(context.Context, string) (program, error),
) *rival {
	progress("peers: install %s", name)

	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()

	r := &rival{deliveries: deliveries}

	r.program, r.skipped = install(ctx, dir)
	if r.skipped != nil {
		r.name = name
		progress("peers: %s is skipped: %v", name, r.skipped)
	}

	return r
}

func (t *peerTrial) round(ctx context.Context) error {
	if err := t.measureRival(ctx, t.ceiling); err != nil {
		return err
	}

	for _, w := range t.stored {
		if err := t.measureWorker(ctx, w); err != nil {
			return fmt.Errorf("receiver, %s: %w", w.name, err)
		}
	}

	for _, r := range t.others {
		if err := t.measureRival(ctx, r); err != nil {
			return err
		}
	}

	if t.bot.skipped != nil {
		return nil
	}

	settings := config.Config{CloudAPI: config.CloudAPI{MessagesPerSecond: numberUpgrade}}
	settings.Processing.TypingIndicator = new(false)

	answered, err := runPath(ctx, t.binary, settings, nil)
	if err != nil {
		return fmt.Errorf("receiver, whole path: %w", err)
	}

	t.answers = append(t.answers, answered)

	return t.measureBot(ctx)
}

// measureRival delivers to a process of a server.
func (t *peerTrial) measureRival(ctx context.Context, r *rival) error {
	if r.skipped != nil {
		return nil
	}

	s, err := r.start(ctx, "")
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	defer s.stop()

	l, err := load(ctx, s.address, t.requests[:r.deliveries], pathConnections)
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}

	r.loads = append(r.loads, l)

	return nil
}

// measureBot delivers to the bot, and checks that each message got its answer.
func (t *peerTrial) measureBot(ctx context.Context) (err error) {
	p, err := newPeople("", config.Config{}, nil, t.bot.deliveries, 0)
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, p.end()) }()

	s, err := t.bot.start(ctx, p.GraphURL())
	if err != nil {
		return fmt.Errorf("%s: %w", t.bot.name, err)
	}
	defer s.stop()

	l, err := load(ctx, s.address, p.write(conversations, pathNumbers), pathConnections)
	if err != nil {
		return fmt.Errorf("%s: %w", t.bot.name, err)
	}

	if n := p.unanswered.Load(); n > 0 {
		return fmt.Errorf("%s: %d messages have no answer", t.bot.name, n)
	}

	t.bot.loads = append(t.bot.loads, l)

	return nil
}

// measureWorker delivers to a receiver that asks no AI about texts, so its engine ends each without a call.
func (t *peerTrial) measureWorker(ctx context.Context, w *worker) (err error) {
	settings := config.Config{
		Bird:  config.Bird{Endpoints: map[string]config.Endpoint{"process_text_message": {Enabled: new(false)}}},
		Store: w.store,
	}
	secrets := map[string]string{}

	if w.store.PostgreSQL != nil {
		user, err := t.database.NewUser()
		if err != nil {
			return err
		}

		secrets[config.RoleDatabaseURL] = user.URL
	}

	p, err := startPeople(ctx, t.binary, settings, secrets, 0, 0)
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, p.end()) }()

	began := time.Now()

	l, err := load(ctx, p.Child.Address(), t.requests, pathConnections)
	if err != nil {
		return err
	}

	status, err := p.Child.Status(ctx)
	if err != nil {
		return err
	}

	if status.Backlog == nil {
		return errors.New("the receiver does not know how many events are pending")
	}

	if err := p.Child.WaitProcessed(ctx); err != nil {
		return err
	}

	ended := time.Since(began)

	used, err := p.Child.ProcessorTime()
	if err != nil {
		return err
	}

	w.works = append(w.works, work{
		loadResult: l,
		meanwhile:  float64(int64(len(t.requests))-status.Pending) / l.took.Seconds(),
		finished:   float64(len(t.requests)) / ended.Seconds(),
		processor:  (used / time.Duration(len(t.requests))).Round(time.Microsecond),
	})

	return nil
}

// loads returns the loads of the rounds.
func (w *worker) loads() []loadResult {
	loads := make([]loadResult, len(w.works))
	for i := range loads {
		loads[i] = w.works[i].loadResult
	}

	return loads
}

// median returns the round with the median rate of acknowledgements.
func (w *worker) median() work {
	rate := median(w.loads()).perSecond

	return w.works[slices.IndexFunc(w.works, func(done work) bool { return done.perSecond == rate })]
}
