-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- Lanes that cannot be worked because a page of the file cannot be read. They are tried again at the next start.
CREATE TABLE damaged (
    lane  TEXT    NOT NULL,
    class INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    error TEXT    NOT NULL,
    PRIMARY KEY (lane, class)
) WITHOUT ROWID;
