// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package consoleapi serves the console API, by which people see and repair what the receiver has stored:
// events, dead letters and conversations. docs/openapi/console-api.v1.yaml describes it.
//
// Everyone who can reach the loopback interface of the pod may use it, for example by kubectl port-forward. Pages of other
// sites in the same browser are refused. Names and texts of persons are in an answer only if the request says reveal=true,
// and each such request is a line of the audit log, as is each request that changes something.
package consoleapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/conversationid"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/lasthour"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/messagesapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/questions"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// requestTimeout bounds a request; it is shorter than the server's time to write the answer.
const requestTimeout = 25 * time.Second

// prefix is the beginning of all paths. The paths that are older than it are also served without it; see reveals.
const prefix = "/v1"

// Dependencies are the dependencies of the API. All are required.
type Dependencies struct {
	Store    store.Store
	Live     *config.Live
	Wake     func(...store.Class) // called with the classes that have new pending events
	Jobs     *Jobs
	Report   func(context.Context) health.Report // the report of GET /status on the admin port
	LastHour func() []lasthour.Point
	Rates    func() []gate.Rate // the busiest phone number first
	// SendText is that of the messages API.
	SendText func(ctx context.Context, conversation, text, key string) (stored messagesapi.Stored, isRepeated bool, err error)
	// Doctor serves the request for the checks of package doctor.
	Doctor    http.Handler
	Questions *questions.Feed
	Clock     clockwork.Clock
	Log       *slog.Logger
	Version   string
}

type api struct{ Dependencies }

// route is an operation of the API.
type route struct {
	method string
	path   string // without the prefix
	act    string // what a request does, for the audit log; empty for a request that only reads
	handle http.HandlerFunc
	bare   bool // also served without the prefix
	audits bool // the handler writes to the audit log itself
	long   bool // the handler bounds its time itself
}

func (a *api) routes() []route {
	return []route{
		{method: "GET", path: "/events", handle: a.events},
		{method: "GET", path: "/events/{id}", handle: a.eventDetail},
		{method: "GET", path: "/dead-letters", handle: a.deadLetters, bare: true},
		{method: "GET", path: "/dead-letters/causes", handle: a.causes, bare: true},
		{method: "POST", path: "/dead-letters/replay", act: "replay", handle: a.replaySelected, bare: true},
		{method: "POST", path: "/dead-letters/discard", act: "discard", handle: a.discardSelected, bare: true},
		{method: "GET", path: "/dead-letters/{id}", handle: a.deadLetter, bare: true},
		{method: "POST", path: "/dead-letters/{id}/replay", act: "replay", handle: a.replay, bare: true},
		{method: "DELETE", path: "/dead-letters/{id}", act: "discard", handle: a.discard, bare: true},
		{method: "GET", path: "/jobs", handle: a.jobs, bare: true},
		{method: "GET", path: "/jobs/{job}", handle: a.job, bare: true},
		{method: "DELETE", path: "/jobs/{job}", act: "cancel job", handle: a.cancelJob, bare: true},
		{method: "GET", path: "/conversations", handle: a.conversations, bare: true},
		{method: "GET", path: "/conversations/{conversation}", handle: a.conversation, bare: true},
		{method: "GET", path: "/conversations/{conversation}/messages", handle: a.messages, bare: true},
		{method: "POST", path: "/conversations/{conversation}/messages", act: "send", handle: a.sendText},
		{method: "POST", path: "/conversations/{conversation}/take-over", act: "take over", handle: a.takeOver, bare: true},
		{method: "POST", path: "/conversations/{conversation}/give-back", act: "give back", handle: a.giveBack, bare: true},
		{method: "GET", path: "/status", handle: a.status},
		{method: "GET", path: "/figures", handle: a.figures},
		{method: "GET", path: "/conversations/{conversation}/export", act: "export", handle: a.export, long: true},
		{method: "DELETE", path: "/conversations/{conversation}", act: "erase", handle: a.erase, long: true},
		{method: "GET", path: "/configuration", handle: a.configuration},
		{method: "GET", path: "/backup", act: "back up", handle: a.backup, long: true},
		{method: "POST", path: "/store/check", act: "check the store", handle: a.checkStore, bare: true, long: true},
		{method: "GET", path: questionsPath, handle: a.questions, long: true, audits: true},
		{method: "POST", path: "/doctor", act: "check", handle: a.Doctor.ServeHTTP, long: true},
	}
}

// New returns the handler of the console port.
func New(dependencies Dependencies) http.Handler {
	a := &api{Dependencies: dependencies}
	mux := http.NewServeMux()

	for _, r := range a.routes() {
		handler := a.audited(r)
		mux.Handle(r.method+" "+prefix+r.path, handler)

		if r.bare {
			mux.Handle(r.method+" "+r.path, handler)
		}
	}

	return Protect(RefuseForeign(mux))
}

// bounded serves a request within requestTimeout.
func bounded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()

		next(w, r.WithContext(ctx))
	}
}

// reveals reports whether an answer may hold names and texts of persons. Paths without the prefix always did.
func reveals(r *http.Request) bool {
	return r.URL.Query().Get(revealKey) == "true" || isBare(r)
}

// isBare reports whether a path has no prefix.
func isBare(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, prefix+"/") }

// ids returns the codec of the ids of conversations.
func (a *api) ids() *conversationid.Codec {
	return conversationid.New(a.Live.Current().Secrets.AppSecrets)
}

// fail answers a request whose call to the store failed. missing names the object that was not found.
func (a *api) fail(w http.ResponseWriter, err error, missing string) {
	if errors.Is(err, store.ErrNotFound) {
		http.Error(w, missing, http.StatusNotFound)
		return
	}

	a.Log.Log(context.Background(), logevent.RequestLevel(err), "console request failed", "error", err)
	http.Error(w, storeProblem(err), http.StatusServiceUnavailable)
}

// storeProblem returns how an answer names a failure of the store. Of a value that cannot be decrypted it has the reason, with the
// id of the key and the field to fix. Other errors may have personal data.
func storeProblem(err error) string {
	if !errors.Is(err, store.ErrKey) {
		return "the store is unavailable"
	}

	return store.KeyProblem(err)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)

	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(body)
}
