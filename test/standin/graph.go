// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"
)

const (
	maxGraphBody = 4 << 20
	// maxNodes bounds the media, the business accounts and the phone numbers that a Graph stores, each.
	maxNodes = 1000
	// defaultKeep is how many calls and messages a stand-in retains.
	defaultKeep = 10_000
)

var graphVersion = regexp.MustCompile(`^v(\d+)\.0$`)

// currentVersion is the newest version of the Graph API. Meta serves older ones for about two years, and calls of still
// older ones like the oldest.
//
// Source: https://developers.facebook.com/documentation/development/graph-api/changelog
const currentVersion = 27

// isVersion reports whether a part of a path is a version that exists.
func isVersion(part string) bool {
	found := graphVersion.FindStringSubmatch(part)
	if found == nil {
		return false
	}

	major, err := strconv.Atoi(found[1])

	return err == nil && major >= 1 && major <= currentVersion
}

// GraphOptions configure a Graph. The zero value accepts any bearer token and any phone number id.
type GraphOptions struct {
	// AccessTokens are accepted as Authorization: Bearer. If empty, any token is accepted.
	AccessTokens []string
	// AppID and AppSecret form the app access token "AppID|AppSecret". Without AppID any app and token is accepted.
	// AppSecret is also the key of appsecret_proof; without it no proof is compared.
	AppID, AppSecret string
	// TokenExpiresAt is when the access tokens expire; zero means never.
	TokenExpiresAt time.Time
	// TokenScopes are the permissions that debug_token reports. Defaults to both of WhatsApp's.
	TokenScopes []string
	// PhoneNumberIDs are the numbers that exist. If empty, every number exists.
	PhoneNumberIDs []string
	// PublicURL is the scheme and host of media URLs. Defaults to those of the request.
	PublicURL string
	// MediaURLLifetime is how long a media URL is valid. Defaults to Meta's 5 minutes.
	MediaURLLifetime time.Duration
	// CallbackClient sends the verification request of a webhook subscription. Defaults to a client with a timeout of 5 seconds.
	CallbackClient *http.Client
	// StatusSink is called with each sent message, within the call that sent it. It must not block.
	StatusSink func(SentMessage)
	// Rules are the rules at the start. SetRules changes them.
	Rules Rules
	// Clock decides when media URLs and tokens expire, and times faults. Defaults to the real clock.
	Clock clockwork.Clock
	// Keep is how many calls and sent messages are retained. Defaults to 10,000; if negative, they are only counted.
	Keep int
}

// Graph is the stand-in for the part of Meta's Graph API (any version) that WhatsApp receivers use: messages, media,
// webhook subscriptions and their overrides, and debug_token.
type Graph struct {
	*Front
	// SentLog is the log behind Sent: it counts messages and can wait for them.
	SentLog *Log[SentMessage]

	options  GraphOptions
	handler  http.Handler
	media    mediaStore
	webhooks webhooks
	rules    rules

	conversations conversations
	rates         rates
	nonce         string
	serial        atomic.Uint64
}

// NewGraph returns a Graph to serve with net/http. Close it before its server.
func NewGraph(options GraphOptions) *Graph {
	if options.MediaURLLifetime <= 0 {
		options.MediaURLLifetime = 5 * time.Minute
	}

	if options.TokenScopes == nil {
		options.TokenScopes = []string{"whatsapp_business_management", "whatsapp_business_messaging"}
	}

	if options.Clock == nil {
		options.Clock = clockwork.NewRealClock()
	}

	if options.CallbackClient == nil {
		options.CallbackClient = newCallbackClient()
	}

	keep := keepOrDefault(options.Keep)
	g := &Graph{
		Front:   NewFront(NewRecorder(keep), maxGraphBody),
		SentLog: newLog(keep, func(m SentMessage) int { return len(m.Raw) }),
		options: options,
		nonce:   rand.Text(),
	}
	g.Clock = options.Clock
	g.rules.current = options.Rules
	g.rules.appSecret = options.AppSecret
	g.media.key = []byte(rand.Text())
	g.webhooks.accounts = map[string]string{}
	g.webhooks.numbers = map[string]string{}
	g.handler = withControl(g.Wrap(g.routes()), g.control())

	return g
}

// keepOrDefault resolves the option Keep: 0 means the default, negative means none.
func keepOrDefault(keep int) int {
	if keep == 0 {
		return defaultKeep
	}

	return max(keep, 0)
}

// ServeHTTP implements http.Handler.
func (g *Graph) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.handler.ServeHTTP(w, r) }

