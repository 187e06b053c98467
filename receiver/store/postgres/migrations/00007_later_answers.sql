-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
SET LOCAL lock_timeout = '2s';

-- ai_conversation: the id that the AI gave the conversation, recorded at ai_conversation_at.
ALTER TABLE conversations ADD COLUMN ai_conversation TEXT COLLATE "C", ADD COLUMN ai_conversation_at BIGINT;

-- transcript: the text of a voice message.
ALTER TABLE events ADD COLUMN transcript TEXT COLLATE "C";

-- For programs of earlier versions, which purge the payload of an event and do not know its transcript.
-- +goose StatementBegin
CREATE FUNCTION purge_transcript() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.transcript := NULL;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER events_transcript BEFORE UPDATE OF emptied ON events
    FOR EACH ROW WHEN (NEW.emptied AND NEW.transcript IS NOT NULL) EXECUTE FUNCTION purge_transcript();
