-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- The messages of a conversation, in order of arrival, which memory and the console read. It holds finished events only,
-- so that a delivery does not write it, and leaves out those without a lane and those whose payload was purged. The pending
-- ones are in events_head.
CREATE INDEX events_history ON events (lane)
WHERE kind IN ('message', 'outbound') AND lane <> '' AND state <> 'pending' AND emptied = 0;
