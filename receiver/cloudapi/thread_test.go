// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestPassThread(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  failure.Class // empty if the conversation counts as passed
	}{
		"passed":                    {200, `{"messaging_product":"whatsapp"}`, ""},
		"of another responder":      {400, `{"error":{"code":2494191,"message":"x"}}`, ""},
		"no escalation partner":     {400, `{"error":{"code":100,"message":"x"}}`, failure.Permanent},
		"no such object":            {400, `{"error":{"code":100,"error_subcode":33,"message":"x"}}`, failure.Permanent},
		"no permission":             {403, `{"error":{"code":200,"message":"x"}}`, failure.Permanent},
		"Meta fails":                {500, ``, failure.Transient},
		"a rate limit":              {429, `{"error":{"code":4,"message":"x"}}`, failure.RateLimited},
		"the access token is wrong": {401, `{"error":{"code":190,"message":"x"}}`, failure.Configuration},
		"the proof is missing":      {400, `{"error":{"code":100,"message":"API calls from the server require an appsecret_proof argument"}}`, failure.Configuration},
		"the proof is wrong":        {400, `{"error":{"code":100,"message":"Invalid appsecret_proof provided in the API argument"}}`, failure.Configuration},
		"the app is unknown":        {400, `{"error":{"code":101,"message":"x"}}`, failure.Configuration},
		"from another address":      {403, `{"error":{"code":5,"message":"x"}}`, failure.Configuration},
		"a proxy refuses":           {403, `<html>`, failure.Configuration},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != "/v27.0/4200/thread_control" {
					t.Errorf("called %s %s", r.Method, r.URL.Path)
				}

				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			})

			err := c.PassThread(t.Context(), "4200", Recipient{WaID: "573001234567"})
			if tc.class == "" && err != nil || tc.class != "" && (err == nil || failure.Of(err).Class != tc.class) {
				t.Errorf("PassThread() = %v, want class %q", err, tc.class)
			}
		})
	}
}
