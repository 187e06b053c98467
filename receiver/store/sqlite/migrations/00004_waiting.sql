-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- set_at: when ready_at was set. waits_for: the scope for which the lane waits, only while it is not leased.
ALTER TABLE conversations ADD COLUMN set_at INTEGER;
ALTER TABLE conversations ADD COLUMN waits_for TEXT;
-- Lanes that wait for their first claim are due since their message was received.
UPDATE conversations SET set_at = ready_at WHERE ready_at IS NOT NULL AND head IS NULL;
CREATE INDEX conversations_waiting ON conversations (class, waits_for, ready_at) WHERE waits_for IS NOT NULL;

ALTER TABLE pauses ADD COLUMN set_at INTEGER;
ALTER TABLE duties ADD COLUMN set_at INTEGER;
