// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestEveryMethodFollowsTheContract(t *testing.T) {
	standIn := standin.NewBird(standin.BirdOptions{AccessKeys: []string{"key"}})
	bird := birdAt(t, standIn, config.Bird{})
	media, _ := mediaOf(10)

	analysis := assistant.MediaAnalysis{
		Common:   common,
		Filename: "f",
		Metadata: assistant.MediaMetadata{
			Type:     "image",
			MimeType: "image/jpeg",
			Caption:  "c",
		},
	}
	for _, tc := range []struct {
		request assistant.Request
		want    map[string]any // properties of the payload besides the common ones
	}{
		{assistant.Request{Method: assistant.ProcessText, Body: assistant.TextMessage{
			Common:   common,
			Text:     "hi",
			Analysis: json.RawMessage(`{"summary":"s"}`),
		}}, map[string]any{"text": "hi", "analysis": map[string]any{"summary": "s"}}},
		{assistant.Request{
			Method: assistant.ProcessImage,
			Media:  media,
			Body: assistant.ImageMessage{
				Common:   common,
				Caption:  "c",
				MimeType: "image/jpeg",
			},
		}, map[string]any{"caption": "c", "mime_type": "image/jpeg"}},
		{assistant.Request{
			Method: assistant.ProcessAudio,
			Media:  media,
			Body: assistant.AudioMessage{
				Common:   common,
				MimeType: "audio/ogg",
				Voice:    true,
			},
		}, map[string]any{"mime_type": "audio/ogg", "voice": true}},
		{assistant.Request{
			Method: assistant.ProcessVideo,
			Media:  media,
			Body: assistant.VideoMessage{
				Common:   common,
				Caption:  "c",
				MimeType: "video/mp4",
			},
		}, map[string]any{"caption": "c", "mime_type": "video/mp4"}},
		{assistant.Request{
			Method: assistant.ProcessDocument,
			Media:  media,
			Body: assistant.DocumentMessage{
				Common:   common,
				Caption:  "c",
				Filename: "f",
				MimeType: "application/pdf",
			},
		}, map[string]any{
			"caption":   "c",
			"filename":  "f",
			"mime_type": "application/pdf",
		}},
		{assistant.Request{Method: assistant.ProcessLocation, Body: assistant.LocationMessage{Common: common, Location: assistant.Location{
			Latitude:  1.5,
			Longitude: -2,
			Name:      "n",
			Address:   "a",
		}}}, map[string]any{"location": map[string]any{
			"latitude":  1.5,
			"longitude": -2.0,
			"name":      "n",
			"address":   "a",
		}}},
		{assistant.Request{Method: assistant.ProcessContacts, Body: assistant.ContactsMessage{Common: common, Contacts: []json.RawMessage{[]byte(`{"a":1}`)}}}, map[string]any{"contacts": []any{map[string]any{"a": 1.0}}}},
		{assistant.Request{Method: assistant.ProcessOrder, Body: assistant.OrderMessage{Common: common, Order: []byte(`{"a":1}`)}}, map[string]any{"order": map[string]any{"a": 1.0}}},
		{assistant.Request{Method: assistant.ProcessButton, Body: assistant.ButtonInteraction{
			Common:      common,
			ButtonID:    "b",
			ButtonTitle: "t",
			Source:      assistant.FromTemplate,
		}}, map[string]any{
			"button_id":    "b",
			"button_title": "t",
			"source":       "template",
		}},
		{assistant.Request{Method: assistant.ProcessList, Body: assistant.ListInteraction{
			Common:          common,
			ListID:          "l",
			ListTitle:       "t",
			ListDescription: "d",
		}}, map[string]any{
			"list_id":          "l",
			"list_title":       "t",
			"list_description": "d",
		}},
		{assistant.Request{Method: assistant.ProcessFlow, Body: assistant.FlowResponse{
			Common:   common,
			FlowName: "flow",
			Response: json.RawMessage(`{"a":1}`),
		}}, map[string]any{"flow_name": "flow", "response": map[string]any{"a": 1.0}}},
		{assistant.Request{Method: assistant.ProcessEdit, Body: assistant.EditedMessage{
			Common:     common,
			OriginalID: "wamid.0",
			Type:       "image",
			Caption:    "c",
		}}, map[string]any{
			"original_message_id": "wamid.0",
			"type":                "image",
			"text":                "",
			"caption":             "c",
		}},
		{
			assistant.Request{Method: assistant.ProcessRevoke, Body: assistant.RevokedMessage{Common: common, OriginalID: "wamid.0"}},
			map[string]any{"original_message_id": "wamid.0"},
		},
		{assistant.Request{Method: assistant.ProcessUndelivered, Body: assistant.UndeliveredMessage{
			Common:  common,
			Type:    "unsupported",
			Errors:  json.RawMessage(`[{"code":131051}]`),
			Message: json.RawMessage(`{"a":1}`),
		}}, map[string]any{
			"type":    "unsupported",
			"errors":  []any{map[string]any{"code": 131051.0}},
			"message": map[string]any{"a": 1.0},
		}},
		{assistant.Request{Method: assistant.ProcessOther, Body: assistant.OtherMessage{
			Common:  common,
			Type:    "order",
			Message: json.RawMessage(`{"a":1}`),
		}}, map[string]any{"type": "order", "message": map[string]any{"a": 1.0}}},
		{
			assistant.Request{Method: assistant.NotifyStatus, Body: assistant.StatusNotification{
				Common:      common,
				Status:      "read",
				RecipientID: new("573001234567"),
				Pricing:     json.RawMessage(`{"billable":true}`),
			}},
			map[string]any{
				"status":            "read",
				"recipient_id":      "573001234567",
				"recipient_user_id": nil,
				"errors":            nil,
				"pricing":           map[string]any{"billable": true},
			},
		},
		{assistant.Request{
			Method: assistant.AnalyzeImage,
			Media:  media,
			Body:   analysis,
		}, map[string]any{"filename": "f", "metadata": map[string]any{
			"type":      "image",
			"mime_type": "image/jpeg",
			"caption":   "c",
			"voice":     false,
		}}},
		{assistant.Request{
			Method: assistant.TranscribeAudio,
			Media:  media,
			Body:   analysis,
		}, nil},
		{assistant.Request{
			Method: assistant.AnalyzeVideo,
			Media:  media,
			Body:   analysis,
		}, nil},
		{assistant.Request{
			Method: assistant.ParseDocument,
			Media:  media,
			Body:   analysis,
		}, nil},
	} {
		method := tc.request.Method
		t.Run(string(method), func(t *testing.T) {
			tc.request.Attempt = 2

			var err error
			switch method {
			case assistant.NotifyStatus:
				err = bird.Notify(t.Context(), tc.request)
			case assistant.AnalyzeImage, assistant.TranscribeAudio, assistant.AnalyzeVideo, assistant.ParseDocument:
				var analysis assistant.Analysis
				if analysis, err = bird.Analyze(t.Context(), tc.request); err == nil && (method == assistant.TranscribeAudio) != (analysis.Transcript == "hello") {
					t.Errorf("transcript = %q", analysis.Transcript)
				}
			default:
				var given answer.Answer
				if given, err = bird.Ask(t.Context(), tc.request); err == nil && len(given.Replies) != 1 {
					t.Errorf("answer = %+v, want one reply", given)
				}
			}

			if err != nil {
				t.Fatal(err)
			}

			asked := standIn.Asked()

			call := asked[len(asked)-1]
			if call.Method != string(method) || call.Attempt != 2 || call.IdempotencyKey != tc.request.IdempotencyKey() {
				t.Errorf("called %s, attempt %d, key %s", call.Method, call.Attempt, call.IdempotencyKey)
			}

			if tc.request.Media != nil && call.MediaSHA256 != media.SHA256 {
				t.Errorf("media = %d bytes of %s, want those of %s", call.MediaBytes, call.MediaSHA256, media.SHA256)
			}

			for key, want := range tc.want {
				if diff := cmp.Diff(want, call.Payload[key]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}

			for key, want := range map[string]any{
				"schema_version": 1.0,
				"method":         string(method),
				"message_id":     "wamid.1",
				"from":           "573001234567",
				"channel":        "whatsapp",
			} {
				if call.Payload[key] != want {
					t.Errorf("%s = %v, want %v", key, call.Payload[key], want)
				}
			}
		})
	}

	for m := range terms {
		if bird.Enabled(m) != (m != assistant.ProcessOther) {
			t.Errorf("Enabled(%s) = %t", m, bird.Enabled(m))
		}
	}
}
