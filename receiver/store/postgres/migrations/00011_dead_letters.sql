-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- The indexes are built concurrently, outside of a transaction, since the table may be large. An interrupted build leaves an
-- index that is not valid.

-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS events_expiring;

-- Dead letters and quarantined events have a retention of their own, which begins when they ended.
CREATE INDEX CONCURRENTLY events_expiring ON events (finished_at) WHERE state IN ('dead', 'quarantined');

DROP INDEX CONCURRENTLY IF EXISTS events_ended;
CREATE INDEX CONCURRENTLY events_ended ON events (emptied, finished_at) WHERE state NOT IN ('pending', 'dead', 'quarantined');
DROP INDEX CONCURRENTLY IF EXISTS events_finished;
ALTER INDEX events_ended RENAME TO events_finished;
