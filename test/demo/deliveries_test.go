// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDeliveriesOfTheProject delivers some of the project's own samples of Meta's deliveries. Their phone numbers and times
// are not those of the demo's resource.
func TestDeliveriesOfTheProject(t *testing.T) {
	const dir = "../../receiver/whatsapp/testdata/deliveries"

	files, err := deliveryFiles(dir)
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, error %v", len(files), err)
	}

	some := func(file string) bool {
		return strings.Contains(file, "message.text") || strings.Contains(file, "message.i")
	}
	files = slices.DeleteFunc(files, func(file string) bool { return !some(file) })

	v := openDemo(t).postFiles(t.Context(), dir, files)
	if !v.kept() || v.dead != 0 || v.answered != len(files) {
		t.Errorf("the promise does not hold: %+v", v)
	}
}

// TestEveryFileGetsAStoreOfItsOwn delivers one message twice and a file that is not JSON.
func TestEveryFileGetsAStoreOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	sample := `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":"<BUSINESS_PHONE_NUMBER_ID>"},
		"messages":[{"from":"<WHATSAPP_USER_PHONE_NUMBER>","id":"wamid.1","timestamp":"1700000000","type":"text","text":{"body":"hi"}}]}}]}]}`

	for _, name := range []string{"1.json", "2.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(sample), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	files, err := deliveryFiles(dir)
	if err != nil {
		t.Fatal(err)
	}

	want := verdict{
		files:    2,
		answered: 2,
		events:   2,
		stored:   2,
	}
	if got := openDemo(t).postFiles(t.Context(), dir, files); got != want {
		t.Errorf("delivered twice, %+v, want %+v", got, want)
	}

	if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}

	if got := openDemo(t).postFiles(t.Context(), dir, files); got.kept() || got.answered != 1 {
		t.Errorf("with a file that is not JSON, %+v, want a broken promise", got)
	}
}

func openDemo(t *testing.T) *demo {
	t.Helper()

	pod, err := render("../../config/samples/demo", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}

	d := &demo{pod: pod, client: &http.Client{Timeout: stepTimeout, Transport: &http.Transport{}}}
	t.Cleanup(d.client.CloseIdleConnections)

	return d
}

func TestPrepare(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)

	for name, tc := range map[string]struct {
		raw, want string
		at        time.Time
	}{
		"nothing to replace": {
			raw:  `{"from":"573001234567","user_id":"US.1","timestamp":"1700000000"}`,
			want: `{"from":"573001234567","user_id":"US.1","timestamp":"1700000000"}`,
			at:   time.Unix(1_700_000_001, 0),
		},
		"placeholders": {
			raw:  `{"wa_id":"<WHATSAPP_USER_ID>", "from":"PHONE_NUMBER","user_id":"[BSUID]","text":{"body":"SOLD_OUT"}}`,
			want: `{"wa_id":"15552876475", "from":"15553267255","user_id":"US.15554578497","text":{"body":"SOLD_OUT"}}`,
			at:   now,
		},
		"the id of a group": {
			raw:  `{"recipient_id":"GROUP_ID","recipient_type":"group"}`,
			want: `{"recipient_id":"GROUP_ID","recipient_type":"group"}`,
			at:   now,
		},
		"other words for a number": {
			raw:  `{"from" : "sender","phone_number_id":"your <id>","text":{"body":"sender"}}`,
			want: `{"from" : "15550669307","phone_number_id":"15553520241","text":{"body":"sender"}}`,
			at:   now,
		},
		"a user id, none, and no time": {
			raw:  `{"from":"US.1234","wa_id":"","timestamp":"9999999999"}`,
			want: `{"from":"US.1234","wa_id":"","timestamp":"9999999999"}`,
			at:   now,
		},
		"checksums": {
			raw:  `{"image":{"id":"7","mime_type":"image/png","sha256":"a\/b="}}`,
			want: `{"image":{"id":"7","mime_type":"image/png","sha256":"tp49TumDwjfgv1KV2N0Rkx8rxpHCEhv5PPbRZhqrH8M="}}`,
			at:   now,
		},
		"the id of a medium": {
			raw:  `{"id":"<ID>","image":{"id":"<MEDIA_ID>"}}`,
			want: `{"id":"<ID>","image":{"id":"4736631"}}`,
			at:   now,
		},
		"no JSON": {raw: `{`, want: `{`, at: now},
	} {
		t.Run(name, func(t *testing.T) {
			got := prepare([]byte(tc.raw), now)
			if diff := cmp.Diff(tc.want, string(got.body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}

			if !got.at.Equal(tc.at) {
				t.Errorf("at %s, want %s", got.at, tc.at)
			}

			if hosted := bytes.Contains(got.body, []byte("image")); hosted != (len(got.media) == 1) {
				t.Errorf("media %v", got.media)
			}
		})
	}
}

func TestMask(t *testing.T) {
	for lane, want := range map[string]string{
		"106540352242922:573005550101":       "106540352242922:573*******01",
		"106540352242922:CO.10000000000001":  "106540352242922:CO.********01",
		"106540352242922:group:Z3J1cG8tMQ==": "106540352242922:group:Z3J*******==",
		"106540352242922:9":                  "106540352242922:*",
		"":                                   "none",
	} {
		if got := maskLane(lane); got != want {
			t.Errorf("maskLane(%q) = %q, want %q", lane, got, want)
		}
	}
}
