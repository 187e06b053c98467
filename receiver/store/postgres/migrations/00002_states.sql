-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
SET LOCAL lock_timeout = '2s';

-- The state kept is split into skipped, human and expired. Existing events do not record which of them applies.
UPDATE events SET state = 'skipped' WHERE state = 'kept';
