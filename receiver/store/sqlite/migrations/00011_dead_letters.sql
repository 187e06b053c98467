-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- Dead letters and quarantined events have a retention of their own, which begins when they ended.
CREATE INDEX events_expiring ON events (finished_at) WHERE state IN ('dead', 'quarantined');
DROP INDEX events_finished;
CREATE INDEX events_finished ON events (emptied, finished_at) WHERE state NOT IN ('pending', 'dead', 'quarantined');
