-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- ai_conversation: the id that the AI gave the conversation, recorded at ai_conversation_at.
ALTER TABLE conversations ADD COLUMN ai_conversation TEXT;
ALTER TABLE conversations ADD COLUMN ai_conversation_at INTEGER;

-- The texts of voice messages.
CREATE TABLE transcripts (
    event INTEGER PRIMARY KEY,
    text  TEXT NOT NULL
);
-- For programs of earlier versions: they delete an event to purge it or its payload, and do not know its transcript.
CREATE TRIGGER events_transcripts AFTER DELETE ON events BEGIN DELETE FROM transcripts WHERE event = old.seq; END;
