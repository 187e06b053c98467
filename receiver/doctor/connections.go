// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"net/http"
	"net/url"
	"sync"
)

// checkConnections checks the other servers that the receiver calls, and the messages API that others call.
func (r *run) checkConnections(ctx context.Context) {
	var target sync.WaitGroup
	defer target.Wait()

	target.Go(func() { r.set(checkBackup, r.diagnoseBackup(ctx)) }) // apart, since its library repeats requests

	r.checkPeers(ctx)
}

// checkPeers checks the connections that take one request each.
func (r *run) checkPeers(ctx context.Context) {
	ctx, cancel := r.call(ctx)
	defer cancel()

	secrets := r.settings.Secrets

	r.set(checkSink, r.diagnosePeer(ctx, "the sink", r.settings.Notifications.SinkURL, "notifications.sinkURL", secrets.SinkCA))
	r.set(checkDesk, r.diagnosePeer(ctx, "the desk", r.settings.Handoff.URL, "handoff.url", secrets.HandoffCA))
	r.set(checkMessagesAPI, r.diagnoseMessagesAPI(ctx))
}

// diagnosePeer checks that a server is reached. Nothing is posted to it: a test notice would look like a real one. Whether it
// accepts the key is among the problems that the receiver reports.
func (r *run) diagnosePeer(ctx context.Context, peer, address, setting, authorities string) finding {
	if address == "" {
		return skip("%s is not set", setting)
	}

	client, err := r.Network.trusting(authorities)
	if err != nil {
		return fail("store certificates as PEM", "the CA certificates for %s cannot be used", peer)
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodOptions, address, http.NoBody)
	if err != nil {
		return fail("correct "+setting, "%s is not a URL", setting)
	}

	answer, err := do(client, request)

	switch {
	case err != nil:
		return fail("check that it runs, "+setting+", its Service, NetworkPolicies and its certificate; events for it wait until then",
			"%s is not reached: %s", peer, reason(err))
	case answer.status == http.StatusBadGateway || answer.status == http.StatusServiceUnavailable || answer.status == http.StatusGatewayTimeout:
		return fail("check that it runs; events for it wait until then", "HTTP %d: %s is down", answer.status, peer)
	case answer.status >= 300 && answer.status <= 399:
		return fail("set "+setting+" to where it redirects: no redirect is followed; events for it wait until then",
			"HTTP %d: %s redirects", answer.status, peer)
	}

	return ok("%s answers in %d ms", peer, answer.took.Milliseconds())
}

// diagnoseMessagesAPI checks that the messages API answers at the address by which others call it.
func (r *run) diagnoseMessagesAPI(ctx context.Context) finding {
	if r.settings.MessagesAPI == nil {
		return skip("messagesAPI is not set")
	}

	address := r.asked.MessagesURL
	if address == "" && r.Process != nil && r.Process.MessagesAddr != "" {
		address = "http://" + loopback(r.Process.MessagesAddr)
	}

	if address == "" {
		return skip("the receiver does not run here")
	}

	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return skip("messages_url is not a URL")
	}

	u.Path = r.settings.Webhook.HealthPath
	u.RawQuery = ""

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return skip("messages_url is not a URL")
	}

	answer, err := do(r.Network.client(nil), request)

	switch {
	case err != nil:
		return fail("look at the Service and its endpoints, and at NetworkPolicies: the AI and the desk cannot send", "%s: %s", u.Host, reason(err))
	case answer.status != http.StatusOK:
		return fail("look at what answers there: kubectl get service,endpointslices", "%s answers HTTP %d", u.Host, answer.status)
	}

	return ok("%s answers", u.Host)
}
