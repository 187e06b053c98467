// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const secret = "the mother of the person" // stands for content, which no error may repeat

// encodedContent is a content with its JSON, the value of the property named like the type.
type encodedContent struct {
	content Content
	want    string
	cut     int
}

// standInClient returns a client of a stand-in for Graph, which enforces Meta's limits.
func standInClient(t *testing.T) *Client {
	t.Helper()

	graph := standin.NewGraph(standin.GraphOptions{AccessTokens: []string{"token"}})
	server := httptest.NewServer(graph)
	live := config.Fixed(config.Config{CloudAPI: config.CloudAPI{BaseURL: server.URL}}, config.Secrets{AccessToken: "token"})
	client := NewClient(live, 1, clockwork.NewRealClock())

	t.Cleanup(func() { client.Close(); graph.Close(); server.Close() })

	return client
}

// checkEncoded compares the JSON of contents, and sends them to the stand-in for Graph.
func checkEncoded(t *testing.T, typ string, contents map[string]encodedContent) {
	t.Helper()

	client := standInClient(t)

	for name, tc := range contents {
		encoded, err := Encode(reply, tc.content)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}

		var message map[string]json.RawMessage
		if err := json.Unmarshal(encoded.Body, &message); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(tc.want, string(message[typ])); encoded.Type != typ || diff != "" {
			t.Errorf("%s: Encode() of type %s (-want +got):\n%s", name, encoded.Type, diff)
		}

		if encoded.Cut != tc.cut {
			t.Errorf("%s: Encode() cut %d texts, want %d", name, encoded.Cut, tc.cut)
		}

		if _, err := client.Send(t.Context(), "42", encoded.Body); err != nil {
			t.Errorf("%s: the stand-in for Meta refuses it: %v", name, err)
		}
	}
}

// checkUnfit compares the failures of contents that Meta would refuse.
func checkUnfit(t *testing.T, contents map[string]Content) {
	t.Helper()

	for want, content := range contents {
		_, err := Encode(reply, content)

		f := failure.Of(err)
		if err == nil || f.Class != failure.Permanent || f.Code != CodeBadContent || !strings.Contains(f.Text, want) {
			t.Errorf("Encode(%T) error = %v, want a permanent failure with %q", content, err, want)
		}

		if strings.Contains(f.Error(), secret) {
			t.Errorf("Encode(%T): the error repeats the content: %v", content, err)
		}
	}
}

func TestHeaders(t *testing.T) {
	choices := func(header MediaContent) ButtonsContent {
		return ButtonsContent{Frame: Frame{Text: "t", HeaderMedia: &header}, Buttons: buttons("A")}
	}
	object := func(header string) string {
		return `{"type":"button","header":` + header + `,"body":{"text":"t"},"action":{"buttons":[{"type":"reply","reply":{"id":"a","title":"A"}}]}}`
	}

	checkEncoded(t, "interactive", map[string]encodedContent{
		"image by link": {
			content: choices(MediaContent{Type: "image", Link: "https://a.example/i"}),
			want:    object(`{"type":"image","image":{"link":"https://a.example/i"}}`),
		},
		"video by id": {
			content: choices(MediaContent{Type: "video", ID: "7"}),
			want:    object(`{"type":"video","video":{"id":"7"}}`),
		},
		"document with a caption": {
			content: choices(MediaContent{
				Type:     "document",
				ID:       "7",
				Caption:  "not shown",
				Filename: "f.pdf",
			}),
			want: object(`{"type":"document","document":{"id":"7","filename":"f.pdf"}}`),
		},
	})
	checkUnfit(t, map[string]Content{
		"the header has no known type":      choices(MediaContent{Type: "audio", ID: secret}),
		"needs either a media id or a link": choices(MediaContent{Type: "image"}),
		"not an absolute http or https URL": choices(MediaContent{Type: "image", Link: secret}),
		"the list has a file in its header": ListContent{Frame: Frame{Text: "t", HeaderMedia: &MediaContent{Type: "image", ID: "7"}}, Sections: []ListSection{{Rows: rows("1")}}},
	})
}

