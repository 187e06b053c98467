// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestGuessedSignatures checks that metrics count all guesses, and that the log contains a sample of them, without their
// content.
func TestGuessedSignatures(t *testing.T) {
	h := newHarness(t, nil)
	log := &logBuffer{}
	h.log = log
	h.start()

	const guesses = 500

	body := textDelivery("573001234567", standin.Wamid("1"), "SECRETWORD")

	right := standin.Sign(folder.AppSecret, body)
	for i := range guesses {
		signature := standin.Sign(fmt.Sprint("guess-", i), body)
		switch i % 10 {
		case 1:
			signature = ""
		case 2:
			signature = "sha256="
		case 3:
			signature = right[:len(right)-2]
		case 4:
			signature = right + "00"
		case 5:
			signature = strings.TrimPrefix(right, "sha256=")
		case 6:
			signature = "SHA256=" + strings.TrimPrefix(right, "sha256=")
		case 7:
			signature = " , " + right
		case 8:
			signature = right + "," + right
		case 9:
			signature = strings.Replace(right, "sha256=", "sha1=", 1)
		}

		h.guess(signature, body)
		h.handshake("guess")
	}

	_, metrics := h.adminPage("/metrics")
	for _, line := range []string{fmt.Sprintf(`whatsapp_webhook_requests_total{code="401"} %d`, guesses), fmt.Sprintf(`whatsapp_webhook_requests_total{code="403"} %d`, guesses)} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("metrics lack %s", line)
		}
	}

	for _, message := range []string{"delivery refused", "handshake refused"} {
		if n := strings.Count(log.String(), message); n == 0 || n > 20 {
			t.Errorf("%q is logged %d times of %d", message, n, guesses)
		}
	}

	if strings.Contains(log.String(), "SECRETWORD") || strings.Contains(log.String(), "guess") {
		t.Error("the log contains the content of a forged delivery")
	}
}

func (h *harness) guess(signature string, body []byte) {
	h.t.Helper()

	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.Local.WebhookURL(), bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}

	request.Header.Set("X-Hub-Signature-256", signature)

	if got := h.do(request); got != http.StatusUnauthorized {
		h.t.Errorf("signature %q answered %d, want 401", signature, got)
	}
}

func (h *harness) handshake(token string) {
	h.t.Helper()

	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.Local.WebhookURL()+"?hub.mode=subscribe&hub.challenge=1&hub.verify_token="+token, http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}

	if got := h.do(request); got != http.StatusForbidden {
		h.t.Errorf("handshake answered %d, want 403", got)
	}
}

func (h *harness) do(request *http.Request) int {
	h.t.Helper()

	response, err := h.client.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()

	_, _ = io.Copy(io.Discard, response.Body)

	return response.StatusCode
}
