-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- The index is built concurrently, outside of a transaction, since the table may be large. An interrupted build leaves an
-- index that is not valid.

-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS events_causes;

-- With all columns of a selection, so that the causes of events that were not answered are counted without the table.
CREATE INDEX CONCURRENTLY events_causes ON events (state, seq) INCLUDE (kind, type, phone_number_id, code, received_at)
WHERE state IN ('dead', 'quarantined', 'human', 'expired');

DROP INDEX CONCURRENTLY IF EXISTS events_unanswered;
ALTER INDEX events_causes RENAME TO events_unanswered;
