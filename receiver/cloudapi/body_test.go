// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWithCallback(t *testing.T) {
	encoded, err := Encode(Reply{To: Recipient{WaID: "573005550101"}, Callback: "abc:0"}, TextContent{Text: "1 < 2"})
	if err != nil {
		t.Fatal(err)
	}

	want, err := Encode(Reply{To: Recipient{WaID: "573005550101"}, Callback: "abc:0:1"}, TextContent{Text: "1 < 2"})
	if err != nil {
		t.Fatal(err)
	}

	got, err := WithCallback(encoded.Body, "abc:0:1")
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(decode(t, want.Body), decode(t, got)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}

	for _, body := range []string{"", "null", "[]", `"text"`} {
		if got, err := WithCallback([]byte(body), "abc:0:1"); err == nil {
			t.Errorf("WithCallback(%q) = %s, want an error", body, got)
		}
	}
}

func TestWithoutContext(t *testing.T) {
	reply := Reply{To: Recipient{WaID: "573005550101"}, Callback: "abc:0"}

	want, err := Encode(reply, TextContent{Text: "1 < 2"})
	if err != nil {
		t.Fatal(err)
	}

	reply.ContextID = "wamid.1"

	quoting, err := Encode(reply, TextContent{Text: "1 < 2"})
	if err != nil {
		t.Fatal(err)
	}

	got, err := WithoutContext(quoting.Body)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(decode(t, want.Body), decode(t, got)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}

	if !HasContext(quoting.Body) || HasContext(got) {
		t.Error("HasContext() is the same for a message that quotes another and for a message without a quotation")
	}
}

func decode(t *testing.T, body []byte) map[string]any {
	t.Helper()

	var message map[string]any
	if err := json.Unmarshal(body, &message); err != nil {
		t.Fatal(err)
	}

	return message
}
