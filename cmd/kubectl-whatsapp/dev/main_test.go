// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// waitTimeout bounds the wait for one result, on a loaded machine too.
const waitTimeout = time.Minute

// fixture is a running server, with the stream of a page.
type fixture struct {
	*testing.T
	server *Server
	client *http.Client
	events chan streamed
	unread []streamed
}

type streamed struct {
	name string
	data []byte
}

// start runs a server until the test ends. The statuses of its answers come at once.
func start(t *testing.T, o Options) *fixture {
	t.Helper()

	o.Version = "test"
	o.Ticks = Ticks{Sent: time.Millisecond, Delivered: 2 * time.Millisecond, Read: 3 * time.Millisecond}

	server, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)

	go func() { ended <- server.Run(ctx) }()

	f := &fixture{
		T:      t,
		server: server,
		client: &http.Client{Transport: &http.Transport{}},
		events: make(chan streamed, 10_000),
	}
	follows := make(chan struct{})

	t.Cleanup(func() {
		stop()

		if err := <-ended; err != nil {
			t.Error(err)
		}

		if err := server.Close(); err != nil {
			t.Error(err)
		}

		<-follows
		f.client.CloseIdleConnections()
	})

	after := f.state().LastEventID

	go func() {
		defer close(follows)

		f.follow(ctx, after)
	}()

	return f
}

// follow reads the stream as a page does.
func (f *fixture) follow(ctx context.Context, after int64) {
	address := f.server.URL() + "/api/stream?after=" + jsonOf(f.T, after)

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		f.Error(err)
		return
	}

	response, err := f.client.Do(request)
	if err != nil {
		return // the test has ended
	}

	defer func() { _ = response.Body.Close() }()

	all := &lineReader{r: response.Body}

	for name := ""; ; {
		line, err := all.next()
		if err != nil {
			return
		}

		switch key, value, _ := strings.Cut(line, ": "); key {
		case "event":
			name = value
		case "data":
			f.events <- streamed{name: name, data: []byte(value)}
		}
	}
}

type lineReader struct {
	r      io.Reader
	buffer bytes.Buffer
}

func (l *lineReader) next() (string, error) {
	for {
		line, err := l.buffer.ReadString('\n')
		if err == nil {
			return strings.TrimSuffix(line, "\n"), nil
		}

		l.buffer.WriteString(line)

		chunk := make([]byte, 4096)

		n, err := l.r.Read(chunk)
		l.buffer.Write(chunk[:n])

		if err != nil && n == 0 {
			return "", err
		}
	}
}

// wait returns the data of the first event of the stream that a condition accepts and that no earlier wait has returned.
func wait[T any](f *fixture, name string, accept func(T) bool) T {
	f.Helper()

	bound := time.NewTimer(waitTimeout)
	defer bound.Stop()

	for next := 0; ; next++ {
		if next == len(f.unread) {
			select {
			case e := <-f.events:
				f.unread = append(f.unread, e)
			case <-bound.C:
				for _, e := range f.unread {
					f.Logf("%s %.300s", e.name, e.data)
				}

				f.Fatalf("no such %s", name)
			}
		}

		var data T
		if e := f.unread[next]; e.name == name && json.Unmarshal(e.data, &data) == nil && accept(data) {
			f.unread = slices.Delete(f.unread, next, next+1)
			return data
		}
	}
}

// answer waits for the next message of the business.
func (f *fixture) answer() Message {
	f.Helper()

	return wait(f, StreamMessage, func(m Message) bool { return m.From == FromBusiness })
}

// trace waits for a trace of a kind whose title has a text.
func (f *fixture) trace(kind, title string) Trace {
	f.Helper()

	return wait(f, StreamTrace, func(t Trace) bool { return t.Kind == kind && strings.Contains(t.Title, title) })
}

func (f *fixture) state() State {
	f.Helper()

	var state State
	if status := f.call(http.MethodGet, "/api/state", nil, &state); status != http.StatusOK {
		f.Fatalf("GET /api/state: %d", status)
	}

	return state
}

// person returns the id of the first person.
func (f *fixture) person() string {
	f.Helper()

	return f.state().People[0].ID
}

// call sends a request with a JSON body and decodes the answer.
func (f *fixture) call(method, path string, in, out any) int {
	f.Helper()

	var body io.Reader = http.NoBody
	if in != nil {
		body = strings.NewReader(jsonOf(f.T, in))
	}

	request, err := http.NewRequestWithContext(f.Context(), method, f.server.URL()+path, body)
	if err != nil {
		f.Fatal(err)
	}

	request.Header.Set("Content-Type", "application/json")

	return f.do(request, out)
}

func (f *fixture) do(request *http.Request, out any) int {
	f.Helper()

	response, err := f.client.Do(request)
	if err != nil {
		f.Fatal(err)
	}

	defer func() { _ = response.Body.Close() }()

	raw, err := io.ReadAll(response.Body)
	if err != nil {
		f.Fatal(err)
	}

	if out != nil && response.StatusCode < http.StatusBadRequest {
		if err := json.Unmarshal(raw, out); err != nil {
			f.Fatalf("%s: %v", raw, err)
		}
	} else if response.StatusCode >= http.StatusBadRequest {
		f.Logf("%s %s: %d %s", request.Method, request.URL.Path, response.StatusCode, raw)
	}

	return response.StatusCode
}

// write sends a message of a person without a file.
func (f *fixture) write(n NewMessage) Message {
	f.Helper()

	if n.Person == "" {
		n.Person = f.person()
	}

	var m Message
	if status := f.call(http.MethodPost, "/api/messages", n, &m); status != http.StatusCreated {
		f.Fatalf("POST /api/messages: %d", status)
	}

	return m
}

// text sends a text of the first person.
func (f *fixture) text(text string) Message {
	f.Helper()

	return f.write(NewMessage{Type: TypeText, Text: text})
}

// turn turns a fault on or off.
func (f *fixture) turn(name string, on bool) {
	f.Helper()

	if status := f.call(http.MethodPut, "/api/faults/"+name, Switch{On: on}, nil); status != http.StatusOK {
		f.Fatalf("PUT %s: %d", name, status)
	}
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()

	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}

	return string(encoded)
}
