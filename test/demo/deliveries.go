// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// fileTimeout bounds the processing of one file. Events that wait longer, such as for a correction of the
	// configuration, are shown as pending.
	fileTimeout = 20 * time.Second
	// maxListed bounds the events of a file that are shown. A delivery of 3 MB has fewer.
	maxListed = 20_000
)

// verdict counts what the receiver promises for deliveries of Meta.
type verdict struct {
	files, answered        int
	events, stored         int
	pending, dead, refused int // of the events; refused are dead letters that Meta refused for good
}

// kept reports whether the promise holds: each delivery is answered 200, and each of its events is stored and processed to
// an end, which is not a dead letter unless Meta refuses the answer for good.
func (v verdict) kept() bool {
	return v.answered == v.files && v.stored == v.events && v.pending == 0 && v.dead == v.refused
}

// postAll delivers every JSON file of a folder, each to its own receiver with an empty store, and prints how its
// events were handled.
func (d *demo) postAll(ctx context.Context, dir string) {
	title("Deliveries from folder " + dir)
	line("Each file gets a receiver of its own, with an empty store and the time of the delivery. Placeholders of numbers")
	line("are replaced by numbers, and Meta's stand-in has a file for each media id.")

	files, err := deliveryFiles(dir)
	if err != nil || len(files) == 0 {
		d.check(false, "the folder has JSON files", fmt.Sprintf("none in %s, error %v", dir, err))
		return
	}

	v := d.postFiles(ctx, dir, files)

	line("\n%d files, %d answered 200; %d events, %d stored, %d pending, %d dead letters, %d of them since Meta refuses the answer",
		v.files, v.answered, v.events, v.stored, v.pending, v.dead, v.refused)
	d.check(v.kept(), "every delivery is answered 200, every event stored and processed to an end", "see above")
}

// postFiles delivers files of a folder, one after the other.
func (d *demo) postFiles(ctx context.Context, dir string, files []string) verdict {
	v := verdict{files: len(files)}

	for _, file := range files {
		name, err := filepath.Rel(dir, file)
		if err != nil {
			name = file
		}

		line("\n%s", name)

		if err := d.postFile(ctx, file, &v); err != nil {
			line("  FAILED      %v", err)
		}

		if ctx.Err() != nil {
			break
		}
	}

	return v
}

// deliveryFiles returns the JSON files of a folder and of those in it, in order.
func deliveryFiles(dir string) ([]string, error) {
	var files []string

	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".json" {
			files = append(files, path)
		}

		return err
	})

	slices.Sort(files)

	return files, err
}

// postFile delivers one file to its own receiver, waits for the end of the processing, and prints it.
func (d *demo) postFile(ctx context.Context, file string, v *verdict) (err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}

	delivery := prepare(raw, time.Now())

	r, err := d.openFile(ctx, delivery)
	if err != nil {
		return err
	}

	defer func() {
		if closed := r.Close(); err == nil {
			err = closed
		}
	}()

	status, answer, err := standin.Deliver(ctx, d.client, r.Local.WebhookURL(), d.appSecret(), delivery.body)
	if err != nil {
		return err
	}

	if status != http.StatusOK {
		return fmt.Errorf("answered %d %s", status, strings.TrimSpace(string(answer)))
	}

	v.answered++

	unique := map[store.ID]bool{}

	if events, err := intake.Events(ctx, delivery.body, config.Config{}, delivery.at); err == nil {
		for _, event := range events {
			unique[event.ID] = true
		}
	}

	waitIdle(ctx, r)

	records, err := r.Local.Store().List(ctx, store.Filter{}, 0, maxListed)
	if err != nil {
		return err
	}

	v.events += len(unique)
	v.stored += min(len(unique), v.add(records)) // the engine stores its own marks beside edits and revocations
	printFile(r, records)

	return nil
}

// openFile starts a receiver for one file. It differs from the rendered one in that it serves every phone number, retries
// at once, and has the time of the delivery.
func (d *demo) openFile(ctx context.Context, delivery delivery) (*rig.Rig, error) {
	settings := d.pod.config
	settings.CloudAPI.PhoneNumberIDs = nil
	settings.Store.Embedded = nil
	settings.Media.SpoolDir = ""
	settings.Processing.Retry.BaseDelay = 10 * time.Millisecond
	settings.Processing.Retry.MaxDelay = 10 * time.Millisecond

	clock := rig.NewClock()
	clock.Advance(time.Until(delivery.at))

	r, err := rig.New(rig.Options{
		Config: settings,
		Graph: standin.GraphOptions{
			AccessTokens: []string{d.pod.secrets.AccessToken},
			AppSecret:    d.appSecret(),
			Rules:        standin.Rules{RequireAppSecret: true, Window: true, KnownContext: true},
		},
		Bird:    standin.BirdOptions{AccessKeys: []string{d.pod.secrets.BirdAccessKey}},
		Clock:   clock,
		Version: "demo",
	})
	if err != nil {
		return nil, err
	}

	for id, medium := range delivery.media {
		r.Graph.PutMedia(id, medium.mime, medium.content)
	}

	r.Graph.Observe(delivery.body)

	err = r.Folder.Layout(r.Config, map[string]string{
		config.RoleAccessToken:   d.pod.secrets.AccessToken,
		config.RoleAppSecret:     d.appSecret(),
		config.RoleVerifyToken:   d.pod.secrets.VerifyToken,
		config.RoleBirdAccessKey: d.pod.secrets.BirdAccessKey,
	})
	if err == nil {
		err = r.Start(ctx)
	}

	if err != nil {
		_ = r.Close()
		return nil, err
	}

	return r, nil
}

// waitIdle waits until nothing is pending, or for fileTimeout.
func waitIdle(ctx context.Context, r *rig.Rig) {
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()

	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()

	for {
		stats, err := r.Local.Store().Stats(ctx, time.Now())
		if err == nil && stats.Pending+stats.PendingStatuses+stats.PendingNotices == 0 {
			return
		}

		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// add counts the outcomes of the events of one file, and returns how many are stored.
func (v *verdict) add(records []store.Record) (stored int) {
	for _, record := range records {
		if isEmitted(record.Event.Kind) {
			continue
		}

		stored++

		switch record.Event.State {
		case store.Pending:
			v.pending++
		case store.Dead:
			v.dead++

			if isRefused(lastFailure(record)) {
				v.refused++
			}
		case store.Done, store.Skipped, store.Human, store.Expired, store.Quarantined, store.Discarded:
		}
	}

	return stored
}

// isEmitted reports whether the receiver itself makes events of this kind.
func isEmitted(kind store.Kind) bool {
	return kind == store.KindNotice || kind == store.KindStatusReport
}

// isRefused reports whether Meta refuses an answer for good: with one of its error codes, or since the message is older than
// the 24 hours in which Meta takes other answers than templates.
func isRefused(last store.Failure) bool {
	isMetaCode := last.Code != "" && strings.Trim(last.Code, "0123456789") == ""

	return last.Class == string(failure.TemplateRequired) || (last.Class == string(failure.Permanent) && isMetaCode)
}

// lastFailure returns the newest failure of an event, or none.
func lastFailure(record store.Record) store.Failure {
	if n := len(record.Failures); n > 0 {
		return record.Failures[n-1]
	}

	return store.Failure{}
}
