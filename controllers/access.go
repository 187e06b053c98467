// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// denial is the lack of the rights to list and watch a resource.
type denial struct {
	namespace string // empty if it concerns the whole cluster
	resource  schema.GroupResource
}

// String names the missing rights.
func (d denial) String() string {
	return fmt.Sprintf("the operator lacks the right to list and watch %s in %s", d.resource, d.place())
}

// failure returns the denial as a failed step of a reconciliation.
func (d denial) failure() failure {
	return failure{
		reason:  v1alpha1.ReasonApplyFailed,
		message: d.String() + "; grant it in a role, and it takes effect within a minute",
		retry:   retryDenied,
		err:     errors.New(d.String()),
	}
}

func (d denial) place() string {
	if d.namespace == "" {
		return "the cluster"
	}

	return fmt.Sprintf("namespace %q, or the namespace does not exist", d.namespace)
}

// access records the resources that the operator may not list or watch. It derives them from the responses to the cache's
// requests, which the cache repeats at intervals. So it needs neither requests nor rights of its own.
type access struct {
	log logr.Logger
	// changed is called with the namespace in which rights came or went, or an empty string for all.
	changed func(ctx context.Context, namespace string) error
	wake    chan struct{}

	mu      sync.Mutex
	denials map[denial]bool
	pending map[string]bool // namespaces that changed has not been called for
}

func newAccess(log logr.Logger) *access {
	return &access{
		log:     log,
		wake:    make(chan struct{}, 1),
		denials: map[denial]bool{},
		pending: map[string]bool{},
	}
}

// wrap returns a transport that records which requests the API server forbids.
func (a *access) wrap(next http.RoundTripper) http.RoundTripper {
	return transport(func(req *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(req)
		if err != nil {
			return response, err
		}

		d, watch, ok := readOf(req)

		switch {
		case ok && response.StatusCode == http.StatusForbidden:
			a.record(d, true)
		case ok && watch && response.StatusCode == http.StatusOK: // a list alone is not enough
			a.record(d, false)
		}

		return response, nil
	})
}

type transport func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) { return t(req) }

// readOf returns the rights that a request to list or watch objects needs. For any other request ok is false.
func readOf(req *http.Request) (d denial, watch, ok bool) {
	if req.Method != http.MethodGet {
		return denial{}, false, false
	}

	path := strings.Split(strings.Trim(req.URL.Path, "/"), "/")

	switch {
	case len(path) > 2 && path[0] == "api":
		path = path[2:] // version
	case len(path) > 3 && path[0] == "apis":
		d.resource.Group = path[1]
		path = path[3:] // group and version
	default:
		return denial{}, false, false
	}

	if len(path) > 2 && path[0] == "namespaces" {
		d.namespace = path[1]
		path = path[2:]
	}

	if len(path) != 1 {
		return denial{}, false, false // a single object
	}

	d.resource.Resource = path[0]

	return d, req.URL.Query().Get("watch") == "true", true
}

func (a *access) record(d denial, denied bool) {
	if !a.update(d, denied) {
		return
	}

	log := a.log.WithValues("namespace", d.namespace, "resource", d.resource.String())
	if denied {
		log.Error(nil, d.String()+"; the operator continues without it, and uses it within a minute once a role grants it")
	} else {
		log.Info("a role granted the operator a right that it lacked")
	}

	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// update reports whether the right came or went.
func (a *access) update(d denial, denied bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()

	if a.denials[d] == denied {
		return false
	}

	if denied {
		a.denials[d] = true
	} else {
		delete(a.denials, d)
	}

	a.pending[d.namespace] = true

	return true
}

// Start calls changed after each change, until ctx ends. The transport must not: the cache may be waiting for its response.
func (a *access) Start(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
		}

		for _, namespace := range a.takePending() {
			if err := a.changed(ctx, namespace); err != nil && ctx.Err() == nil {
				a.log.Error(err, "a change of rights takes effect later", "namespace", namespace)
			}
		}
	}
}

func (a *access) takePending() []string {
	a.mu.Lock()
	defer a.mu.Unlock()

	namespaces := slices.Collect(maps.Keys(a.pending))
	clear(a.pending)

	return namespaces
}

// denied returns why the operator cannot read a resource in a namespace.
func (a *access) denied(namespace string, resource schema.GroupResource) (denial, bool) {
	for _, d := range a.all() {
		if d.resource == resource && (d.namespace == namespace || d.namespace == "") {
			return d, true
		}
	}

	return denial{}, false
}

// required returns the rights in a namespace without which the operator cannot work there.
func (a *access) required(namespace string) []denial {
	return slices.DeleteFunc(a.all(), func(d denial) bool {
		return optionalResources[d.resource] || d.namespace != namespace && d.namespace != ""
	})
}

// all returns all rights that the operator lacks, in the same order every time.
func (a *access) all() []denial {
	a.mu.Lock()
	defer a.mu.Unlock()

	return slices.SortedFunc(maps.Keys(a.denials), func(x, y denial) int {
		return cmp.Or(
			cmp.Compare(x.namespace, y.namespace),
			cmp.Compare(x.resource.String(), y.resource.String()),
		)
	})
}
