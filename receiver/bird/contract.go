// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bird sends requests to the AI at Bird, by the Bird bridge contract (docs/bird-contract.md).
package bird

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// Method names a call of the contract.
type Method string

// The methods. The answer to a Process method contains the replies to the person.
const (
	ProcessText     Method = "process_text_message"
	ProcessImage    Method = "process_image_message"
	ProcessAudio    Method = "process_audio_message"
	ProcessVideo    Method = "process_video_message"
	ProcessDocument Method = "process_document_message"
	ProcessLocation Method = "process_location_message"
	ProcessContacts Method = "process_contacts_message"
	ProcessButton   Method = "process_button_interaction"
	ProcessList     Method = "process_list_interaction"
	ProcessFlow     Method = "process_flow_response"
	ProcessOrder    Method = "process_order"
	ProcessEdit     Method = "process_message_edit"
	ProcessRevoke   Method = "process_message_revoke"
	// ProcessUndelivered is for messages that Meta could not deliver.
	ProcessUndelivered Method = "process_undelivered_message"
	ProcessOther       Method = "process_other_message" // off unless the configuration switches it on

	NotifyStatus Method = config.NotifyStatus

	AnalyzeImage    Method = "analyze_image"
	TranscribeAudio Method = "transcribe_audio"
	AnalyzeVideo    Method = "analyze_video"
	ParseDocument   Method = "parse_document"
)

// term is the contract's default for a method.
type term struct {
	path    string
	timeout time.Duration
	off     bool
	// optional: a bridge of before the method does not have it.
	optional bool
	dataKey  string // key of the media in base64; empty: the method has no media
}

var contract = map[Method]term{
	ProcessText: {path: "/v1/messages/text", timeout: 30 * time.Second},
	ProcessImage: {
		path:    "/v1/messages/image",
		timeout: 60 * time.Second,
		dataKey: "image_data",
	},
	ProcessAudio: {
		path:    "/v1/messages/audio",
		timeout: 60 * time.Second,
		dataKey: "audio_data",
	},
	ProcessVideo: {
		path:    "/v1/messages/video",
		timeout: 90 * time.Second,
		dataKey: "video_data",
	},
	ProcessDocument: {
		path:    "/v1/messages/document",
		timeout: 90 * time.Second,
		dataKey: "document_data",
	},
	ProcessLocation: {path: "/v1/messages/location", timeout: 30 * time.Second},
	ProcessContacts: {path: "/v1/messages/contacts", timeout: 30 * time.Second},
	ProcessButton:   {path: "/v1/interactions/button", timeout: 30 * time.Second},
	ProcessList:     {path: "/v1/interactions/list", timeout: 30 * time.Second},
	ProcessFlow:     {path: "/v1/interactions/flow", timeout: 30 * time.Second},
	ProcessOrder: {
		path:     "/v1/messages/order",
		timeout:  30 * time.Second,
		optional: true,
	},
	ProcessEdit: {
		path:     "/v1/messages/edit",
		timeout:  30 * time.Second,
		optional: true,
	},
	ProcessRevoke: {
		path:     "/v1/messages/revoke",
		timeout:  30 * time.Second,
		optional: true,
	},
	ProcessUndelivered: {
		path:     "/v1/messages/undelivered",
		timeout:  30 * time.Second,
		optional: true,
	},
	ProcessOther: {
		path:    "/v1/messages/other",
		timeout: 30 * time.Second,
		off:     true,
	},
	NotifyStatus: {path: "/v1/statuses", timeout: 5 * time.Second},
	AnalyzeImage: {
		path:    "/v1/analysis/image",
		timeout: 60 * time.Second,
		dataKey: "image_data",
	},
	TranscribeAudio: {
		path:    "/v1/analysis/audio",
		timeout: 90 * time.Second,
		dataKey: "audio_data",
	},
	AnalyzeVideo: {
		path:    "/v1/analysis/video",
		timeout: 120 * time.Second,
		dataKey: "video_data",
	},
	ParseDocument: {
		path:    "/v1/analysis/document",
		timeout: 120 * time.Second,
		dataKey: "document_data",
	},
}

// endpoint returns the configuration of m, with the contract's defaults. Enabled is never nil.
func endpoint(settings config.Bird, m Method) config.Endpoint {
	terms := contract[m]

	e := settings.Endpoints[string(m)]
	if e.Path == "" {
		e.Path = terms.path
	}

	if e.Timeout == 0 {
		e.Timeout = terms.timeout
	}

	if e.Enabled == nil {
		e.Enabled = new(!terms.off)
	}

	return e
}

// IsOptional reports whether a bridge may lack m.
func (m Method) IsOptional() bool { return contract[m].optional }

// Request is one call.
type Request struct {
	Method  Method
	Attempt int // from 1
	Replays int // how often the message was replayed by hand; Bird treats each replay as a new call
	Body    Body
	Media   *Media // for the media methods; nil for others
}

// idempotencyKey returns the same key for each attempt to process one event with one method.
func (r Request) idempotencyKey() string {
	key := string(r.Method) + ":" + r.Body.subject()
	if r.Replays > 0 {
		key += ":r" + strconv.Itoa(r.Replays)
	}

	if len(key) > 255 {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:])
	}

	return key
}
