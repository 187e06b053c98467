// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"testing"
)

// FuzzText compares the fast path for strings with encoding/json.
func FuzzText(f *testing.F) {
	for _, literal := range []string{`""`, `"a"`, `"\""`, `"\\"`, `"é"`, `"\u00e9\ud83d\ude00"`, `"\ud800"`, "\"\xff\"", "\"a\xffb\"", "\"\x7f\u2028\"", `12`, `true`, `null`, `{}`} {
		f.Add([]byte(literal))
	}

	f.Fuzz(func(t *testing.T, data []byte) {
		var got struct{ Text Text }

		data = append(append([]byte(`{"text":`), data...), '}')
		if err := json.Unmarshal(data, &got); err != nil {
			return
		}

		var want struct{ Text string }
		if json.Unmarshal(data, &want) == nil && string(got.Text) != want.Text {
			t.Errorf("Text of %s = %q, want %q", data, got.Text, want.Text)
		}
	})
}
