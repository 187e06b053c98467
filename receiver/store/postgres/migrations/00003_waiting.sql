-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
SET LOCAL lock_timeout = '2s';

-- waits_for: the scope for which the lane waits; its head is postponed until ready_at, or until the scope opens.
-- set_at: when ready_at was set, by the clock that set it. A later time than now was set by a clock that was ahead.
ALTER TABLE conversations ADD COLUMN waits_for TEXT COLLATE "C", ADD COLUMN set_at BIGINT;
CREATE INDEX conversations_waiting ON conversations (class, waits_for, ready_at, lane) WHERE waits_for IS NOT NULL;
