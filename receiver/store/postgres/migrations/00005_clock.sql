-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
SET LOCAL lock_timeout = '2s';

-- set_at: when the row was last set, by the clock that set it.
ALTER TABLE pauses ADD COLUMN set_at BIGINT;
ALTER TABLE duties ADD COLUMN set_at BIGINT;
CREATE INDEX conversations_taken ON conversations (taken_at) WHERE taken_at IS NOT NULL;
