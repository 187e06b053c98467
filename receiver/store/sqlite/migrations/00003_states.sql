-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- The state kept is named skipped, and has two siblings: human and expired. What was stored as kept may have been any of
-- the three; why is not known any more.
UPDATE events SET state = 'skipped' WHERE state = 'kept';
