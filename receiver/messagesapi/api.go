// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package messagesapi serves the API by which the AI sends messages and hands conversations off, and the desk sends messages.
// docs/openapi/receiver-api.v1.yaml describes it. A message is stored as an event of its person's conversation before the
// request is answered; the engine sends it.
package messagesapi

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logsample"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/requestbody"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/takeover"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

const (
	// maxInFlight bounds the requests that use the store at the same time. More get a 429 at once.
	maxInFlight = 32
	// refusalsPerSecond bounds the wrong credentials that are answered 401; further ones are answered 429.
	refusalsPerSecond = 10
	refusalBurst      = 50
)

// Store is what the API needs of the store.
type Store interface {
	takeover.Store
	store.Maintenance
}

// Dependencies are the dependencies of the API. All are required.
type Dependencies struct {
	Store   Store
	Wake    func(...store.Class) // called with the classes that have new pending events
	Live    *config.Live
	Metrics *metrics.Metrics
	Tracer  *tracing.Tracer
	Clock   clockwork.Clock
	Log     *slog.Logger
}

// API is the http.Handler of the messages port.
type API struct {
	Dependencies
	takeovers takeover.Changer
	refusals  *rate.Limiter
	inFlight  chan struct{} // holds an element for each request that uses the store
	bodies    *requestbody.Budget
	backlog   backlog
}

// New returns the handler of the messages port.
func New(dependencies Dependencies) *API {
	dependencies.Log = slog.New(logsample.New(dependencies.Log.Handler(), dependencies.Clock))

	return &API{
		Dependencies: dependencies,
		takeovers: takeover.Changer{
			Store: dependencies.Store,
			Live:  dependencies.Live,
			Wake:  dependencies.Wake,
			Clock: dependencies.Clock,
			Log:   dependencies.Log,
		},
		bodies:   requestbody.NewBudget(maxBodiesBytes),
		refusals: rate.NewLimiter(refusalsPerSecond, refusalBurst),
		inFlight: make(chan struct{}, maxInFlight),
	}
}

// request is an HTTP request with its caller and its body.
type request struct {
	*http.Request
	settings *config.Snapshot
	caller   caller
	body     []byte
	verbatim bool   // the texts are sent as they are
	release  func() // frees the memory of the body; nil if it was not read
}

// operation is what a request asks for.
type operation struct {
	name string // for the metrics
	run  func(*API, context.Context, *request) (*response, error)
}

var sendOperation = operation{"send", (*API).send}

// unknownOperation labels the requests for paths and methods that the API does not have.
const unknownOperation = "other"

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Close the connection after a chunked or HTTP/1.0 request: this rules out request smuggling through a proxy.
	if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
		w.Header().Set("Connection", "close")
	}

	if a.isHealthCheck(r) {
		w.WriteHeader(http.StatusOK)
		return
	}

	op, allow := route(r)

	result, err := a.serve(w, r, op, allow)
	if err != nil {
		result = a.refusal(op, err)
	}

	a.Metrics.MessagesRequest(op.name, result.status)
	result.write(w)
}

// isHealthCheck reports whether the request is the check of a load balancer, which has no key. Those of cloud providers check
// the ports of all Services of an Ingress.
func (a *API) isHealthCheck(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return r.URL.Path == "/" || r.URL.Path == a.Live.Current().Webhook.HealthPath
	case http.MethodOptions: // of HAProxy
		return r.URL.Path == "/"
	default:
		return false
	}
}

// route returns the operation of a request, and the methods of its path.
func route(r *http.Request) (op operation, allow string) {
	methods := map[string]operation{}

	switch path := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), config.MessagesPath), "/"); {
	case !strings.HasPrefix(r.URL.Path, config.MessagesPath):
	case len(path) == 1 && path[0] == "messages":
		methods[http.MethodPost] = sendOperation
		allow = http.MethodPost
	case len(path) == 2 && path[0] == "messages":
		methods[http.MethodGet] = operation{"get_message", (*API).getMessage}
		allow = http.MethodGet
	case len(path) == 3 && path[0] == "conversations" && path[2] == "handler":
		methods[http.MethodGet] = operation{"get_handler", (*API).getHandler}
		methods[http.MethodPut] = operation{"set_handler", (*API).setHandler}
		allow = "GET, PUT"
	}

	op, ok := methods[r.Method]
	if !ok {
		op.name = unknownOperation
	}

	return op, allow
}

// serve authenticates a request and runs its operation.
func (a *API) serve(w http.ResponseWriter, r *http.Request, op operation, allow string) (*response, error) {
	req := &request{Request: r, settings: a.Live.Current()}
	err := a.authenticate(w, req)

	if req.release != nil {
		defer req.release()
	}

	if err != nil {
		return nil, err
	}

	if op.run == nil {
		return nil, noOperation(allow)
	}

	return a.run(r.Context(), req, op)
}

// run runs the operation of an authenticated request, if not too many run already.
func (a *API) run(ctx context.Context, req *request, op operation) (*response, error) {
	select {
	case a.inFlight <- struct{}{}:
		defer func() { <-a.inFlight }()
	default:
		return nil, tooMany("too many requests at once")
	}

	ctx, cancel := context.WithTimeout(ctx, req.settings.Webhook.IngestTimeout)
	defer cancel()

	ctx, span := a.Tracer.Start(ctx, "messages API", "operation", op.name)
	result, err := op.run(a, ctx, req)
	span.End(err)

	return result, err
}

func noOperation(allow string) error {
	if allow == "" {
		return &problem{
			status:  http.StatusNotFound,
			code:    "not_found",
			message: "the API has no such path; see docs/openapi/receiver-api.v1.yaml",
		}
	}

	return &problem{
		status:  http.StatusMethodNotAllowed,
		code:    "method_not_allowed",
		message: "this path takes " + allow,
		header:  http.Header{"Allow": {allow}},
	}
}
