// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// pricedStatus returns the delivery of a status with a price, and these properties.
func pricedStatus(message, status, properties string) []byte {
	return messagesDelivery(fmt.Sprintf(`"statuses":[{"id":%q,"status":%q,"timestamp":"1790000000",`+
		`"pricing":{"billable":true,"pricing_model":"PMP","category":"service","type":"regular"}%s}]`, message, status, properties))
}

// TestPricesAreCountedOnce checks that each delivered message counts once, since Meta bills it once.
func TestPricesAreCountedOnce(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	const group = `,"recipient_id":"group.1","recipient_type":"group","recipient_participant_id":`

	for _, body := range [][]byte{
		pricedStatus("wamid.1", "sent", ""),
		pricedStatus("wamid.1", "delivered", ""), // counts
		pricedStatus("wamid.1", "delivered", ""),
		pricedStatus("wamid.1", "read", ""),
		pricedStatus("wamid.2", "read", ""), // counts
		pricedStatus("wamid.3", "failed", ""),
		pricedStatus("wamid.4", "delivered", group+`"573001111111"`), // counts
		pricedStatus("wamid.4", "delivered", group+`"573002222222"`), // counts
		[]byte(strings.Replace(string(pricedStatus("wamid.5", "delivered", "")), number, "999", 1)),
	} {
		h.deliver(http.StatusOK, body)
	}

	_, page := h.adminPage("/metrics")
	for _, want := range []string{
		`whatsapp_messages_priced_total{billable="true",category="service",type="regular"} 4`,
		`whatsapp_messages_priced_total{billable="false",category="service",type="free_entry_point"} 0`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
}
