// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
)

// TestLogSinceIsAnAge checks that the API server gets the beginning of a log as an age: by a time, a clock of this machine that is
// ahead of the node's would hide lines.
func TestLogSinceIsAnAge(t *testing.T) {
	asked := make(chan *http.Request, 1)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r }))
	t.Cleanup(api.Close)

	pod := &corev1.Pod{}
	pod.Namespace = "messaging"
	pod.Name = "sales-0"

	log, err := newCluster(t, &rest.Config{Host: api.URL}, "messaging").Log(t.Context(), pod, LogOptions{Since: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()

	query := (<-asked).URL.Query()

	seconds, err := strconv.Atoi(query.Get("sinceSeconds"))
	if err != nil || seconds < 3600 || seconds > 3660 || query.Has("sinceTime") {
		t.Errorf("the log was asked for with %v, want an age of an hour", query)
	}
}