// unique returns a seed that is unique across all stand-ins.
func (g *Graph) unique() string { return fmt.Sprintf("%s-%d", g.nonce, g.serial.Add(1)) }

// endpoint returns a JSON value or a problem.
type endpoint func(*http.Request) (any, *problem)

func (g *Graph) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, authorize func(*http.Request) *problem, serve endpoint) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if version := r.PathValue("version"); !isVersion(version) {
				writeProblem(w, unknownPath(r))
				return
			}

			problem := authorize(r)

			var answer any
			if problem == nil {
				answer, problem = serve(r)
			}

			if problem != nil {
				writeProblem(w, problem)
				return
			}

			writeJSON(w, http.StatusOK, answer)
		})
	}
	handle("POST /{version}/{id}/messages", g.authorizeUser, g.sendMessage)
	handle("POST /{version}/{id}/thread_control", g.authorizeUser, g.controlThread)
	handle("POST /{version}/{id}/media", g.authorizeUser, g.uploadMedia)
	handle("GET /{version}/{id}", g.authorizeUser, g.getNode)
	handle("DELETE /{version}/{id}", g.authorizeUser, g.deleteMedia)
	handle("POST /{version}/{id}", g.authorizeUser, g.setNumberOverride)
	handle("POST /{version}/{id}/subscribed_apps", g.authorizeUser, g.subscribeAccount)
	handle("GET /{version}/{id}/subscribed_apps", g.authorizeUser, g.getAccount)
	handle("DELETE /{version}/{id}/subscribed_apps", g.authorizeUser, g.unsubscribeAccount)
	handle("POST /{version}/{id}/subscriptions", g.authorizeApp, g.subscribeApp)
	handle("GET /{version}/{id}/subscriptions", g.authorizeApp, g.getAppSubscriptions)
	handle("DELETE /{version}/{id}/subscriptions", g.authorizeApp, g.unsubscribeApp)
	handle("GET /{version}/debug_token", g.authorizeAny, g.debugToken)
	mux.HandleFunc("GET "+downloadPath+"{$}", g.download)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { writeProblem(w, unknownPath(r)) })

	return mux
}

// getNode serves GET /{id}, which names a phone number, a medium, or with me the token's user.
func (g *Graph) getNode(r *http.Request) (any, *problem) {
	switch id := r.PathValue("id"); {
	case id == "me":
		return map[string]string{"id": systemUser}, nil
	case r.URL.Query().Has("fields"):
		return g.getNumber(r, strings.Split(r.URL.Query().Get("fields"), ","))
	}

	return g.getMedia(r)
}

func unknownPath(r *http.Request) *problem {
	return &problem{
		code:  2500,
		title: "Unknown path components: " + r.Method + " " + r.URL.Path,
	}
}

// hasNumber reports whether a phone number exists and the access token may see it.
func (g *Graph) hasNumber(id string) bool {
	exists := len(g.options.PhoneNumberIDs) == 0 || slices.Contains(g.options.PhoneNumberIDs, id)

	return exists && !slices.Contains(g.Rules().UnseenNumbers, id)
}

// unknownObject returns Graph's error for an id that does not exist, or that the access token may not see.
func unknownObject(r *http.Request, id string) *problem {
	return badMethod(33, "Unsupported %s request. Object with ID '%s' does not exist, "+
		"cannot be loaded due to missing permissions, or does not support this operation. "+
		"Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api", strings.ToLower(r.Method), id)
}

// params reads the parameters of a call from its query and its body, which is a form or a JSON object. Values of a JSON
// object other than strings stay JSON; Graph accepts nested values of a form in the same way.
func params(r *http.Request) (url.Values, *problem) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		values := r.URL.Query()

		fields := map[string]json.RawMessage{}
		if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
			return nil, invalid("The request body is not a JSON object: %v", err)
		}

		for name, raw := range fields {
			var text string
			if json.Unmarshal(raw, &text) != nil {
				text = string(raw)
			}

			values.Set(name, text)
		}

		return values, nil
	}

	if err := r.ParseForm(); err != nil {
		return nil, invalid("The request's parameters cannot be read: %v", err)
	}

	return r.Form, nil
}

func writeProblem(w http.ResponseWriter, p *problem) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("WWW-Authenticate", `OAuth "Facebook Platform" "invalid_request"`)
	w.WriteHeader(p.httpStatus())
	_, _ = w.Write(p.body()) //nolint:gosec // the content type is JSON, so no browser renders it as a page
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "encoding the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}

	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
