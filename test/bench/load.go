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

	deliveryTimeout = 30 * time.Second // of one delivery, however often it is put off
	redelivery      = 100 * time.Millisecond
)

// loaded is what one load showed.
type loaded struct {
	perSecond float64
	p50, p99  time.Duration // from the first time that a delivery is sent to its acknowledgement
	putOff    int64         // answers that were 503
	took      time.Duration // until all was done
	spent     usage         // meanwhile
}

// newRequests writes signed deliveries of one text each, as they go over the wire, so that the load costs as little as
// possible beside what is measured.
func newRequests(round, n int) [][]byte {
	requests := make([][]byte, n)

	at := time.Now()
	for i := range requests {
		person := fmt.Sprintf("5730%07d", i%conversations)
		body := standin.TextDelivery(phoneNumberID, person, "Ana", standin.Wamid(fmt.Sprint(round, "-", i)), "Does it come in another color?", at)
		requests[i] = signed(appSecret, body)
	}

	return requests
}

// signed is a delivery as it goes over the wire.
func signed(secret string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-Hub-Signature-256: %s\r\nContent-Length: %d\r\n\r\n",
		webhookRoute, standin.Sign(secret, body), len(body))
	b.Write(body)

	return b.Bytes()
}

// load has every request acknowledged, over connections that each wait for the answer before the next.
func load(ctx context.Context, address string, requests [][]byte, connections int) (loaded, error) {
	var taken atomic.Int64

	return loadFrom(ctx, address, connections, func(context.Context) []byte {
		if i := int(taken.Add(1)) - 1; i < len(requests) {
			return requests[i]
		}

		return nil
	})
}

// loadFrom does so with what next returns, which connections call at the same time, until that is nil. What is put off by a
// 503 is sent again, as Meta does; any other answer but 200 is an error.
func loadFrom(ctx context.Context, address string, connections int, next func(context.Context) []byte) (loaded, error) {
	var putOff atomic.Int64

	each := make([][]time.Duration, connections)

	before, err := processors()
	if err != nil {
		return loaded{}, err
	}

	began := time.Now()

	workers, ctx := errgroup.WithContext(ctx)
	for c := range connections {
		workers.Go(func() error {
			var dialer net.Dialer

			conn, err := dialer.DialContext(ctx, "tcp", address)
			if err != nil {
				return err
			}
			defer conn.Close()

			answers := bufio.NewReader(conn)
			for request := next(ctx); request != nil && ctx.Err() == nil; request = next(ctx) {
				sent := time.Now()

				again, err := deliver(ctx, conn, answers, request)
				if err != nil {
					return err
				}

				putOff.Add(again)

				each[c] = append(each[c], time.Since(sent))
			}

			return ctx.Err()
		})
	}

	if err := workers.Wait(); err != nil {
		return loaded{}, err
	}

	l := loaded{took: time.Since(began), putOff: putOff.Load()}
	if l.spent, err = usageSince(before); err != nil {
		return loaded{}, err
	}

	if took := slices.Concat(each...); len(took) > 0 {
		slices.Sort(took)
		l.perSecond = float64(len(took)) / l.took.Seconds()
		l.p50 = took[len(took)/2]
		l.p99 = took[len(took)*99/100]
	}

	return l, nil
}

// deliver sends a request until it is answered 200, and returns how often it was put off.
func deliver(ctx context.Context, conn net.Conn, answers *bufio.Reader, request []byte) (putOff int64, err error) {
	if err := conn.SetDeadline(time.Now().Add(deliveryTimeout)); err != nil {
		return 0, err
	}

	for {
		if _, err := conn.Write(request); err != nil {
			return putOff, err
		}

		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			return putOff, err
		}

		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return putOff, err
		}

		_ = response.Body.Close()
		switch {
		case response.StatusCode == http.StatusOK:
			return putOff, nil
		case response.StatusCode != http.StatusServiceUnavailable || response.Close:
			return putOff, fmt.Errorf("a delivery was answered %s", response.Status)
		}

		putOff++
		if err := sleep(ctx, redelivery); err != nil {
			return putOff, err
		}
	}
}
