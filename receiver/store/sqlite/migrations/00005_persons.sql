-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- names: the further names of persons. person: the name of the person's lane, under which the person's pending events are
-- stored. Before, the row of each name in conversations led to the row that held the state of the person.
CREATE TABLE names (
    name   TEXT PRIMARY KEY,
    person TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO names (name, person) SELECT lane, person FROM conversations WHERE class = 0 AND person IS NOT NULL;
CREATE INDEX names_person ON names (person);

UPDATE events SET lane = (SELECT person FROM names WHERE name = events.lane)
WHERE lane IN (SELECT name FROM names) AND class = 0 AND state = 'pending';

-- No process holds a lease during a migration. Of the lanes of one person the earliest due decides.
UPDATE conversations SET ready_at = 0, set_at = 0, token = NULL
WHERE class = 0 AND ready_at IS NOT NULL AND token IS NOT NULL;
UPDATE conversations AS p SET (ready_at, set_at, waits_for, head, starts) = (
    SELECT ready_at, set_at, waits_for, head, starts FROM conversations c
    WHERE c.class = 0 AND c.ready_at IS NOT NULL AND (c.lane = p.lane OR c.person = p.lane)
    ORDER BY ready_at, starts DESC LIMIT 1)
WHERE class = 0 AND lane IN (SELECT person FROM conversations WHERE person IS NOT NULL AND ready_at IS NOT NULL);

DROP INDEX conversations_active;
DELETE FROM conversations WHERE class = 0 AND person IS NOT NULL;
DROP INDEX conversations_person;
ALTER TABLE conversations DROP COLUMN person;
CREATE INDEX conversations_active ON conversations (class, last_inbound_at);

-- Who has the conversation: taken_by people until human_until, since taken_at. taken_event: the id of the event whose
-- answer handed it off.
ALTER TABLE conversations ADD COLUMN taken_by TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN taken_at INTEGER;
ALTER TABLE conversations ADD COLUMN taken_event BLOB;
UPDATE conversations SET taken_by = 'colleague' WHERE human_until IS NOT NULL;
CREATE INDEX conversations_taken_by_name ON conversations (lane) WHERE human_until IS NOT NULL;
CREATE INDEX conversations_taken_at ON conversations (taken_at) WHERE taken_at IS NOT NULL;