func TestLinks(t *testing.T) {
	checkEncoded(t, "interactive", map[string]encodedContent{
		"a link": {
			content: LinkContent{
				Frame: Frame{
					Text:   strings.Repeat("t", 1024),
					Header: "H",
					Footer: "F",
				},
				Label: "See the dates",
				URL:   "https://a.example/b?c=d",
			},
			want: `{"type":"cta_url","header":{"type":"text","text":"H"},"body":{"text":"` + strings.Repeat("t", 1024) + `"},"footer":{"text":"F"},"action":{"name":"cta_url","parameters":{"display_text":"See the dates","url":"https://a.example/b?c=d"}}}`,
		},
		"a label of 21 characters": {
			content: LinkContent{
				Frame: Frame{Text: "t"},
				Label: strings.Repeat("é", 21),
				URL:   "http://a.example",
			},
			want: `{"type":"cta_url","body":{"text":"t"},"action":{"name":"cta_url","parameters":{"display_text":"` + strings.Repeat("é", 20) + `","url":"http://a.example"}}}`,
			cut:  1,
		},
	})
	checkUnfit(t, map[string]Content{
		"the text above the link is empty": LinkContent{Label: secret, URL: "https://a.example"},
		"has 1025 characters, at most 1024": LinkContent{
			Frame: Frame{Text: strings.Repeat("t", 1025)},
			Label: secret,
			URL:   "https://a.example",
		},
		"has no label": LinkContent{Frame: Frame{Text: secret}, URL: "https://a.example"},
		"no absolute http or https URL": LinkContent{
			Frame: Frame{Text: secret},
			Label: secret,
			URL:   "tel:" + secret,
		},
	})
}

func TestSplitBody(t *testing.T) {
	words := func(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }

	for name, tc := range map[string]struct {
		text      string
		beginning []int // lengths
		end       int
	}{
		"fits":             {words(204), nil, 1019},
		"one text before":  {words(300), []int{1024}, 474},
		"a short end":      {words(900), []int{4094}, 404},
		"two texts before": {words(1200), []int{4094, 1024}, 879},
		"one word":         {strings.Repeat("x", 1025), []int{1024}, 1},
		"emoji":            {strings.Repeat("🍎", 600), []int{2048}, 352},
	} {
		beginning, end := SplitBody(tc.text)

		var lengths []int
		for _, text := range beginning {
			lengths = append(lengths, len(text))
		}

		if diff := cmp.Diff(tc.beginning, lengths); diff != "" || len(end) != tc.end {
			t.Errorf("%s: SplitBody() ends with %d characters, want %d; lengths before (-want +got):\n%s", name, len(end), tc.end, diff)
		}

		pieces := strings.Join(append(beginning, end), "")
		if strings.ReplaceAll(pieces, " ", "") != strings.ReplaceAll(tc.text, " ", "") {
			t.Errorf("%s: the pieces are not the text", name)
		}
	}
}

func TestGroupsTakeNothingToTap(t *testing.T) {
	group := Reply{To: Recipient{GroupID: "Y2FwaV9"}}

	for _, content := range []Content{
		LinkContent{
			Frame: Frame{Text: secret},
			Label: "A",
			URL:   "https://a.example",
		},
		LocationContent{Name: secret},
		ReactionContent{MessageID: "wamid.1", Emoji: "👍"},
		ContactsContent{Contacts: []json.RawMessage{[]byte(`{"name":{"formatted_name":"A"}}`)}},
	} {
		_, err := Encode(group, content)
		if err == nil || !strings.Contains(err.Error(), "groups take only texts, media and templates") {
			t.Errorf("Encode(%T) to a group: error = %v", content, err)
		}
	}

	for _, content := range []Content{TextContent{Text: "t"}, TemplateContent{Name: "n", Language: "es"}, MediaContent{Type: "image", ID: "7"}} {
		if _, err := Encode(group, content); err != nil {
			t.Errorf("Encode(%T) to a group: %v", content, err)
		}
	}
}
