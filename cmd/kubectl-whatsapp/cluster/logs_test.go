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
// ahead of the node's would hide lines. The age has room for the way of the request: a log is read on from where it ended.
func TestLogSinceIsAnAge(t *testing.T) {
	asked := make(chan *http.Request, 1)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r }))
	t.Cleanup(api.Close)

	pod := &corev1.Pod{}
	pod.Namespace = "messaging"
	pod.Name = "sales-0"

	for _, age := range []time.Duration{0, time.Hour} {
		log, err := newCluster(t, &rest.Config{Host: api.URL}, "messaging").Log(t.Context(), pod, LogOptions{Since: time.Now().Add(-age)})
		if err != nil {
			t.Fatal(err)
		}

		t.Cleanup(func() { _ = log.Close() })

		query := (<-asked).URL.Query()

		seconds, err := strconv.Atoi(query.Get("sinceSeconds"))
		if got := time.Duration(seconds) * time.Second; err != nil || got <= age+time.Second || got > age+time.Minute || query.Has("sinceTime") {
			t.Errorf("the log was asked for with %v, want an age of %v and more than a second", query, age)
		}
	}
}
