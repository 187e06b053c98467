-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- Persons become rows: a conversation is the row of a person, and names lead to it. Until now a row of class 0 was one
-- of the names, and its column person named the row with the person's state.

-- +goose Up
SET LOCAL lock_timeout = '2s';

-- The further names of persons. The row of a person in conversations has another name, which is not in this table.
-- Every change is made under the lock of the person's row.
CREATE TABLE names (
    name   TEXT COLLATE "C" PRIMARY KEY,
    person TEXT COLLATE "C" NOT NULL
);
INSERT INTO names (name, person) SELECT lane, person FROM conversations WHERE class = 0 AND person IS NOT NULL;
CREATE INDEX names_person ON names (person);

-- A person has one lane from now on. If one of the lanes is leased, it stays leased until the last lease ends: its holder
-- may still be at work. Else it is due when the first of them is.
UPDATE conversations p
SET ready_at = m.ready_at, token = m.token, head = m.head, starts = m.starts, set_at = m.set_at, waits_for = m.waits_for
FROM (
    SELECT DISTINCT ON (coalesce(person, lane)) coalesce(person, lane) AS lane, ready_at, token, head, starts, set_at, waits_for
    FROM conversations
    WHERE class = 0 AND ready_at IS NOT NULL AND (person IS NOT NULL OR lane IN (SELECT person FROM names))
    ORDER BY coalesce(person, lane), token IS NULL, CASE WHEN token IS NULL THEN ready_at ELSE -ready_at END
) m
WHERE p.lane = m.lane AND p.class = 0;
UPDATE events e SET lane = n.person FROM names n WHERE e.lane = n.name AND e.class = 0 AND e.state = 'pending';
DELETE FROM conversations WHERE class = 0 AND person IS NOT NULL;
ALTER TABLE conversations DROP COLUMN person;
CREATE INDEX conversations_active ON conversations (last_inbound_at) WHERE class = 0;

-- Who has the conversation: taken_by until human_until, by a change at taken_at; taken_event: the event whose answer
-- handed it off.
ALTER TABLE conversations ADD COLUMN taken_by TEXT COLLATE "C", ADD COLUMN taken_at BIGINT, ADD COLUMN taken_event UUID;
