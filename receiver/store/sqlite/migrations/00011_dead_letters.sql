-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- Dead letters and quarantined events have a retention of their own, which begins when they ended.
CREATE INDEX events_expiring ON events (finished_at) WHERE state IN ('dead', 'quarantined');
DROP INDEX events_finished;
-- Not NOT IN: for more than two values SQLite would build a table whenever a statement writes an event.
CREATE INDEX events_finished ON events (emptied, finished_at)
WHERE state <> 'pending' AND state <> 'dead' AND state <> 'quarantined';
