// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const openDuration = 30 * time.Second

// bench is a client whose circuits can be looked at from outside: by the calls that reach Bird.
type bench struct {
	t       *testing.T
	standIn *standin.Bird
	clock   *clockwork.FakeClock
	client  *Client
}

func newBench(t *testing.T) *bench {
	b := &bench{
		t:       t,
		standIn: standin.NewBird(standin.BirdOptions{}),
		clock:   clockwork.NewFakeClock(),
	}
	server := httptest.NewServer(b.standIn)
	t.Cleanup(func() { b.standIn.Close(); server.Close() })

	b.client = NewClient(config.Fixed(config.Config{Bird: config.Bird{
		BaseURL: server.URL, CircuitBreaker: config.CircuitBreaker{FailureThreshold: 3, OpenDuration: openDuration},
	}}, config.Secrets{BirdAccessKey: "key"}), 1, b.clock)
	t.Cleanup(b.client.Close)

	return b
}

// call makes one and tells the code it failed with, and whether Bird was asked.
func (b *bench) call(m Method) (code string, asked bool) {
	before := b.standIn.Recorder.Total()

	_, err := b.client.call(b.t.Context(), Request{Method: m, Body: TextMessage{Common: Common{MessageID: "wamid.1"}}})
	if err != nil {
		code = failure.Of(err).Code
	}

	return code, b.standIn.Recorder.Total() > before
}

func (b *bench) want(m Method, code string, asked bool) {
	b.t.Helper()

	if gotCode, gotAsked := b.call(m); gotCode != code || gotAsked != asked {
		b.t.Errorf("%s: code %q, asked %t; want %q, %t", m, gotCode, gotAsked, code, asked)
	}
}

func (b *bench) fault(status, times int) {
	b.standIn.Faults.Add(standin.Fault{Status: status, Times: times})
}

func TestCircuitOpensAfterFailuresInARow(t *testing.T) {
	b := newBench(t)
	b.fault(503, 2)
	b.want(ProcessText, "http_503", true)
	b.want(ProcessImage, "http_503", true)
	b.want(ProcessText, "", true) // which begins the count anew
	b.fault(503, 4)
	b.want(ProcessText, "http_503", true)
	b.want(ProcessImage, "http_503", true)
	b.want(ProcessList, "http_503", true)
	b.want(ProcessText, "circuit_open", false)
	b.want(ProcessVideo, "circuit_open", false)
	b.clock.Advance(openDuration - time.Second)

	_, err := b.client.call(t.Context(), Request{Method: ProcessText, Body: TextMessage{}})
	if f := failure.Of(err); f.Class != failure.Configuration || f.RetryAfter != time.Second || !strings.Contains(f.Text, "Bird is unavailable") {
		t.Errorf("failure = %+v, want a configuration failure with its cause and a second to wait", f)
	}

	b.clock.Advance(time.Second)
	b.want(ProcessVideo, "http_503", true) // the probe fails, and opens it again
	b.want(ProcessText, "circuit_open", false)
	b.clock.Advance(openDuration)
	b.want(ProcessText, "", true)
	b.want(ProcessVideo, "", true)
}

func TestCircuitOpensAtOnceOnAWrongConfiguration(t *testing.T) {
	for status, all := range map[int]bool{
		401: true,
		402: true,
		403: false,
		404: false,
	} {
		b := newBench(t)
		b.fault(status, 1)
		code, _ := b.call(ProcessImage)
		b.want(ProcessImage, "circuit_open", false)

		if all { // the key serves no method
			b.want(ProcessText, "circuit_open", false)
		} else { // an endpoint that is not there stops no other
			b.want(ProcessText, "", true)
		}

		b.clock.Advance(openDuration)
		b.want(ProcessImage, "", true)
		b.want(ProcessText, "", true)

		if !strings.HasPrefix(code, "http_40") {
			t.Errorf("%d: first failure = %s", status, code)
		}
	}
}

func TestCircuitStaysClosed(t *testing.T) {
	for name, fault := range map[string]standin.Fault{
		"refused messages":   {Status: 422},
		"calls in progress":  {Status: 409, Body: `{"code":"E01004"}`},
		"answers of no form": {Status: 200, Body: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.standIn.Faults.Add(fault)

			for range 5 {
				if _, asked := b.call(ProcessText); !asked {
					t.Fatal("the circuit opened")
				}
			}
		})
	}
}

func TestStatusesHaveACircuitOfTheirOwn(t *testing.T) {
	for _, tc := range []struct{ broken, whole Method }{{NotifyStatus, ProcessText}, {ProcessText, NotifyStatus}} {
		b := newBench(t)
		b.fault(503, 3)

		for range 3 {
			b.want(tc.broken, "http_503", true)
		}

		b.want(tc.broken, "circuit_open", false)
		b.want(tc.whole, "", true)
	}
}

