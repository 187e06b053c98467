-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- The index is built concurrently, outside of a transaction, since the table may be large. An interrupted build leaves an
-- index that is not valid.

-- +goose NO TRANSACTION
-- +goose Up
-- replay_job: the latest bulk replay of the event, if there was one. Few events have it, and only theirs are in the index.
-- +goose StatementBegin
DO $$
BEGIN
    SET LOCAL lock_timeout = '2s';
    ALTER TABLE events ADD COLUMN IF NOT EXISTS replay_job TEXT;
END
$$;
-- +goose StatementEnd

DROP INDEX CONCURRENTLY IF EXISTS events_replayed;
CREATE INDEX CONCURRENTLY events_replayed ON events (replay_job, seq) INCLUDE (state) WHERE replay_job IS NOT NULL;
