// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// overHTTP2 returns a client that speaks HTTP/2 without TLS, over one connection.
func (f *fixture) overHTTP2() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)

	transport := &http.Transport{Protocols: protocols, MaxConnsPerHost: 1}
	f.t.Cleanup(transport.CloseIdleConnections)

	return &http.Client{Transport: transport, Timeout: timeout}
}

// request makes a request and returns the status of the answer, or 0 if there is none.
func (f *fixture) request(client *http.Client, method, path string, body io.Reader) int {
	request, err := http.NewRequestWithContext(f.t.Context(), method, "http://"+f.listener.Addr().String()+path, body)
	if err != nil {
		f.t.Error(err)
		return 0
	}

	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()

	if response.ProtoMajor != 2 {
		f.t.Errorf("answered by %s, want HTTP/2", response.Proto)
	}

	return response.StatusCode
}

// hold makes a request that waits in the handler, and returns what lets it go on, and its answer.
func (f *fixture) hold(client *http.Client) (release chan struct{}, status chan int) {
	f.t.Helper()

	status = make(chan int, 1)
	go func() { status <- f.request(client, http.MethodPost, "/hold", strings.NewReader("{}")) }()

	return <-f.held, status
}

func TestConnectionWithAnotherRequestIsNotEvicted(t *testing.T) {
	f := newFixture(t, 2)
	client := f.overHTTP2()

	release, held := f.hold(client)

	if got := f.request(client, http.MethodGet, "/", http.NoBody); got != http.StatusOK {
		t.Fatalf("a second request of the connection was answered %d, want 200", got)
	}

	slow := f.dial("")
	f.waitFor("the slow client counts", func() bool { open, _ := f.counts(); return open == 2 })

	if _, idle := f.counts(); idle != 1 {
		t.Fatalf("%d connections are idle, want the slow client's alone", idle)
	}

	third := f.dial("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := third.status(); got != http.StatusOK || slow.status() != 0 {
		t.Errorf("a third client was answered %d, want 200 in the place of the slow one", got)
	}

	close(release)

	if got := <-held; got != http.StatusOK {
		t.Errorf("the first request was answered %d, want 200", got)
	}
}

func TestRequestsOfOneConnectionAreBounded(t *testing.T) {
	f := newFixture(t, 2)
	client := f.overHTTP2()

	first, firstStatus := f.hold(client)
	second, secondStatus := f.hold(client)

	if got := f.request(client, http.MethodGet, "/", http.NoBody); got != http.StatusServiceUnavailable {
		t.Errorf("a third request at once was answered %d, want 503", got)
	}

	close(first)
	close(second)

	for _, status := range []chan int{firstStatus, secondStatus} {
		if got := <-status; got != http.StatusOK {
			t.Errorf("a request within the limit was answered %d, want 200", got)
		}
	}

	if got := f.request(client, http.MethodGet, "/", http.NoBody); got != http.StatusOK {
		t.Errorf("a request after them was answered %d, want 200", got)
	}
}

// Requests that never become complete must not keep others out.
func TestIncompleteRequestsOfOneConnectionAreEvicted(t *testing.T) {
	f := newFixture(t, 2)
	slow := f.overHTTP2()
	status := make(chan int, 2)

	for range 2 {
		body, unfinished := io.Pipe()
		t.Cleanup(func() { _ = unfinished.Close() })

		go func() { status <- f.request(slow, http.MethodPost, "/", body) }()
	}

	f.waitFor("both are handled", func() bool {
		f.listener.mu.Lock()
		defer f.listener.mu.Unlock()

		return f.listener.requests == 2
	})
	f.clock.Advance(grace)

	client := f.overHTTP2()
	f.waitFor("a complete request is answered", func() bool {
		return f.request(client, http.MethodGet, "/", http.NoBody) == http.StatusOK
	})

	for range 2 {
		if got := <-status; got != 0 {
			t.Errorf("an incomplete request was answered %d, want its connection closed", got)
		}
	}
}
