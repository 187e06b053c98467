-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- The table may be large, and receivers of an earlier version store deliveries meanwhile: the index is built concurrently,
-- outside of a transaction. An interrupted build leaves an index that is not valid.

-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS events_history;

-- The messages of a conversation, in order of arrival, which memory and the console read. It holds finished events only,
-- so that a delivery does not write it, and leaves out those whose payload was purged. The pending ones are in events_head.
CREATE INDEX CONCURRENTLY events_history ON events (lane, seq)
WHERE kind IN ('message', 'outbound') AND class = 0 AND state <> 'pending' AND NOT emptied;
