-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- Times are integer milliseconds since 1970, UTC; NULL where there is none. Text is compared byte by byte: locks are taken
-- in the order of lanes, which must be the same for every session and every release of the C library.

-- +goose Up
SET LOCAL lock_timeout = '2s';

-- Numbers are taken under the lock of the lane, so within a lane their order is that of the commits. A cache would
-- hand each session numbers of its own, and so break that.
CREATE SEQUENCE events_seq CACHE 1;

-- class: 0 conversation, 1 status, 2 notice, 3 of events that never were pending. id: a hash, that fits a uuid.
-- bound_to: the event together with which this one ends. binds: whether events were ever bound to this one.
CREATE TABLE events (
    seq             BIGINT   PRIMARY KEY,
    id              UUID     NOT NULL UNIQUE,
    kind            TEXT     COLLATE "C" NOT NULL,
    type            TEXT     COLLATE "C" NOT NULL,
    state           TEXT     COLLATE "C" NOT NULL,
    class           SMALLINT NOT NULL,
    lane            TEXT     COLLATE "C" NOT NULL,
    phone_number_id TEXT     COLLATE "C" NOT NULL,
    received_at     BIGINT   NOT NULL,
    finished_at     BIGINT,
    attempts        INTEGER  NOT NULL DEFAULT 0,
    replays         INTEGER  NOT NULL DEFAULT 0,
    emptied         BOOLEAN  NOT NULL DEFAULT false,
    binds           BOOLEAN  NOT NULL DEFAULT false,
    bound_to        BIGINT,
    payload         BYTEA
);
ALTER SEQUENCE events_seq OWNED BY events.seq;
-- The indexes on work are partial: finished events leave them, and the history costs nothing. No other than events_head
-- can be used to find the head of a lane: with a backlog newer than its statistics, PostgreSQL would choose it.
CREATE INDEX events_head ON events (lane, class, seq) WHERE state = 'pending';
CREATE INDEX events_oldest ON events (received_at) WHERE state = 'pending' AND class = 0;
CREATE INDEX events_dead ON events (seq) WHERE state = 'dead';
CREATE INDEX events_errors ON events (seq) WHERE kind = 'error';
CREATE INDEX events_bound ON events (bound_to) WHERE bound_to IS NOT NULL;
CREATE INDEX events_finished ON events (emptied, finished_at) WHERE state NOT IN ('pending', 'dead');

-- A row is a lane, and in class 0 also a name of a person. person: NULL where the row itself holds the state
-- of the person, else the name of the one that does. Rows of the other classes are there while the lane is not idle.
-- ready_at: NULL when idle, the end of the lease when leased (token is set), else when the lane is due.
-- head: the event leased last, until the lane is empty; starts counts how often.
CREATE TABLE conversations (
    lane              TEXT     COLLATE "C" NOT NULL,
    class             SMALLINT NOT NULL,
    ready_at          BIGINT,
    token             BIGINT,
    head              BIGINT,
    starts            INTEGER  NOT NULL DEFAULT 0,
    person            TEXT     COLLATE "C",
    last_inbound_at   BIGINT,
    human_until       BIGINT,
    template_required BOOLEAN  NOT NULL DEFAULT false,
    PRIMARY KEY (lane, class)
);
CREATE INDEX conversations_ready ON conversations (class, ready_at, lane) WHERE ready_at IS NOT NULL;
CREATE INDEX conversations_active ON conversations (last_inbound_at) WHERE class = 0 AND person IS NULL;
CREATE INDEX conversations_human ON conversations (human_until) WHERE human_until IS NOT NULL;
CREATE INDEX conversations_person ON conversations (person) WHERE person IS NOT NULL;

CREATE TABLE replies (
    event      BIGINT  NOT NULL,
    part       INTEGER NOT NULL,
    type       TEXT    COLLATE "C" NOT NULL,
    body       BYTEA,
    state      TEXT    COLLATE "C" NOT NULL,
    started_at BIGINT,
    message_id TEXT    COLLATE "C" NOT NULL,
    resends    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (event, part)
);

CREATE TABLE failures (
    event BIGINT  NOT NULL,
    n     INTEGER NOT NULL,
    at    BIGINT  NOT NULL,
    class TEXT    COLLATE "C" NOT NULL,
    code  TEXT    COLLATE "C" NOT NULL,
    text  TEXT    COLLATE "C" NOT NULL,
    spent BOOLEAN NOT NULL,
    PRIMARY KEY (event, n)
);

-- event: the event of the status, with which it is purged.
CREATE TABLE statuses (
    event           BIGINT  PRIMARY KEY,
    phone_number_id TEXT    COLLATE "C" NOT NULL,
    message_id      TEXT    COLLATE "C" NOT NULL,
    participant     TEXT    COLLATE "C" NOT NULL,
    type            TEXT    COLLATE "C" NOT NULL,
    status          TEXT    COLLATE "C" NOT NULL,
    rank            INTEGER NOT NULL,
    at              BIGINT  NOT NULL,
    error_code      INTEGER NOT NULL,
    UNIQUE (message_id, phone_number_id, participant, type)
);

CREATE TABLE pauses (
    scope TEXT    COLLATE "C" PRIMARY KEY,
    until BIGINT  NOT NULL,
    level INTEGER NOT NULL,
    code  TEXT    COLLATE "C" NOT NULL
);
CREATE INDEX pauses_until ON pauses (until);

-- Leaders of jobs. duty: the job. until: end of the leadership. note: the state that the leader published.
CREATE TABLE duties (
    duty   TEXT   COLLATE "C" PRIMARY KEY,
    holder TEXT   COLLATE "C" NOT NULL,
    until  BIGINT NOT NULL,
    note   BYTEA
);

-- The figures are the sums of all rows. Every transaction that changes the state of events keeps them in step, each in a
-- row that few others write: one row for all would let only one transaction commit at a time.
CREATE TABLE counts (
    slot             INTEGER PRIMARY KEY,
    pending          BIGINT NOT NULL DEFAULT 0,
    pending_statuses BIGINT NOT NULL DEFAULT 0,
    pending_notices  BIGINT NOT NULL DEFAULT 0,
    dead             BIGINT NOT NULL DEFAULT 0,
    quarantined      BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO counts (slot) SELECT generate_series(0, 63);

-- Lanes and counts are few rows that change all the time: they are cleaned long before a fifth of them has changed. Events
-- are many, of which a fifth is too many.
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE conversations SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
ALTER TABLE counts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
