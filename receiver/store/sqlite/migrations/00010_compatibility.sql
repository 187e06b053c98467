-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
-- A program before version 8 does not know the events of later answers and of the desk. It would end an outbound message
-- without a send, so it must not open the store while one of them is pending.
ALTER TABLE compatibility RENAME TO recorded_compatibility;
CREATE VIEW compatibility AS
SELECT oldest FROM recorded_compatibility
UNION ALL
SELECT 8 WHERE EXISTS (SELECT 1 FROM events WHERE state = 'pending' AND kind IN ('outbound', 'answer_deadline', 'desk_message'));
CREATE TRIGGER compatibility_record INSTEAD OF INSERT ON compatibility BEGIN INSERT INTO recorded_compatibility VALUES (new.oldest); END;
