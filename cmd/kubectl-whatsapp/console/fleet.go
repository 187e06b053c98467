// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/status"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/console"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// loopbackAPI is the API of a receiver, through a [cluster.Forward].
const loopbackAPI = "http://localhost:9091/v1"

// Fleet is the source of the console for the resources of a cluster, with the rights of the user. Close ends its
// connections.
type Fleet struct {
	cluster   *cluster.Cluster
	forwards  *cluster.Pool
	statuses  *status.Collector
	namespace string // empty for all
	actor     string
}

// NewFleet returns the resources of a namespace, or of all for "". Actor is the name of the user for the audit logs.
func NewFleet(c *cluster.Cluster, namespace, actor string) *Fleet {
	forwards := c.NewPool()

	return &Fleet{
		cluster:   c,
		forwards:  forwards,
		statuses:  status.NewCollector(c, forwards),
		namespace: namespace,
		actor:     actor,
	}
}

// Close ends the connections to receivers.
func (f *Fleet) Close() { f.forwards.Close() }

// Handler returns the handler of the pages. The log gets what the pages cannot show.
func (f *Fleet) Handler(log *slog.Logger) (http.Handler, error) {
	pages, err := console.New(console.Dependencies{
		Source: f,
		Clock:  clockwork.NewRealClock(),
		Log:    log,
	})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler(console.Prefix+"/", http.StatusFound))
	mux.Handle(console.Prefix+"/", pages)

	return consoleapi.Protect(mux), nil
}

// Resources implements console.Source.
func (f *Fleet) Resources(ctx context.Context) ([]console.Resource, error) {
	all, err := f.statuses.Page(ctx, f.namespace)
	if err != nil {
		return nil, problem(err)
	}

	resources := make([]console.Resource, 0, len(all))
	for _, s := range all {
		resources = append(resources, resourceOf(s))
	}

	return resources, nil
}

// severities are those of the console, by severity of the status.
var severities = map[status.Severity]console.Severity{
	status.Fine:    console.OK,
	status.Warning: console.Warning,
	status.Failing: console.Failure,
}

func resourceOf(s status.Status) console.Resource {
	resource := console.Resource{
		Namespace:   s.Namespace,
		Name:        s.Name,
		Severity:    severities[s.Severity],
		URL:         s.URL,
		Pending:     s.Pending,
		DeadLetters: s.DeadLetters,
	}

	var texts []string
	if s.Ready.Status != "True" {
		texts = append(texts, s.Ready.Reason+": "+s.Ready.Message)
	}

	for _, finding := range s.Findings {
		texts = append(texts, finding.Subject+": "+finding.Text)
	}

	if s.Unreachable != "" {
		texts = append(texts, s.Unreachable)
	}

	resource.Message = strings.Join(texts, "; ")

	if r := s.Report; r != nil {
		resource.AddReport(r)
		resource.PerMinute = perMinute(r.Metrics.MessagesReceived, time.Since(r.Metrics.Since))
	}

	return resource
}

// perMinute returns the rate of the messages of the last hour, or nil if it is too short.
func perMinute(messages int64, since time.Duration) *float64 {
	if since < time.Second {
		return nil
	}

	return new(float64(messages) / since.Minutes())
}

// Open implements console.Source. To a person who may not connect to pods it is read-only, with an error that names the right.
func (f *Fleet) Open(ctx context.Context, namespace, name string) (console.API, error) {
	if f.namespace != "" && namespace != f.namespace {
		return console.API{}, console.ErrNoResource
	}

	allowed, err := f.cluster.MayForward(ctx, namespace)
	if err != nil {
		return console.API{}, problem(err)
	}

	api := console.API{
		Client: &http.Client{Transport: explaining{f.forwards.Transport(namespace, name)}},
		Base:   loopbackAPI,
		Actor:  f.actor,
	}
	if !allowed {
		api.ReadOnly = fmt.Sprintf("you may not connect to the pods of the namespace %s; "+
			"a role has to allow the verb create on pods/portforward.", namespace)
	}

	return api, nil
}

// explaining is a transport whose errors are for people.
type explaining struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (e explaining) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := e.next.RoundTrip(r)
	if err != nil {
		return nil, problem(err)
	}

	return response, nil
}

// problem returns an error that a page shows, with what to do.
func problem(err error) error {
	known, ok := errors.AsType[*output.Error](err)
	if !ok {
		return err
	}

	return &console.ProblemError{Text: strings.TrimSuffix(known.Error(), ".") + ". " + known.Fix}
}
