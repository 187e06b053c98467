// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestNotices(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.sink.front.Faults.Add(standin.Fault{Status: http.StatusServiceUnavailable, Times: 5})
	h.Bird.Faults.Add(standin.Fault{
		PathPrefix: "/v1/messages/text",
		Status:     http.StatusUnprocessableEntity,
		Times:      1,
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "secret words"))
	h.waitFor("dead letter", func() bool { return h.stats().DeadLetters == 1 })
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "more secret words"))
	sent := h.waitSent(1)[0]
	h.deliver(http.StatusOK, standin.StatusDelivery(number, sent.ID, "read", ana, sent.Callback, time.Now()))
	h.deliver(http.StatusOK, standin.FailedDelivery(number, "wamid.other", ana, "", 131026, time.Now()))
	h.deliver(http.StatusOK, []byte(`{"object":"whatsapp_business_account","entry":[{"id":"7","time":1,"changes":[{"field":"account_update","value":{"event":"VERIFIED_ACCOUNT"}}]}]}`))
	h.deliver(http.StatusOK, []byte(`{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"`+number+`"},"errors":[{"code":131031,"title":"locked"}]}}]}]}`))
	h.waitIdle()

	dead := h.record("wamid.1").Event.ID.String()
	for kind, want := range map[string]int{
		"message.received":       2,
		"message.dead":           1,
		"message.read":           1,
		"message.failed":         1,
		"error.reported":         1,
		"account.account_update": 1,
	} {
		if got := h.sink.notices(kind); len(got) != want {
			t.Errorf("%d notices of %s, want %d", len(got), kind, want)
		}
	}

	if got := h.sink.notices("message.dead"); len(got) == 1 && (got[0].Subject != dead || !strings.Contains(fmt.Sprint(got[0].Data), "code:http_422")) {
		t.Errorf("notice of the dead letter = %+v, want its event and code", got[0])
	}

	h.sink.mu.Lock()
	defer h.sink.mu.Unlock()

	if all := fmt.Sprint(h.sink.received); strings.Contains(all, "secret") || strings.Contains(all, ana) {
		t.Error("a notice contains the text or the sender of a message")
	}
}

// TestNoticesOfMessagesWithAnUnknownKey delivers a message beside a key that Meta may add. The change is announced without
// the message.
func TestNoticesOfMessagesWithAnUnknownKey(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":%q},"conversation_context":{"type":"summary","summary":{"text":"secret summary"}},
		"contacts":[{"wa_id":%q,"profile":{"name":"Secret name"}}],
		"messages":[{"from":%q,"id":"wamid.1","type":"text","text":{"body":"secret words"}}]}}]}]}`, number, ana, ana))
	h.waitSent(1)
	h.waitIdle()

	if n := len(h.sink.notices("account.messages")); n != 1 {
		t.Errorf("%d notices of the change, want 1", n)
	}

	h.sink.mu.Lock()
	defer h.sink.mu.Unlock()

	if all := strings.ToLower(fmt.Sprint(h.sink.received)); strings.Contains(all, "secret") || strings.Contains(all, ana) {
		t.Errorf("a notice says what was written, or by whom: %s", all)
	}
}
