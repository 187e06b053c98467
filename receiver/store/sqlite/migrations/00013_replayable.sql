-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- Not IN: for more than two values SQLite would build a table whenever a statement writes an event. Programs of earlier
-- versions cannot use the index, since SQLite compares its condition with theirs as text.
DROP INDEX events_replayable;
CREATE INDEX events_replayable ON events (seq, state, kind, type, phone_number_id, code, received_at)
WHERE state = 'dead' OR state = 'quarantined' OR state = 'human' OR state = 'expired';
