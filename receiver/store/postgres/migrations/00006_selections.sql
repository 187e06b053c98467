-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
SET LOCAL lock_timeout = '2s';

-- code: of the event's last failure; empty if there was none.
ALTER TABLE events ADD COLUMN code TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE events e SET code = f.code
FROM failures f
WHERE e.state IN ('pending', 'dead') AND f.event = e.seq AND f.n = (SELECT max(n) FROM failures m WHERE m.event = e.seq) AND f.code <> '';

-- The events that were not answered and can be replayed. Those of one state are read in order of arrival.
CREATE INDEX events_unanswered ON events (state, seq) WHERE state IN ('dead', 'quarantined', 'human', 'expired');
DROP INDEX events_dead;

-- fallback: whether the part replaces an answer that could not be used.
ALTER TABLE replies ADD COLUMN fallback BOOLEAN NOT NULL DEFAULT false;
