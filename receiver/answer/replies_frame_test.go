// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkReplies compares the replies to messages in the contract's form.
func checkReplies(t *testing.T, wants map[string]Reply) {
	t.Helper()

	for message, want := range wants {
		got, err := Parse([]byte(message))
		if err != nil {
			t.Errorf("Parse(%s): %v", message, err)
			continue
		}

		if diff := cmp.Diff([]Reply{want}, got.Replies); diff != "" {
			t.Errorf("Parse(%s): replies (-want +got):\n%s", message, diff)
		}
	}
}

// checkRefused compares the errors that messages lead to. The word "mother" stands for content, which none may repeat.
func checkRefused(t *testing.T, wants map[string]string) {
	t.Helper()

	for message, want := range wants {
		_, err := Parse([]byte(message))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("Parse(%s): error = %v, want one with %q", message, err, want)
		}

		if strings.Contains(err.Error(), "mother") {
			t.Errorf("Parse(%s): the error repeats the content: %v", message, err)
		}
	}
}

func TestReadHeader(t *testing.T) {
	link := Link{Label: "Open", URL: "https://a.example/b"}
	with := func(header string, media *ReplyMedia) Reply {
		return Reply{
			Kind:        KindLink,
			Text:        "t",
			Header:      header,
			HeaderMedia: media,
			Link:        &link,
		}
	}
	message := func(header string) string {
		return `{"type":"cta_url","text":"t","button_text":"Open","url":"https://a.example/b","header":` + header + `}`
	}

	checkReplies(t, map[string]Reply{
		message(`null`):                       with("", nil),
		message(`"H"`):                        with("H", nil),
		message(`7`):                          with("7", nil),
		message(`""`):                         with("", nil),
		message(`{}`):                         with("", nil),
		message(`[]`):                         with("", nil),
		message(`{"type":"image","url":""}`):  with("", nil),
		message(`{"type":"text","text":"H"}`): with("H", nil),
		message(`{"type":"text"}`):            with("", nil),
		message(`{"type":"image","url":"https://a.example/i"}`):                   with("", &ReplyMedia{Type: "image", URL: "https://a.example/i"}),
		message(`{"type":"video","media_id":"7","url":"https://a.example/i"}`):    with("", &ReplyMedia{Type: "video", MediaID: "7"}),
		message(`{"type":"document","url":"https://a.example/i","filename":"f"}`): with("", &ReplyMedia{Type: "document", URL: "https://a.example/i", Filename: "f"}),
		message(`{"type":"image","image":{"link":"https://a.example/i"}}`):        with("", &ReplyMedia{Type: "image", URL: "https://a.example/i"}),
		message(`{"type":"document","document":{"id":"7","filename":"f"}}`):       with("", &ReplyMedia{Type: "document", MediaID: "7", Filename: "f"}),
	})
	checkRefused(t, map[string]string{
		message(`[7]`):                             "header has an unexpected JSON type",
		message(`{"type":["mother"]}`):             "header has an unexpected JSON type",
		message(`{"type":"mother"}`):               "a type other than text, image, video and document",
		message(`{"type":"image"}`):                "media without url and media_id",
		message(`{"type":"image","url":"mother"}`): "not an absolute https URL",
	})
}

func TestReadLink(t *testing.T) {
	checkReplies(t, map[string]Reply{
		`{"type":"cta_url","text":"t","footer":"f","button_text":"Open","url":"http://a.example/b?c=d"}`: {
			Kind:   KindLink,
			Text:   "t",
			Footer: "f",
			Link:   &Link{Label: "Open", URL: "http://a.example/b?c=d"},
		},
		`{"type":"interactive","interactive_type":"cta_url","text":"t","url":"https://a.example:8443/b"}`: {
			Kind: KindLink,
			Text: "t",
			Link: &Link{Label: "a.example", URL: "https://a.example:8443/b"},
		},
	})
	checkRefused(t, map[string]string{
		`{"type":"cta_url","text":"t","button_text":"mother"}`:           "not an absolute https URL",
		`{"type":"cta_url","text":"t","url":"mother"}`:                   "not an absolute https URL",
		`{"type":"cta_url","text":"t","url":"javascript:mother"}`:        "not an absolute https URL",
		`{"type":"cta_url","text":["mother"],"url":"https://a.example"}`: "malformed: text has an unexpected JSON type",
	})
}
