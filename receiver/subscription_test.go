// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestSubscribesAndReceivesDeliveries checks that the receiver subscribes a new app at Meta, although its ingress starts
// later, and then receives deliveries.
func TestSubscribesAndReceivesDeliveries(t *testing.T) {
	const appID, account = "77", "9001"

	var target *url.URL

	ingressStarted := make(chan struct{})
	startIngress := sync.OnceFunc(func() { close(ingressStarted) })
	ingress := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		<-ingressStarted
		r.SetURL(target)
	}})
	graph := standin.NewGraph(standin.GraphOptions{
		AccessTokens:   []string{folder.AccessToken},
		AppID:          appID,
		AppSecret:      folder.AppSecret,
		CallbackClient: ingress.Client(),
	})
	h := newHarness(t, func(c *config.Config) {
		c.CloudAPI.Subscription = &config.Subscription{
			AppID:              appID,
			CallbackURL:        ingress.URL + "/webhooks/whatsapp",
			BusinessAccountIDs: []string{account},
			CallbackScope:      config.CallbackBusinessAccount,
		}
	})
	h.Graph = graph
	h.WrapGraph(func(http.Handler) http.Handler { return graph })

	t.Cleanup(func() { startIngress(); ingress.Close() })
	h.start()

	if s := h.status(); s.Subscription.State != health.SubscriptionPending || s.Status != "healthy" {
		t.Errorf("before the first check: %+v", s)
	}

	target = &url.URL{Scheme: "http", Host: h.Local.WebhookAddr()}

	startIngress()
	h.waitFor("subscribed", func() bool { return h.status().Subscription.State == health.SubscriptionActive })

	if s := h.status(); s.Status != "healthy" || s.Token != health.TokenAccepted || s.TokenExpiresAt != nil {
		t.Errorf("status %+v, want it healthy with a token that does not expire", s)
	}

	client := ingress.Client()

	message := standin.Wamid("1")
	for range 2 {
		status, _, err := standin.Deliver(t.Context(), client, ingress.URL+"/webhooks/whatsapp", folder.AppSecret, textDelivery("573001234567", message, "hello"))
		if err != nil || status != http.StatusOK {
			t.Fatalf("delivery answered %d (%v)", status, err)
		}
	}

	h.waitSent(1)
	h.waitIdle()

	_, body := h.adminPage("/metrics")
	for _, line := range []string{`whatsapp_subscription_active 1`, `whatsapp_duplicates_total{kind="message"} 1`} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("GET /metrics lacks %s", line)
		}
	}

	if strings.Contains(body, "whatsapp_token_expires_timestamp_seconds") {
		t.Error("GET /metrics has the expiry of a token that does not expire")
	}

	if failed := regexp.MustCompile(`whatsapp_store_errors_total\{.*\} [1-9].*`).FindString(body); failed != "" {
		t.Errorf("GET /metrics has %s although the store did not fail", failed)
	}
}
