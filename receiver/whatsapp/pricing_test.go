// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrice(t *testing.T) {
	const service = `"pricing":{"billable":true,"pricing_model":"PMP","category":"service","type":"regular"}`

	paid := &Price{"service", "regular", "true"}

	for name, tc := range map[string]struct {
		status string
		want   *Price
	}{
		"delivered": {`"status":"delivered",` + service, paid},
		"read":      {`"status":"read",` + service, paid},
		"sent":      {`"status":"sent",` + service, nil},
		"failed":    {`"status":"failed",` + service, nil},
		"played":    {`"status":"played",` + service, nil},
		"of a payment": {
			`"status":"delivered","type":"payment",` + service, nil,
		},
		"of a participant": {
			`"status":"delivered","recipient_type":"group","recipient_participant_id":"5","conversation":{` + service + `}`, paid,
		},
		"upper case": {
			`"status":"delivered","pricing":{"category":"AUTHENTICATION-INTERNATIONAL","type":"REGULAR"}`,
			&Price{"authentication_international", "regular", "true"},
		},
		"free": {
			`"status":"delivered","pricing":{"category":"service","type":"free_entry_point"}`,
			&Price{"service", "free_entry_point", "false"},
		},
		"within the free messages": {
			`"status":"delivered","pricing":{"billable":false,"category":"service","type":"regular"}`,
			&Price{"service", "regular", "false"},
		},
		"billable as text": {
			`"status":"delivered","pricing":{"billable":"false","category":"service","type":"regular"}`,
			&Price{"service", "regular", "false"},
		},
		"a new type": {
			`"status":"delivered","pricing":{"category":"service","type":"free_tier"}`,
			&Price{"service", "free_tier", "unknown"},
		},
		"the shape by conversation": {
			`"status":"delivered","pricing":{"billable":true,"pricing_model":"CBP","category":"utility"}`,
			&Price{"utility", "", "true"},
		},
		"no pricing":     {`"status":"delivered"`, nil},
		"no category":    {`"status":"delivered","pricing":{"billable":true}`, nil},
		"not an object":  {`"status":"delivered","pricing":[]`, nil},
		"null":           {`"status":"delivered","pricing":null`, nil},
		"a bad category": {`"status":"delivered","pricing":{"category":{}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			status, err := ParseStatus([]byte(`{"id":"wamid.1",` + tc.status + `}`))
			if err != nil {
				t.Fatal(err)
			}

			var got *Price
			if price, ok := status.Price(); ok {
				got = &price
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
