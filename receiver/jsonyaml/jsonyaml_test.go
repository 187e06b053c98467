// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package jsonyaml

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestConvert reads the YAML again: it is the same document.
func TestConvert(t *testing.T) {
	for _, document := range []string{
		`{"body":"\ud83d\ude00 \u00e9","lone":"\ud83d"}`, // as Meta escapes an emoji
		`{"odd":"\u007f\u0085\ufeff\u0000\ufffe","lines":"one\n  two\n","empty":"","words":["yes","null","12","1e3","~"]}`,
		`{"list":[1,2.5,-3,true,null,[],{}],"nested":{"b":{"c":"d: e"},"a":"# f"}}`,
		`{"number":123456789012345678901234567890,"float":1e5}`,
		`{"indented":"\tone\ntwo","list":["\t\n"]}`,
		`"text"`,
	} {
		written, err := Convert([]byte(document))
		if err != nil {
			t.Errorf("%s: %v", document, err)
			continue
		}

		var want, read any
		if err := json.Unmarshal([]byte(document), &want); err != nil {
			t.Fatal(err)
		}

		if err := yaml.Unmarshal(written, &read); err != nil {
			t.Errorf("%s became\n%s%v", document, written, err)
			continue
		}

		again, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}

		var got any
		if err := json.Unmarshal(again, &got); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s became\n%s(-want +got):\n%s", document, written, diff)
		}
	}
}

// TestNumbersKeepTheirDigits checks that no number is rounded or gets an exponent.
func TestNumbersKeepTheirDigits(t *testing.T) {
	written, err := Convert([]byte(`{"bytes":67108864,"id":12345678901234567,"share":0.000001,"text":"67108864"}`))
	if err != nil {
		t.Fatal(err)
	}

	want := "bytes: 67108864\nid: 12345678901234567\nshare: 0.000001\ntext: \"67108864\"\n"
	if diff := cmp.Diff(want, string(written)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	if _, err := Convert([]byte(`{"cut":`)); err == nil || !strings.Contains(err.Error(), "read JSON") {
		t.Errorf("a document that is cut off: %v", err)
	}
}
