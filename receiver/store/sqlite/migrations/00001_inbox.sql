-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- Times are integer milliseconds since 1970, UTC; NULL where there is none.

-- +goose Up
CREATE TABLE events (
    seq             INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE,
    kind            TEXT    NOT NULL,
    type            TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    lane            TEXT    NOT NULL,
    phone_number_id TEXT    NOT NULL,
    received_at     INTEGER NOT NULL,
    finished_at     INTEGER,
    attempts        INTEGER NOT NULL DEFAULT 0,
    emptied         INTEGER NOT NULL DEFAULT 0,
    payload         BLOB
);
-- Every index ends in seq, so the first entry of a lane is its head. The indexes on work are partial: finished events
-- leave them, and the history costs nothing.
CREATE INDEX events_head ON events (lane) WHERE state = 'pending';
CREATE INDEX events_pending ON events (received_at) WHERE state = 'pending';
CREATE INDEX events_dead ON events (state) WHERE state = 'dead';
CREATE INDEX events_finished ON events (emptied, finished_at) WHERE state NOT IN ('pending', 'dead');

-- ready_at: NULL when idle, the end of the lease when leased (token is set), else when the lane is due.
-- head: the event leased last, until the lane is empty; starts counts how often.
CREATE TABLE conversations (
    lane            TEXT PRIMARY KEY,
    ready_at        INTEGER,
    token           INTEGER,
    head            INTEGER,
    starts          INTEGER NOT NULL DEFAULT 0,
    last_inbound_at INTEGER
) WITHOUT ROWID;
CREATE INDEX conversations_ready ON conversations (ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX conversations_active ON conversations (last_inbound_at);

CREATE TABLE replies (
    event      INTEGER NOT NULL,
    part       INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    body       BLOB,
    state      TEXT    NOT NULL,
    started_at INTEGER,
    message_id TEXT    NOT NULL,
    PRIMARY KEY (event, part)
) WITHOUT ROWID;

CREATE TABLE failures (
    event INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    class TEXT    NOT NULL,
    code  TEXT    NOT NULL,
    text  TEXT    NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (event, n)
) WITHOUT ROWID;

-- event: the event of the status, with which it is purged.
CREATE TABLE statuses (
    event           INTEGER PRIMARY KEY,
    phone_number_id TEXT    NOT NULL,
    message_id      TEXT    NOT NULL,
    participant     TEXT    NOT NULL,
    type            TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    rank            INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    error_code      INTEGER NOT NULL,
    UNIQUE (message_id, phone_number_id, participant, type)
);

-- One row, kept in step by every transaction that changes the state of events.
CREATE TABLE counts (
    pending     INTEGER NOT NULL,
    dead        INTEGER NOT NULL,
    quarantined INTEGER NOT NULL
);
INSERT INTO counts (pending, dead, quarantined) VALUES (0, 0, 0);

-- Leaders of jobs. duty: the job. until: end of the leadership. note: the state that the leader published.
CREATE TABLE duties (
    duty   TEXT    NOT NULL PRIMARY KEY,
    holder TEXT    NOT NULL,
    until  INTEGER NOT NULL,
    note   BLOB
) WITHOUT ROWID;

CREATE TABLE probe (pad BLOB NOT NULL);
