// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package assistant asks the AI about messages. Drivers implement the protocols that AIs speak.
package assistant

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// Method names a call of the Bird bridge contract (docs/bird-contract.md). The other protocols take the same requests.
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

// optionalMethods are the methods that bridges of earlier versions may lack.
var optionalMethods = []Method{
	ProcessOrder,
	ProcessEdit,
	ProcessRevoke,
	ProcessUndelivered,
}

// IsOptional reports whether a bridge may lack m.
func (m Method) IsOptional() bool { return slices.Contains(optionalMethods, m) }

// mediaKeys are the properties with the media in base64.
var mediaKeys = map[Method]string{
	ProcessImage:    "image_data",
	ProcessAudio:    "audio_data",
	ProcessVideo:    "video_data",
	ProcessDocument: "document_data",
	AnalyzeImage:    "image_data",
	TranscribeAudio: "audio_data",
	AnalyzeVideo:    "video_data",
	ParseDocument:   "document_data",
}

// MediaKey returns the property with the media in base64, or "" if m has no media.
func (m Method) MediaKey() string { return mediaKeys[m] }

// Request is one call.
type Request struct {
	Method  Method
	Attempt int // from 1
	Replays int // how often the message was replayed by hand; the AI treats each replay as a new call
	Body    Body
	Media   *Media // for the media methods, if the AI takes the file; nil for others
	// Text is the message as text, for every type (see whatsapp.Message.PlainText). It is for text-only protocols.
	Text string
	// History are the last turns of the conversation, the oldest first, for protocols whose server keeps none.
	History []HistoryMessage
}

// Common returns the fields that all bodies have.
func (r Request) Common() Common { return r.Body.common() }

// IdempotencyKey returns the same key for each attempt to process one event with one method. A key that no header can have is
// sent as its hash: Meta's ids are opaque.
func (r Request) IdempotencyKey() string {
	key := string(r.Method) + ":" + r.Body.subject()
	if r.Replays > 0 {
		key += ":r" + strconv.Itoa(r.Replays)
	}

	if isForeign := func(r rune) bool { return r < '!' || r > '~' }; len(key) > 255 || strings.ContainsFunc(key, isForeign) {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:])
	}

	return key
}
