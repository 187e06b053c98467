// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]*Entry{
		`{"time":"2026-11-23T06:49:00Z","level":"WARN","msg":"it waits","z":1,"a":"b c","nested":{"x":true},"empty":""}`: {
			Time:       "2026-11-23T06:49:00Z",
			Level:      "WARN",
			Message:    "it waits",
			Attributes: `z=1 a="b c" nested="{\"x\":true}" empty=""`,
		},
		`panic: runtime error`: nil,
		`{"level":"INFO"}`:     nil,
		`{"msg":"cut`:          nil,
		`[1]`:                  nil,
		``:                     nil,
	} {
		got, ok := Parse(line)
		if ok != (want != nil) {
			t.Errorf("Parse(%s) = %+v, %t", line, got, ok)
		} else if want != nil {
			if diff := cmp.Diff(*want, got); diff != "" {
				t.Errorf("Parse(%s) (-want +got):\n%s", line, diff)
			}
		}
	}
}
