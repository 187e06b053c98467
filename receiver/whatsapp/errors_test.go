// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"testing"
)

func TestFetchStatus(t *testing.T) {
	details := func(text string) string {
		return `[{"code":131053,"error_data":{"details":"` + text + `"}}]`
	}
	for raw, want := range map[string]int{
		details("Downloading media from weblink failed with http code 404, status message Not Found"): 404,
		details("Fetching the link failed with HTTP 429"):                                             429,
		details("failed with HTTP status code: 503"):                                                  503,
		details("http://host/500 is not an image"):                                                    0,
		details("HTTP 5031"):                                       0,
		details("Unsupported media type"):                          0,
		`{"code":131053,"error_data":{"details":"HTTP 500"}}`:      500,
		`[{"error_data":7},{"error_data":{"details":"HTTP 502"}}]`: 502,
		`[{"error_data":{"details":[]}}]`:                          0,
		`[{"code":131053,"details":"HTTP 502"}]`:                   502,
		`[{"code":131053,"error_data":"failed with HTTP 503"}]`:    503,
		`[{"code":131053,"message":"failed with http code 429"}]`:  429,
		`[{"code":131053,"error_data":null,"message":["HTTP 1"]}]`: 0,
		`[]`: 0,
		``:   0,
		`7`:  0,
	} {
		if got := FetchStatus(json.RawMessage(raw)); got != want {
			t.Errorf("FetchStatus(%s) = %d, want %d", raw, got, want)
		}
	}
}
