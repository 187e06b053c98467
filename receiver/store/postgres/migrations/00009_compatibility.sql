-- Copyright The whatsapp-webhook-operator Authors.
-- SPDX-License-Identifier: Apache-2.0

-- +goose Up
SET LOCAL lock_timeout = '2s';

-- A program before version 7 does not know the events of later answers and of the desk. It would end an outbound message
-- without a send, so it must not open the store while one of them is pending.
ALTER TABLE compatibility RENAME TO recorded_compatibility;
CREATE VIEW compatibility AS
SELECT oldest FROM recorded_compatibility
UNION ALL
SELECT 7 WHERE EXISTS (SELECT FROM events WHERE state = 'pending' AND kind IN ('outbound', 'answer_deadline', 'desk_message'));
CREATE RULE compatibility_record AS ON INSERT TO compatibility DO INSTEAD INSERT INTO recorded_compatibility VALUES (NEW.oldest);
