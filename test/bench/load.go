// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	phoneNumberID = "106540352242922"
	conversations = 5000

	deliveryTimeout = 2 * time.Minute // of one delivery, repetitions included
	redelivery      = 100 * time.Millisecond
)

// loadResult is the result of one load.
type loadResult struct {
	perSecond float64
	p50, p99  time.Duration // from the first attempt of a delivery to its acknowledgement
	shed      int64         // answers with status 503
	took      time.Duration // until the last acknowledgement
	spent     usage         // of the processors meanwhile
}

// newRequests returns signed deliveries of one text each, encoded as HTTP requests in advance, so that the load itself
// costs as little as possible.
func newRequests(round, n int) [][]byte {
	requests := make([][]byte, n)

	at := time.Now()
	for i := range requests {
		person := fmt.Sprintf("5730%07d", i%conversations)
		id := standin.Wamid(fmt.Sprint(round, "-", i))
		body := standin.TextDelivery(phoneNumberID, person, "Ana", id, "Does it come in another color?", at)
		requests[i] = signed(appSecret, body)
	}

	return requests
}

// signed returns the HTTP request of a signed delivery.
func signed(secret string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\n"+
		"Host: bench\r\n"+
		"Content-Type: application/json\r\n"+
		"X-Hub-Signature-256: %s\r\n"+
		"Content-Length: %d\r\n\r\n",
		webhookRoute, standin.Sign(secret, body), len(body))
	b.Write(body)

	return b.Bytes()
}

// load sends every request until it is acknowledged. Each connection waits for an answer before it sends the next request.
func load(ctx context.Context, address string, requests [][]byte, connections int) (loadResult, error) {
	var taken atomic.Int64

	return loadFrom(ctx, address, connections, func(context.Context) []byte {
		if i := int(taken.Add(1)) - 1; i < len(requests) {
			return requests[i]
		}

		return nil
	})
}

// loadFrom is load for the requests that next returns, until it returns nil. The connections call next concurrently. Like
// Meta it repeats a request that is answered 503; any other status than 200 is an error.
func loadFrom(
	ctx context.Context,
	address string,
	connections int,
	next func(context.Context) []byte,
) (loadResult, error) {
	var shed atomic.Int64

	each := make([][]time.Duration, connections)

	before, err := processors()
	if err != nil {
		return loadResult{}, err
	}

	began := time.Now()

	workers, ctx := errgroup.WithContext(ctx)
	for c := range connections {
		workers.Go(func() error {
			took, repeated, err := deliverOver(ctx, address, next)
			each[c] = took

			shed.Add(repeated)

			return err
		})
	}

	if err := workers.Wait(); err != nil {
		return loadResult{}, err
	}

	l := loadResult{took: time.Since(began), shed: shed.Load()}
	if l.spent, err = usageSince(before); err != nil {
		return loadResult{}, err
	}

	if took := slices.Concat(each...); len(took) > 0 {
		slices.Sort(took)
		l.perSecond = float64(len(took)) / l.took.Seconds()
		l.p50 = took[len(took)/2]
		l.p99 = took[len(took)*99/100]
	}

	return l, nil
}

// deliverOver delivers over one connection. It returns how long each delivery took, and the number of answers with 503.
func deliverOver(
	ctx context.Context,
	address string,
	next func(context.Context) []byte,
) (took []time.Duration, shed int64, err error) {
	var dialer net.Dialer

	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()

	answers := bufio.NewReader(conn)
	for request := next(ctx); request != nil && ctx.Err() == nil; request = next(ctx) {
		sent := time.Now()

		repeated, err := deliver(ctx, conn, answers, request)
		if err != nil {
			return nil, 0, err
		}

		shed += repeated

		took = append(took, time.Since(sent))
	}

	return took, shed, ctx.Err()
}

// unexpectedStatusError is the status of an answer that is neither 200 nor a 503 after which the request can be repeated.
type unexpectedStatusError int

// Error implements error.
func (e unexpectedStatusError) Error() string {
	return fmt.Sprintf("a delivery was answered %d %s", int(e), http.StatusText(int(e)))
}

// deliver sends a request until it is answered 200, and returns how often it was answered 503.
func deliver(
	ctx context.Context,
	conn net.Conn,
	answers *bufio.Reader,
	request []byte,
) (shed int64, err error) {
	if err := conn.SetDeadline(time.Now().Add(deliveryTimeout)); err != nil {
		return 0, err
	}

	for {
		if _, err := conn.Write(request); err != nil {
			return shed, err
		}

		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			return shed, err
		}

		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return shed, err
		}

		_ = response.Body.Close()
		switch {
		case response.StatusCode == http.StatusOK:
			return shed, nil
		case response.StatusCode != http.StatusServiceUnavailable || response.Close:
			return shed, unexpectedStatusError(response.StatusCode)
		}

		shed++
		if err := sleep(ctx, redelivery); err != nil {
			return shed, err
		}
	}
}
