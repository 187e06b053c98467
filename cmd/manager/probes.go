// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	ctrlmanager "sigs.k8s.io/controller-runtime/pkg/manager"
)

// cacheState is what the readiness of a manager depends on.
type cacheState interface {
	Unsynced() []string
	Missing() []string
	Works() bool
}

// addProbes adds a server of /healthz and /readyz to the manager, unless the address is 0.
func addProbes(mgr ctrlmanager.Manager, address string, state cacheState) error {
	if address == "0" {
		return nil
	}

	server, err := probeServer(address, state)
	if err != nil {
		return err
	}

	return mgr.Add(server)
}

// probeServer returns a server of /healthz and /readyz. Unlike the manager's own server, it returns the reasons for which the
// manager is not ready, and missing rights while it is ready.
func probeServer(address string, state cacheState) (*ctrlmanager.Server, error) {
	listener, err := net.Listen("tcp", address) //nolint:noctx // it lives as long as the process
	if err != nil {
		return nil, fmt.Errorf("listen for health probes: %w", err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		ready, report := readiness(state)
		if !ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}

		fmt.Fprintln(w, report)
	})

	return &ctrlmanager.Server{
		Name:     "health probes",
		Listener: listener,
		Server:   &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second},
	}, nil
}

// readiness reports whether the caches have synced and the operator can work in at least one namespace. It does not wait
// for the lease: a manager that could take it over at once is ready.
func readiness(state cacheState) (ready bool, report string) {
	lines := state.Missing()
	unsynced := state.Unsynced()

	switch {
	case len(unsynced) > 0:
		lines = slices.Insert(lines, 0, "caches are not synced: "+strings.Join(unsynced, ", "))
	case !state.Works():
		lines = slices.Insert(lines, 0, "there is no namespace in which the operator has the rights it needs")
	default:
		ready = true
		lines = slices.Insert(lines, 0, "ok")
	}

	return ready, strings.Join(lines, "\n")
}