func TestAWaitThatBirdAsksForHoldsTheCircuitOpen(t *testing.T) {
	b := newBench(t)
	b.standIn.Faults.Add(standin.Fault{
		Status:     429,
		RetryAfter: "120",
		Times:      3,
	})

	for range 3 {
		b.want(ProcessText, "http_429", true)
	}

	b.clock.Advance(119 * time.Second)
	b.want(ProcessText, "circuit_open", false)
	b.clock.Advance(time.Second)
	b.want(ProcessText, "", true)
}

func TestOneProbeAtATime(t *testing.T) {
	b := newBench(t)
	b.fault(401, 1)
	b.want(ProcessText, "http_401", true)
	b.clock.Advance(openDuration)
	b.standIn.Faults.Add(standin.Fault{Hang: true, Times: 1})

	ctx, cancel := context.WithCancel(t.Context())
	asked := b.standIn.Recorder.Total()

	var probe sync.WaitGroup
	probe.Go(func() {
		_, err := b.client.call(ctx, Request{Method: ProcessText, Body: TextMessage{}})
		if f := failure.Of(err); err == nil || f.Class != failure.Transient {
			t.Errorf("the probe's error = %v, want a transient one", err)
		}
	})

	if err := b.standIn.Recorder.WaitTotal(t.Context(), asked+1); err != nil {
		t.Fatal(err)
	}

	b.want(ProcessImage, "circuit_open", false)
	cancel() // given up by its caller, the probe says nothing: the next one may
	probe.Wait()
	b.want(ProcessImage, "", true)
}

func TestCallsFromBeforeSayNothingAboutTheTimeSince(t *testing.T) {
	clock := clockwork.NewFakeClock()
	settings := config.Fixed(config.Config{Bird: config.Bird{CircuitBreaker: config.CircuitBreaker{FailureThreshold: 1, OpenDuration: openDuration}}}, config.Secrets{}).Current()
	breaker := &breaker{clock: clock}
	slow, _ := breaker.allow(settings, ProcessText)
	failed, _ := breaker.allow(settings, ProcessText)
	breaker.record(failed, 503, &failure.Error{Class: failure.Transient})
	breaker.record(slow, 200, nil)

	if _, fault := breaker.allow(settings, ProcessText); fault == nil {
		t.Error("a success from before closed the circuit")
	}

	clock.Advance(openDuration)

	probe, fault := breaker.allow(settings, ProcessText)
	if fault != nil {
		t.Fatal(fault)
	}

	breaker.release(slow)

	if _, fault := breaker.allow(settings, ProcessText); fault == nil || fault.RetryAfter != probeWait {
		t.Errorf("second probe: %v, want to be told to wait", fault)
	}

	breaker.record(probe, 200, nil)
	breaker.record(failed, 503, &failure.Error{Class: failure.Transient})

	if _, fault := breaker.allow(settings, ProcessText); fault != nil {
		t.Errorf("a failure from before opened the circuit: %v", fault)
	}
}

func TestAnotherKeyClosesTheCircuit(t *testing.T) {
	standIn := standin.NewBird(standin.BirdOptions{AccessKeys: []string{"right"}})

	server := httptest.NewServer(standIn)
	defer server.Close()

	dir := t.TempDir()
	write := func(name, value string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if err := os.MkdirAll(filepath.Join(dir, config.RoleBirdAccessKey), 0o700); err != nil {
		t.Fatal(err)
	}

	key := filepath.Join(config.RoleBirdAccessKey, "0")
	write(key, "wrong")
	write("config.yaml", "bird: {baseURL: "+server.URL+"}\nsecretsDir: "+dir+"\n")

	clock := clockwork.NewFakeClock()

	live, err := config.Open(filepath.Join(dir, "config.yaml"), clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	client := NewClient(live, 1, clock)
	defer client.Close()

	question := Request{Method: ProcessText, Body: TextMessage{Text: "hi"}}
	for _, want := range []string{"http_401", "circuit_open"} {
		if _, err := client.Ask(t.Context(), question); failure.Of(err).Code != want {
			t.Errorf("Ask() error = %v, want %s", err, want)
		}
	}

	write("config.yaml", "bird: {baseURL: "+server.URL+"}\nsecretsDir: "+dir+"\ncloudAPI: {timeout: 16s}\n")
	live.Reload()

	if _, err := client.Ask(t.Context(), question); failure.Of(err).Code != "circuit_open" {
		t.Errorf("Ask() error = %v; what does not concern Bird closes nothing", err)
	}

	write(key, "right")
	live.Reload()

	if _, err := client.Ask(t.Context(), question); err != nil {
		t.Errorf("Ask() with the right key: %v", err)
	}

	if n := len(standIn.Recorder.Calls()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}
