// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// postAll posts every file of a folder, signed, and looks each of its events up in the store.
func (s *scene) postAll(ctx context.Context, dir string) {
	title("Deliveries from " + dir)

	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		s.check(false, "there are JSON files", fmt.Sprintf("none in %s", dir))
		return
	}

	answered := 0
	contained := 0

	stored := map[store.ID]store.Event{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			s.check(false, filepath.Base(file), err.Error())
			continue
		}

		status, answer, err := standin.Deliver(ctx, s.client, s.url, s.appSecret(), body)
		if err != nil || status != 200 {
			s.check(false, filepath.Base(file)+" is answered 200", fmt.Sprintf("%d %s, error %v", status, answer, err))
			continue
		}

		answered++

		events, err := intake.Events(ctx, body, config.Config{}, time.Now())
		if err != nil {
			s.check(false, filepath.Base(file), err.Error())
			continue
		}

		contained += len(events)
		for _, event := range events {
			record, err := s.receiver.Store().Get(ctx, event.ID)
			if err != nil {
				s.check(false, fmt.Sprintf("the %s of %s is stored", event.Kind, filepath.Base(file)), err.Error())
				continue
			}

			stored[event.ID] = record.Event
		}
	}

	s.check(answered == len(files), fmt.Sprintf("%d files, each answered 200", len(files)), fmt.Sprint(answered))
	line("  store       %d events in them, %d different ones, all stored; the others have the id of one before them", contained, len(stored))

	err = s.until(ctx, func() error {
		stats, err := s.receiver.Store().Stats(ctx, time.Now())
		if err == nil && stats.Pending > 0 {
			err = fmt.Errorf("%d are pending", stats.Pending)
		}

		return err
	})
	s.check(err == nil, "all of them are worked", fmt.Sprint(err))
	letters, err := s.receiver.Store().DeadLetters(ctx, 0, 1000)
	s.check(err == nil, "dead letters can be listed", fmt.Sprint(err))

	for _, letter := range letters { // such as of media that these stand-ins do not have
		line("  %-11s dead letter, %s: %s", "store", letter.Event.Type, letter.Failures[len(letter.Failures)-1].Text)
	}

	totals, err := s.receiver.Store().Totals(ctx)
	s.check(err == nil, "the store counts its events", fmt.Sprint(err))

	for _, total := range totals {
		line("  %-11s %-8s %-34s %-12s %d", "store", total.Kind, total.Type, total.State, total.Count)
	}
}
