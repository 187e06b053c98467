// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const (
	// usageHeader is how Meta reports the use of the limits that it counts for each business account.
	usageHeader = "X-Business-Use-Case-Usage"
	// maxRegain bounds how long a response can stop calls. Meta counts these limits over an hour, or a day at most.
	maxRegain = 24 * time.Hour
)

// regainAccess returns the time after which Meta expects to accept calls again, or 0. Meta gives it in minutes for each
// limit of each account that the call counted for; the longest one decides.
//
// Source: https://developers.facebook.com/docs/graph-api/overview/rate-limiting, "Business Use Case Rate Limits"
func regainAccess(header http.Header) time.Duration {
	var accounts map[string][]struct {
		Minutes whatsapp.Text `json:"estimated_time_to_regain_access"`
	}
	if json.Unmarshal([]byte(header.Get(usageHeader)), &accounts) != nil {
		return 0
	}

	longest := 0.0

	for _, limits := range accounts {
		for _, limit := range limits {
			if minutes, ok := limit.Minutes.Number(); ok {
				longest = max(longest, minutes)
			}
		}
	}

	return time.Duration(min(longest, maxRegain.Minutes()) * float64(time.Minute))
}
