// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// printFile prints the events of one file, what Bird was asked and what people were sent. Names of people are masked.
func printFile(r *rig.Rig, records []store.Record) {
	for _, record := range records {
		event := record.Event
		if isEmitted(event.Kind) {
			continue
		}

		text := string(event.State)
		if reason := reasonOf(record); reason != "" {
			text += ": " + reason
		}

		line("  event       %s %s, conversation %s: %s",
			event.Kind, cmp.Or(event.Type, "without type"), maskLane(event.Lane), text)
	}

	for _, call := range r.Bird.Asked() {
		line("  Bird        %s", call.Method)
	}

	for _, m := range r.Graph.Sent() {
		line("  sent        %s to %s", m.Type, recipientOf(m))
	}
}

// reasonOf returns why an event was not processed as others of its kind are.
func reasonOf(record store.Record) string {
	last := lastFailure(record)

	switch {
	case last.Text != "":
		return strings.TrimSpace(last.Class + " " + last.Code + ": " + last.Text)
	case record.Event.Kind == store.KindUnknown:
		return "it has no shape of Meta's that the receiver knows; it is stored as it came"
	case record.Event.State == store.Skipped && (record.Event.Type == "edit" || record.Event.Type == "revoke"):
		return "it changed a message that was not answered yet"
	case record.Event.State == store.Skipped && record.Event.Kind == store.KindMessage:
		return "no method that is enabled takes this type; it is stored"
	case record.Event.State == store.Skipped:
		return "it needs no reaction; it is stored"
	case record.Event.State == store.Human:
		return "people have the conversation"
	case record.Event.State == store.Quarantined:
		return "it names no phone number that the receiver serves"
	}

	return ""
}

// recipientOf returns whom a message was sent to.
func recipientOf(m standin.SentMessage) string {
	if m.Group {
		return "group " + mask(m.To)
	}

	return mask(cmp.Or(m.To, m.Recipient))
}

// maskLane masks the person or group of a conversation. Only the business's own number stays readable.
func maskLane(lane string) string {
	number, rest, found := strings.Cut(lane, ":")
	if !found {
		return cmp.Or(lane, "none")
	}

	parts := strings.Split(rest, ":")
	parts[len(parts)-1] = mask(parts[len(parts)-1])

	return number + ":" + strings.Join(parts, ":")
}

// mask hides all but the first and the last characters of a name.
func mask(name string) string {
	runes := []rune(name)
	if len(runes) < 6 {
		return strings.Repeat("*", len(runes))
	}

	hidden := slices.Repeat([]rune{'*'}, len(runes)-5)

	return string(slices.Concat(runes[:3], hidden[:min(len(hidden), 8)], runes[len(runes)-2:]))
}
