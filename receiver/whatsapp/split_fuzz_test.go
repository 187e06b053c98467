// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzSplit checks that a delivery, whatever its shape, is read as encoding/json reads it, and that its items are stored
// without a loss.
func FuzzSplit(f *testing.F) {
	for _, body := range oddDeliveries(f) {
		f.Add([]byte(body))
	}

	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := Split(body)
		want, wantErr := referenceSplit(body)

		if !errors.Is(err, wantErr) {
			t.Fatalf("Split(%q) error = %v, want %v", body, err, wantErr)
		}

		if diff := cmp.Diff(want, items); diff != "" {
			t.Fatalf("Split(%q) (-encoding/json +got):\n%s", body, diff)
		}

		for _, item := range items {
			checkParsed(t, item)
			checkStored(t, item)
		}
	})
}

// checkParsed checks the parsed item.
func checkParsed(t *testing.T, item Item) {
	t.Helper()

	if len(bytes.TrimSpace(item.Raw)) < len(item.Raw) {
		return // a whole body, which is never parsed further
	}

	message, err := ParseMessage(item.Raw)
	wantMessage, wantErr := referenceMessage(item.Raw)

	if diff := cmp.Diff(wantMessage, message); diff != "" || (err == nil) != (wantErr == nil) {
		t.Fatalf("ParseMessage(%q) error = %v, want %v (-encoding/json +got):\n%s", item.Raw, err, wantErr, diff)
	}

	if got, want := message.TextBody(), referenceText(message); got != want {
		t.Fatalf("TextBody() of %q = %q, want %q", item.Raw, got, want)
	}

	if diff := cmp.Diff(referenceContact(item.Contact), ParseContact(item.Contact)); diff != "" {
		t.Fatalf("ParseContact(%q) (-encoding/json +got):\n%s", item.Contact, diff)
	}

	want, wantErr := referenceStatus(item.Raw)
	if wantErr != nil {
		want = sentStatus{}
	}

	if diff := cmp.Diff(want, readStatus(item.Raw)); diff != "" {
		t.Fatalf("readStatus(%q) (-encoding/json +got):\n%s", item.Raw, diff)
	}
}

// checkStored checks that an item is the same after it was stored in the form of this version, and of encoding/json, in
// which older versions stored it.
func checkStored(t *testing.T, item Item) {
	t.Helper()

	older, err := json.Marshal(item)
	if err != nil {
		t.Fatal(err)
	}

	for _, stored := range [][]byte{item.Encode(), older} {
		var want Item

		wantErr := json.Unmarshal(stored, &want) // an item can be nested too deeply

		got, err := Decode(stored)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("Decode(%q) error = %v, want %v", stored, err, wantErr)
		}

		if err != nil {
			continue
		}

		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("Decode(%q) (-encoding/json +got):\n%s", stored, diff)
		}

		if want, got := compacted(t, item.Raw), compacted(t, got.Raw); !bytes.Equal(want, got) {
			t.Fatalf("%q was stored as %q", want, got)
		}
	}
}

// compacted returns JSON in the form in which older versions stored it.
func compacted(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()

	encoded, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}

	return encoded
}

// oddDeliveries returns the samples and deliveries of shapes that Meta does not document.
func oddDeliveries(t testing.TB) []string {
	t.Helper()

	files, err := filepath.Glob("testdata/deliveries/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no deliveries: %v", err)
	}

	var bodies []string

	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		bodies = append(bodies, string(body))
	}

	delivery := func(rest string) string { return `{"object":"whatsapp_business_account",` + rest + `}` }
	message := func(rest string) string {
		return change(`{"metadata":{"phone_number_id":"42"},"contacts":[{"wa_id":"1"}],"messages":[{"id":"w","from":"1",` + rest + `}]}`)
	}

	return append(bodies,
		``, ` `, `{`, `{}`, `null`, ` null `, `[]`, `"x"`, `1`, `{} {}`, "\ufeff{}",
		strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000),
		strings.Repeat("[", 10_001)+strings.Repeat("]", 10_001),
		" \n\t\r{ \"object\" : \"whatsapp_business_account\" , \"entry\" : [ { \"id\" : 7 } , { } ] } \n",
		delivery(`"entry":null`),
		delivery(`"entry":{}`),
		delivery(`"entry":[{"changes":[{}]}],"entry":"x"`),
		delivery(`"entry":"x","entry":[{"changes":[{}]}]`),
		delivery(`"entry":[{"changes":[{}]}],"entry":null`),
		delivery(`"entry":[{"changes":[{"field":"f","value":1}]},{"id":"8"}],"entry":[{"id":"9"}]`),
		delivery(`"entry":[{"changes":[null]},null,3,"x",[],{"id":null,"time":true,"changes":{}}]`),
		delivery(`"ENTRY":[{"Id":"7","ChangeS":[{"FIELD":"messages","Value":{"messages":[{"ID":"a"}]}}]}]`),
		delivery(`"entry":[{"change\u017f":[{"field":"f","value":{}}],"\u0069d":"7"}]`),
		delivery(`"entry":[{"changeſ":[{"field":"f","value":{}}]}]`),
		delivery(`"entry":[{"changes":[{"field":"f","value":{}},{"field":"","value":{}},{"field":"f"},{"value":{}}]}]`),
		delivery(`"entry":[{"changes":[{"field":7,"value":null},{"field":"messages","value":[1]},{"field":"messages","value":null}]}]`),
		delivery(`"entry":[{"changes":[{"field":"messaging_handovers","value":{"metadata":{"phone_number_id":"1"},"recipient":{"display_phone_number":"2"}}}]}]`),
		change(`{"messages":[{"id":1,"timestamp":[]}],"statuses":[{"errors":{}}]}`),
		change(`{"Messages":[{"id":"a"}],"messages":null,"contacts":{},"errors":[null,1],"x":1,"x":2}`),
		change(`{"messages":{},"statuses":"x","errors":[],"contacts":"x"}`),
		change(`{"messages":[{"id":"a"}],"messages":[{"id":"b"}],"metadata":"x","metadata":{"PHONE_number_id":1e3}}`),
		change(`{"m\u0065ssages":[{"\u0069d":"a"}],"":1,"\u00e9":2,"é":3,"\ud800":4}`),
		change("{\"messages\":[{\"id\":\"\xff\",\"\xff\":1,\"from\":\"a\\\"b\\\\\"}],\"\xfe\":1,\"\xff\":2}"),
		change(`{"contacts":[{"wa_id":"1","profile":{"name":"A"},"profile":{"username":"b"}},null,3],"messages":[{"from":"1"},"x",null]}`),
		change(`{"contacts":[{"PROFILE":{"NAME":"A"},"profile":"x"}],"messages":[{"from":"1"}]}`),
		message(`"text":{"body":"a"},"text":{"body":"b","BODY":"c"},"id":"v","type":null`),
		message(`"text":{"body":"<a> & \u2028 \" \\ \u0000 ","body":{}},"type":"te\u0000xt"`),
		message("\"text\":{\"body\":\"\xff\xfe\xc0\x80\"}"),
		message(`"text":{"body":"\ud800 \ud83d\ude00"}`),
		message(`"timestamp":1e999999999,"text":{"body":-1e-999999999}`),
		message(`"text":`+strings.Repeat("[", 9_000)+strings.Repeat("]", 9_000)),
		change(`{"statuses":[{"id":"w","status":"read","STATUS":"sent","pricing":null,"conversation":{"PRICING":{}},"type":" Message"}]}`),
	)
}
