-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- code: of the last failure, of events that ended in a state that can be replayed. Existing events other than dead letters
-- get none, since finding them would read the entire history.
ALTER TABLE events ADD COLUMN code TEXT NOT NULL DEFAULT '';
UPDATE events SET code = coalesce((SELECT code FROM failures WHERE event = seq ORDER BY n DESC LIMIT 1), '')
WHERE state = 'dead';
-- In order of arrival, with all columns of a selection.
CREATE INDEX events_replayable ON events (seq, state, kind, type, phone_number_id, code, received_at)
WHERE state IN ('dead', 'quarantined', 'human', 'expired');

ALTER TABLE replies ADD COLUMN fallback INTEGER NOT NULL DEFAULT 0;
