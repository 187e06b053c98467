// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/standin"
)

const (
	phoneNumberID = "106540352242922"
	conversations = 5000
)

// result is what one load showed.
type result struct {
	perSecond float64
	p50, p99  time.Duration
}

// newRequests writes signed deliveries of one text each, as they go over the wire, so that the load costs as little as
// possible beside what is measured.
func newRequests(round, n int) [][]byte {
	requests := make([][]byte, n)
	at := time.Now()
	for i := range requests {
		person := fmt.Sprintf("5730%07d", i%conversations)
		body := standin.TextDelivery(phoneNumberID, person, "Ana", standin.Wamid(fmt.Sprint(round, "-", i)), "Does it come in another color?", at)
		var b bytes.Buffer
		fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-Hub-Signature-256: %s\r\nContent-Length: %d\r\n\r\n",
			webhookRoute, standin.Sign(appSecret, body), len(body))
		b.Write(body)
		requests[i] = b.Bytes()
	}
	return requests
}

// load sends every request once, over connections that each wait for the answer before the next. Any answer but 200 is
// an error.
func load(ctx context.Context, address string, requests [][]byte, connections int) (result, error) {
	var next atomic.Int64
	var workers sync.WaitGroup
	took := make([][]time.Duration, connections)
	errs := make([]error, connections)
	began := time.Now()
	for c := range connections {
		workers.Go(func() {
			took[c], errs[c] = deliverOver(ctx, address, func() []byte {
				if i := int(next.Add(1)) - 1; i < len(requests) {
					return requests[i]
				}
				return nil
			})
		})
	}
	workers.Wait()
	elapsed := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		return result{}, err
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	return result{perSecond: float64(len(all)) / elapsed.Seconds(), p50: all[len(all)/2], p99: all[len(all)*99/100]}, nil
}

func deliverOver(ctx context.Context, address string, next func() []byte) ([]time.Duration, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	var took []time.Duration
	for request := next(); request != nil && ctx.Err() == nil; request = next() {
		began := time.Now()
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return nil, err
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("a delivery was answered %s", response.Status)
		}
		took = append(took, time.Since(began))
	}
	return took, ctx.Err()
}
