-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- replay_job: the latest bulk replay of the event, if there was one. Few events have it, and only theirs are in the index.
ALTER TABLE events ADD COLUMN replay_job TEXT;
CREATE INDEX events_replayed ON events (replay_job, seq, state) WHERE replay_job IS NOT NULL;
