-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- class: 0 conversation, 1 status, 2 notice, 3 of events that never were pending. Whatever version 1 has stored
-- is given 0, without being written again: its work is of conversations, and of other events the class means nothing.
-- bound_to: the event together with which this one ends. binds: whether events were ever bound to this one.
ALTER TABLE events ADD COLUMN class INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN binds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN bound_to INTEGER;

-- No index is partial by class: SQLite would prepare each statement that binds one anew whenever it runs.
DROP INDEX events_head;
DROP INDEX events_pending;
CREATE INDEX events_head ON events (lane, class) WHERE state = 'pending';
CREATE INDEX events_pending ON events (class, received_at) WHERE state = 'pending';
CREATE INDEX events_errors ON events (kind) WHERE kind = 'error';
CREATE INDEX events_bound ON events (bound_to) WHERE bound_to IS NOT NULL;

-- A row is a lane, and in class 0 also a name of a person. person: NULL where the row itself holds the state
-- of the person, else the name of the one that does. Rows of the other classes are there while the lane is not idle.
CREATE TABLE lanes (
    lane              TEXT    NOT NULL,
    class             INTEGER NOT NULL,
    ready_at          INTEGER,
    token             INTEGER,
    head              INTEGER,
    starts            INTEGER NOT NULL DEFAULT 0,
    person            TEXT,
    last_inbound_at   INTEGER,
    human_until       INTEGER,
    template_required INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (lane, class)
) WITHOUT ROWID;
INSERT INTO lanes (lane, class, ready_at, token, head, starts, last_inbound_at)
SELECT lane, 0, ready_at, token, head, starts, last_inbound_at FROM conversations;
DROP TABLE conversations;
ALTER TABLE lanes RENAME TO conversations;
CREATE INDEX conversations_ready ON conversations (class, ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX conversations_active ON conversations (class, last_inbound_at, person) WHERE person IS NULL;
CREATE INDEX conversations_human ON conversations (human_until) WHERE human_until IS NOT NULL;
CREATE INDEX conversations_person ON conversations (person) WHERE person IS NOT NULL;

ALTER TABLE replies ADD COLUMN resends INTEGER NOT NULL DEFAULT 0;

ALTER TABLE counts ADD COLUMN pending_statuses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counts ADD COLUMN pending_notices INTEGER NOT NULL DEFAULT 0;

CREATE TABLE pauses (
    scope TEXT PRIMARY KEY,
    until INTEGER NOT NULL,
    level INTEGER NOT NULL,
    code  TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX pauses_until ON pauses (until);
