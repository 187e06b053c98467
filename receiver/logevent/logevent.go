// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package logevent names the log lines that programs act on. Such a line carries the attribute [Key] with one of the
// values below, so that its message may be reworded.
package logevent

// Key is the attribute that names the log line. The id of a stored event is in [EventID].
const Key = "event"

// EventID is the attribute that holds the id of a stored event.
const EventID = "event_id"

// Values of [Key].
const (
	ReceiverStarted = "receiver_started" // all ports listen; attributes webhook, admin, console and messages hold their addresses
	LeaseLost       = "lease_lost"       // another receiver took over the conversation; attribute event_id names its head
	Audit           = "audit"            // a request at the console port that changed something or revealed a person, by whom, and its status
)
