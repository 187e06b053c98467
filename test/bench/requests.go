// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// requests are the numbers of requests to the API server, by verb.
type requests map[string]int

var (
	writeVerbs = []string{"APPLY", "POST", "PUT", "PATCH", "DELETE"}
	readVerbs  = []string{"GET", "LIST"}
)

// The resources of the sample and its children, of which reads are counted. The API server itself reads others.
var readResources = []string{
	"whatsappwebhooks", "serviceaccounts", "configmaps", "persistentvolumeclaims", "deployments", "services", "ingresses",
}

// countRequests returns the requests of clients so far.
func (c *cluster) countRequests(ctx context.Context) (requests, error) {
	text, err := c.clientset.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the API server's metrics: %w", err)
	}

	counted := requests{}
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		line := scanner.Text()

		verb := clientVerb(line)
		if verb == "" {
			continue
		}

		var n float64
		if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n); err != nil {
			return nil, fmt.Errorf("read the API server's metrics: %w", err)
		}

		counted[verb] += int(n)
	}

	return counted, nil
}

// clientVerb returns the verb of a line of the metrics that counts requests of clients, and "" for any other line.
func clientVerb(line string) string {
	if !strings.HasPrefix(line, "apiserver_request_total{") {
		return ""
	}

	contains := func(label string) bool { return strings.Contains(line, label) }

	ownWrites := []string{
		`resource="leases"`,
		`resource="ipaddresses"`,
		`group="apiextensions.k8s.io"`,
		`group="authentication.k8s.io"`,
		`group="authorization.k8s.io"`,
	}

	for _, verb := range writeVerbs {
		if contains(`verb="`+verb+`"`) && !slices.ContainsFunc(ownWrites, contains) {
			return verb
		}
	}

	for _, verb := range readVerbs {
		isRead := func(resource string) bool { return contains(`resource="` + resource + `"`) }
		if contains(`verb="`+verb+`"`) && slices.ContainsFunc(readResources, isRead) {
			return verb
		}
	}

	return ""
}

// since returns the requests after an earlier count.
func (r requests) since(before requests) requests {
	after := requests{}
	for verb, n := range r {
		after[verb] = n - before[verb]
	}

	return after
}

func (r requests) writes() int {
	total := 0
	for _, verb := range writeVerbs {
		total += r[verb]
	}

	return total
}

// of returns the figure of the requests per resource.
func (r requests) of(count int) figure {
	var verbs []string

	for _, verb := range slices.Concat(writeVerbs, readVerbs) {
		if r[verb] > 0 {
			verbs = append(verbs, fmt.Sprintf("%.2f %s", float64(r[verb])/float64(count), verb))
		}
	}

	return figure{name: "  requests per resource", measured: strings.Join(verbs, ", ")}
}

// awaitNoWrites waits until there was no write for three seconds, and returns countRequests.
func (c *cluster) awaitNoWrites(ctx context.Context) (requests, error) {
	last, err := c.countRequests(ctx)
	for err == nil {
		if err = sleep(ctx, 3*time.Second); err != nil {
			break
		}

		now, again := c.countRequests(ctx)
		if again == nil && now.writes() == last.writes() {
			return now, nil
		}

		last = now
		err = again
	}

	return nil, err
}
