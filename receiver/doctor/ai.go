// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/contract"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// slowAI is the time from which the answer to a probe counts as slow. A bridge answers a probe without asking its AI.
const slowAI = 2 * time.Second

const (
	unreachable = "check that it runs, its address, its Service, NetworkPolicies and its certificate (the secret ai-ca names further authorities)"
	realTest    = "test it with real requests: whatsapp-webhook bridge test URL"
)

// checkAI probes the AI without asking it anything.
func (r *run) checkAI(ctx context.Context) {
	ctx, cancel := r.call(ctx)
	defer cancel()

	client, err := r.Network.trusting(r.settings.Secrets.AICA)
	if err != nil {
		r.set(checkAIConnection, fail("store certificates as PEM", "the secret ai-ca cannot be used"))
		return
	}

	var f finding

	switch r.settings.Protocol() {
	case config.ProtocolOpenAI:
		f = r.probeModel(ctx, client)
	case config.ProtocolFlow:
		f = r.probeFlow(ctx, client)
	default:
		f = r.probeBridge(ctx, client)
	}

	r.set(checkAIConnection, f)
}

// probeBridge posts an object without a method to the path of texts. A bridge refuses it, since every request has one.
func (r *run) probeBridge(ctx context.Context, client *http.Client) finding {
	path := contract.Path(r.settings.Bird, assistant.ProcessText)

	request, err := r.request(ctx, http.MethodPost, r.settings.Bird.BaseURL, path, []byte("{}"))
	if err != nil {
		return fail("correct bird.baseURL", "bird.baseURL is not a URL")
	}

	assistant.Authorize(request.Header, r.settings)
	request.Header.Set("Idempotency-Key", "doctor:"+rand.Text()) // bridges remember answers by it

	answer, err := do(client, request)

	switch {
	case err != nil:
		return fail(unreachable, "the bridge is not reached: %s", reason(err))
	case isWebPage(answer):
		return fail("check bird.baseURL: a web server or a sign-in page answers there", "HTTP %d with a web page, not with JSON", answer.status)
	case answer.status == http.StatusNotFound:
		return fail("check bird.baseURL and bird.endpoints: the path "+path+" is appended. "+realTest, "HTTP 404: the bridge does not serve %s", path)
	}

	return diagnoseProbe(answer, "the bridge", config.RoleBirdAccessKey)
}

// diagnoseProbe checks the answer to a probe without a question, which most servers refuse.
func diagnoseProbe(answer reply, peer, role string) finding {
	switch {
	case answer.status == http.StatusUnauthorized || answer.status == http.StatusForbidden:
		return fail("store the right key as "+role+", and check authScheme", "HTTP %d: %s refuses the key", answer.status, peer)
	case answer.status == http.StatusTooManyRequests:
		return warn("raise its limit, or wait", "HTTP 429: %s limits the rate of requests", peer)
	case answer.status == http.StatusBadGateway || answer.status == http.StatusServiceUnavailable || answer.status == http.StatusGatewayTimeout:
		return fail(unreachable, "HTTP %d: %s is down", answer.status, peer)
	case answer.status >= 300 && answer.status <= 399:
		return fail("set its address to where it redirects: no redirect is followed", "HTTP %d: %s redirects", answer.status, peer)
	case answer.took > slowAI:
		return warn("look at its load. People wait that much longer for each answer. "+realTest, "%s answers in %.1f s", peer, answer.took.Seconds())
	}

	return ok("%s answers in %d ms (HTTP %d to a request without a question)", peer, answer.took.Milliseconds(), answer.status)
}

// probeModel lists the models of the server, which costs nothing. A server without a list is sent a question without a model,
// which it refuses.
func (r *run) probeModel(ctx context.Context, client *http.Client) finding {
	const peer = "the server of the model"

	answer, err := r.askModel(ctx, client, http.MethodGet, "models", nil)
	if err != nil {
		return fail(unreachable, "%s is not reached: %s", peer, reason(err))
	}

	if answer.status == http.StatusNotFound || answer.status == http.StatusMethodNotAllowed || answer.status == http.StatusNotImplemented {
		return r.probeCompletions(ctx, client)
	}

	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}

	f := diagnoseProbe(answer, peer, config.RoleOpenAIKey)

	switch {
	case f.state == Failure || answer.status != http.StatusOK:
		return f
	case isWebPage(answer) || json.Unmarshal([]byte(answer.body), &list) != nil && len(answer.body) < maxAnswer:
		return fail("check openAI.baseURL: it usually ends in /v1", "%s answers with something other than JSON", peer)
	}

	for _, model := range list.Data {
		if strings.TrimPrefix(model.ID, "models/") == r.settings.OpenAI.Model { // Gemini's ids have the prefix
			return f
		}
	}

	if len(list.Data) > 0 {
		return warn("check openAI.model. Some servers know aliases that they do not list", "the server does not list the model %s", r.settings.OpenAI.Model)
	}

	return f
}

func (r *run) probeCompletions(ctx context.Context, client *http.Client) finding {
	const peer = "the server of the model"

	answer, err := r.askModel(ctx, client, http.MethodPost, "chat/completions", []byte("{}"))

	switch {
	case err != nil:
		return fail(unreachable, "%s is not reached: %s", peer, reason(err))
	case answer.status == http.StatusNotFound || isWebPage(answer):
		return fail("check openAI.baseURL: /chat/completions is appended, and it usually ends in /v1",
			"HTTP %d: nothing is served at /chat/completions", answer.status)
	}

	return diagnoseProbe(answer, peer, config.RoleOpenAIKey)
}

func (r *run) askModel(ctx context.Context, client *http.Client, method, path string, body []byte) (reply, error) {
	request, err := r.request(ctx, method, r.settings.OpenAI.BaseURL, path, body)
	if err != nil {
		return reply{}, err
	}

	switch key := r.settings.Secrets.OpenAIKey; r.settings.OpenAI.AuthScheme {
	case config.AuthNone:
	case config.AuthAPIKey:
		request.Header.Set("Api-Key", key)
	default:
		request.Header.Set("Authorization", "Bearer "+key)
	}

	return do(client, request)
}

// probeFlow connects to the server of a flow. Nothing is posted, since each request would be a run of the flow.
func (r *run) probeFlow(ctx context.Context, client *http.Client) finding {
	u, err := url.Parse(r.settings.Bird.BaseURL)
	if err != nil {
		return fail("correct bird.baseURL", "bird.baseURL is not a URL")
	}

	root := url.URL{
		Scheme: u.Scheme,
		Host:   u.Host,
		Path:   "/",
	}

	request, err := r.request(ctx, http.MethodHead, root.String(), "", nil)
	if err != nil {
		return fail("correct bird.baseURL", "bird.baseURL is not a URL")
	}

	answer, err := do(client, request)
	if err != nil {
		return fail(unreachable, "the server of the flow is not reached: %s", reason(err))
	}

	return ok("%s answers in %d ms. The flow itself is not called, since each call is a run", u.Host, answer.took.Milliseconds())
}

// request returns a request to a path below a base URL, whose query stays.
func (r *run) request(ctx context.Context, method, baseURL, path string, body []byte) (*http.Request, error) {
	address, err := url.Parse(baseURL)
	if err != nil {
		return nil, err
	}

	if path != "" {
		address = address.JoinPath(path)
	}

	request, err := http.NewRequestWithContext(ctx, method, address.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}

	request.Header.Set("Accept", "application/json")

	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}

	return request, nil
}

func isWebPage(answer reply) bool {
	kind, _, _ := mime.ParseMediaType(answer.header.Get("Content-Type"))
	return kind == "text/html"
}
