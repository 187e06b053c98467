// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/edge"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
)

const (
	// largestDelivery is the size of the largest delivery of Meta.
	//
	// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
	largestDelivery = 3 << 20
	// uploadTimeout is the time for such a delivery.
	uploadTimeout = 20 * time.Second
)

// probeDelivery returns a delivery of at least size bytes of which the receiver stores nothing.
func probeDelivery(size int) []byte {
	const (
		head = `{"object":"` + intake.ProbeObject + `","entry":[`
		tail = `]}`
	)

	blanks := max(size-len(head)-len(tail), 0)

	return fmt.Appendf(nil, "%s%s%s", head, strings.Repeat(" ", blanks), tail)
}

// handshake sends the verification request of Meta.
func (s site) handshake(ctx context.Context, client *http.Client, verifyToken string) finding {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	n, err := rand.Int(rand.Reader, big.NewInt(1<<31))
	if err != nil {
		return skip("this machine has no random numbers")
	}

	challenge := n.String()

	request, err := s.verification(ctx, verifyToken, challenge)
	if err != nil {
		return fail("correct the public URL", "the public URL cannot be called")
	}

	answer, err := do(client, request)

	switch {
	case err != nil:
		return fail("check the proxies and the network in front of the receiver", "%s", reason(err))
	case answer.status == http.StatusOK && strings.TrimSpace(answer.body) == challenge:
		return ok("answered with the challenge in %d ms", answer.took.Milliseconds())
	case answer.status == http.StatusOK:
		return fail("check host and path of the callback URL: another server, or a sign-in page, answers there",
			"HTTP 200 without the challenge: this is not an answer of the receiver")
	}

	return s.diagnoseAnswer(answer)
}

// reach sends a verification request without a verify token, which a receiver refuses in its own words.
func (s site) reach(ctx context.Context, client *http.Client) finding {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	request, err := s.verification(ctx, "", "1")
	if err != nil {
		return fail("correct the public URL", "the public URL cannot be called")
	}

	answer, err := do(client, request)

	switch {
	case err != nil:
		return fail("check the proxies and the network in front of the receiver", "%s", reason(err))
	case answer.status == http.StatusForbidden && strings.Contains(answer.body, edge.HandshakeRefused):
		return ok("a receiver answers in %d ms; the verify token was not tried", answer.took.Milliseconds())
	case answer.status == http.StatusForbidden && strings.Contains(answer.body, edge.CertificateRefused):
		return ok("a receiver answers in %d ms, and demands Meta's client certificate", answer.took.Milliseconds())
	case answer.status == http.StatusOK:
		return fail("check host and path of the callback URL: another server, or a sign-in page, answers there",
			"HTTP 200 without a verify token: this is not an answer of the receiver")
	}

	return s.diagnoseAnswer(answer)
}

// post posts a signed delivery. With expect, the body is sent once the server has asked for it.
func (s site) post(ctx context.Context, client *http.Client, appSecret string, body []byte, expect bool) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url.String(), bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}

	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write(body)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))

	if expect {
		request.Header.Set("Expect", "100-continue")
	}

	return do(client, request)
}

// deliver checks that a signed delivery is accepted.
func (s site) deliver(ctx context.Context, client *http.Client, appSecret string) finding {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	answer, err := s.post(ctx, client, appSecret, probeDelivery(0), false)

	switch {
	case err != nil:
		return fail("check the proxies and the network in front of the receiver", "%s", reason(err))
	case answer.status == http.StatusOK:
		return ok("accepted in %d ms", answer.took.Milliseconds())
	case answer.status == http.StatusBadRequest, answer.status == http.StatusUnsupportedMediaType:
		return fail("let nothing change or compress the body of a delivery: its signature covers the bytes as sent",
			"HTTP %d: the body does not arrive as it was sent", answer.status)
	}

	return s.diagnoseAnswer(answer)
}

// deliverLargest checks that a delivery of the largest size is accepted. The server that refuses it is the one to fix.
func (s site) deliverLargest(ctx context.Context, client *http.Client, appSecret string) finding {
	const proxyFix = "raise the limit of the Ingress, of the load balancer and of the firewall to 4 MB: ingress.maxBodySize, or see " +
		"docs/ingress.md. Until then Meta's large deliveries are lost after a week"

	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()

	answer, err := s.post(ctx, client, appSecret, probeDelivery(largestDelivery), false)
	if err != nil { // a server that refuses the size may close the connection before its answer is read
		answer, err = s.post(ctx, client, appSecret, probeDelivery(largestDelivery), true)
	}

	switch {
	case err != nil:
		return fail(proxyFix, "3 MB do not arrive: %s", reason(err))
	case answer.status == http.StatusOK:
		return ok("3 MB are accepted in %d ms", answer.took.Milliseconds())
	case answer.status == http.StatusRequestEntityTooLarge && strings.Contains(answer.body, edge.TooLarge):
		return fail("raise webhook.maxBodyBytes in the receiver's file to 4194304, the default",
			"HTTP 413 by the receiver: its own limit is below 3 MB")
	case answer.status == http.StatusRequestEntityTooLarge:
		return fail(proxyFix, "HTTP 413, not by the receiver: %s limits the size of a request", server(answer))
	case answer.status == http.StatusServiceUnavailable && answer.header.Get("Retry-After") != "":
		return warn("run the check again when less is delivered. If the log of the receiver says load shedding, the store is too slow: docs/scale.md",
			"HTTP 503: too much is delivered at once")
	}

	f := s.diagnoseAnswer(answer)
	f.fix = proxyFix

	return f
}

// server names the server of an answer by the header Server, if that is one word.
func server(answer reply) string {
	name := answer.header.Get("Server")
	if name == "" || len(name) > 40 || strings.ContainsAny(name, "<>\"\r\n") {
		return "a proxy"
	}

	return "a proxy (" + name + ")"
}
