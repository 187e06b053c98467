-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- The indexes are built concurrently, outside of a transaction, since the table may be large. An interrupted build leaves an
-- index that is not valid.

-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS events_expiring;

-- Dead letters and quarantined events have a retention of their own, which begins when they ended. The condition on
-- finished_at, which all of them have, keeps the planner from this index where it looks for them in the order of seq.
CREATE INDEX CONCURRENTLY events_expiring ON events (finished_at)
WHERE state IN ('dead', 'quarantined') AND finished_at IS NOT NULL;

DROP INDEX CONCURRENTLY IF EXISTS events_ended;
CREATE INDEX CONCURRENTLY events_ended ON events (emptied, finished_at) WHERE state NOT IN ('pending', 'dead', 'quarantined');
DROP INDEX CONCURRENTLY IF EXISTS events_finished;
ALTER INDEX events_ended RENAME TO events_finished;
