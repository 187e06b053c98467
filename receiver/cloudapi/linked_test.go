// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinkedMediaOfABody(t *testing.T) {
	for name, tc := range map[string]struct {
		body     string
		links    []Linked
		uploaded string // the body with ids
	}{
		"image": {
			body:     `{"type":"image","image":{"link":"https://a.example/1.jpg","caption":"A"},"context":{"message_id":"wamid.1"}}`,
			links:    []Linked{{"image", "https://a.example/1.jpg"}},
			uploaded: `{"type":"image","image":{"id":"id of https://a.example/1.jpg","caption":"A"},"context":{"message_id":"wamid.1"}}`,
		},
		"document with a file name": {
			body:     `{"type":"document","document":{"link":"https://a.example/x","filename":"bill.pdf"}}`,
			links:    []Linked{{"document", "https://a.example/x"}},
			uploaded: `{"type":"document","document":{"id":"id of https://a.example/x","filename":"bill.pdf"}}`,
		},
		"document without a file name": {
			body:     `{"type":"document","document":{"link":"https://a.example/files/price%20list.pdf?x=1"}}`,
			links:    []Linked{{"document", "https://a.example/files/price%20list.pdf?x=1"}},
			uploaded: `{"type":"document","document":{"id":"id of https://a.example/files/price%20list.pdf?x=1","filename":"price list.pdf"}}`,
		},
		"header of buttons": {
			body:     `{"type":"interactive","interactive":{"type":"button","header":{"type":"video","video":{"link":"http://a.example/v"}},"body":{"text":"t"}}}`,
			links:    []Linked{{"video", "http://a.example/v"}},
			uploaded: `{"type":"interactive","interactive":{"type":"button","header":{"type":"video","video":{"id":"id of http://a.example/v"}},"body":{"text":"t"}}}`,
		},
		"parameter of a template": {
			body:     `{"type":"template","template":{"name":"n","components":[{"type":"header","parameters":[{"type":"image","image":{"link":"https://a.example/2"}}]}]}}`,
			links:    []Linked{{"image", "https://a.example/2"}},
			uploaded: `{"type":"template","template":{"name":"n","components":[{"type":"header","parameters":[{"type":"image","image":{"id":"id of https://a.example/2"}}]}]}}`,
		},
		"uploaded file":    {body: `{"type":"image","image":{"id":"7"}}`},
		"text with a link": {body: `{"type":"text","text":{"body":"link","link":"https://a.example"}}`},
		"numbers":          {body: `{"type":"location","location":{"latitude":4.7000000000000001,"longitude":-74}}`},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(tc.body)
			if got := HasLink(body); got != (tc.links != nil) || WantsUpload(body) {
				t.Errorf("HasLink() = %v, WantsUpload() = %v", got, WantsUpload(body))
			}

			marked, err := ForUpload(body)
			if err != nil {
				t.Fatal(err)
			}

			if HasLink(marked) || WantsUpload(marked) != (tc.links != nil) {
				t.Errorf("ForUpload() = %s", marked)
			}

			for _, body := range [][]byte{body, marked} {
				var links []Linked

				got, err := WithUploads(body, func(linked Linked) (string, error) {
					links = append(links, linked)
					return "id of " + linked.URL, nil
				})
				if err != nil {
					t.Fatal(err)
				}

				if diff := cmp.Diff(tc.links, links); diff != "" {
					t.Errorf("links (-want +got):\n%s", diff)
				}

				want := tc.uploaded
				if want == "" {
					want = tc.body
				}

				if diff := cmp.Diff(decode(t, []byte(want)), decode(t, got)); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
			}
		})
	}

	refused := errors.New("refused")
	if _, err := WithUploads([]byte(`{"image":{"link":"https://a.example"}}`), func(Linked) (string, error) { return "", refused }); !errors.Is(err, refused) {
		t.Errorf("WithUploads() error = %v, want that of the upload", err)
	}

	numbers, err := ForUpload([]byte(`{"latitude":4.7000000000000001}`))
	if err != nil || !slices.Equal(strings.Split(string(numbers), ":"), []string{`{"latitude"`, "4.7000000000000001}"}) {
		t.Errorf("ForUpload() = %s, %v; want all digits", numbers, err)
	}

	for _, body := range []string{"", "null", "[]", `"text"`} {
		if got, err := ForUpload([]byte(body)); err == nil || HasLink([]byte(body)) {
			t.Errorf("ForUpload(%q) = %s, want an error", body, got)
		}
	}
}
