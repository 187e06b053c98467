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

// fixture is a client of a stand-in for Bird. Whether a call reaches the stand-in shows the state of its circuit.
type fixture struct {
	t       *testing.T
	standIn *standin.Bird
	clock   *clockwork.FakeClock
	client  *Client
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{
		t:       t,
		standIn: standin.NewBird(standin.BirdOptions{}),
		clock:   clockwork.NewFakeClock(),
	}
	server := httptest.NewServer(f.standIn)
	t.Cleanup(func() { f.standIn.Close(); server.Close() })

	f.client = NewClient(config.Fixed(config.Config{Bird: config.Bird{
		BaseURL: server.URL, CircuitBreaker: config.CircuitBreaker{FailureThreshold: 3, OpenDuration: openDuration},
	}}, config.Secrets{BirdAccessKey: "key"}), 1, f.clock)
	t.Cleanup(f.client.Close)

	return f
}

// call makes a call and returns its failure code, and whether it reached Bird.
func (f *fixture) call(m Method) (code string, asked bool) {
	before := f.standIn.Recorder.Total()

	_, err := f.client.call(f.t.Context(), Request{Method: m, Body: TextMessage{Common: Common{MessageID: "wamid.1"}}})
	if err != nil {
		code = failure.Of(err).Code
	}

	return code, f.standIn.Recorder.Total() > before
}

// check makes a call and checks its failure code, and whether it reached Bird.
func (f *fixture) check(m Method, code string, asked bool) {
	f.t.Helper()

	if gotCode, gotAsked := f.call(m); gotCode != code || gotAsked != asked {
		f.t.Errorf("%s: code %q, asked %t; want %q, %t", m, gotCode, gotAsked, code, asked)
	}
}

func (f *fixture) addFault(status, times int) {
	f.standIn.Faults.Add(standin.Fault{Status: status, Times: times})
}

func TestCircuitOpensAfterConsecutiveFailures(t *testing.T) {
	f := newFixture(t)
	f.addFault(503, 2)
	f.check(ProcessText, "http_503", true)
	f.check(ProcessImage, "http_503", true)
	f.check(ProcessText, "", true) // a success resets the count
	f.addFault(503, 4)
	f.check(ProcessText, "http_503", true)
	f.check(ProcessImage, "http_503", true)
	f.check(ProcessList, "http_503", true)
	f.check(ProcessText, "circuit_open", false)
	f.check(ProcessVideo, "circuit_open", false)
	f.clock.Advance(openDuration - time.Second)

	_, err := f.client.call(t.Context(), Request{Method: ProcessText, Body: TextMessage{}})
	if fault := failure.Of(err); fault.Class != failure.Configuration || fault.RetryAfter != time.Second || !strings.Contains(fault.Text, "Bird is unavailable") {
		t.Errorf("failure = %+v, want a configuration failure with its cause and a second to wait", fault)
	}

	f.clock.Advance(time.Second)
	f.check(ProcessVideo, "http_503", true) // the probe fails and opens the circuit again
	f.check(ProcessText, "circuit_open", false)
	f.clock.Advance(openDuration)
	f.check(ProcessText, "", true)
	f.check(ProcessVideo, "", true)
}

func TestCircuitOpensAtFirstConfigurationFailure(t *testing.T) {
	for status, all := range map[int]bool{
		401: true,
		402: true,
		403: false,
		404: false,
	} {
		f := newFixture(t)
		f.addFault(status, 1)
		code, _ := f.call(ProcessImage)
		f.check(ProcessImage, "circuit_open", false)

		if all { // no method works with this key
			f.check(ProcessText, "circuit_open", false)
		} else { // a missing endpoint does not stop the others
			f.check(ProcessText, "", true)
		}

		f.clock.Advance(openDuration)
		f.check(ProcessImage, "", true)
		f.check(ProcessText, "", true)

		if !strings.HasPrefix(code, "http_40") {
			t.Errorf("%d: first failure = %s", status, code)
		}
	}
}

func TestCircuitStaysClosed(t *testing.T) {
	for name, fault := range map[string]standin.Fault{
		"refused messages":  {Status: 422},
		"calls in progress": {Status: 409, Body: `{"code":"E01004"}`},
		"invalid answers":   {Status: 200, Body: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.standIn.Faults.Add(fault)

			for range 5 {
				if _, asked := f.call(ProcessText); !asked {
					t.Fatal("the circuit opened")
				}
			}
		})
	}
}

func TestStatusesHaveTheirOwnCircuit(t *testing.T) {
	for _, tc := range []struct{ broken, working Method }{{NotifyStatus, ProcessText}, {ProcessText, NotifyStatus}} {
		f := newFixture(t)
		f.addFault(503, 3)

		for range 3 {
			f.check(tc.broken, "http_503", true)
		}

		f.check(tc.broken, "circuit_open", false)
		f.check(tc.working, "", true)
	}
}

func TestRetryAfterKeepsTheCircuitOpen(t *testing.T) {
	f := newFixture(t)
	f.standIn.Faults.Add(standin.Fault{
		Status:     429,
		RetryAfter: "120",
		Times:      3,
	})

	for range 3 {
		f.check(ProcessText, "http_429", true)
	}

	f.clock.Advance(119 * time.Second)
	f.check(ProcessText, "circuit_open", false)
	f.clock.Advance(time.Second)
	f.check(ProcessText, "", true)
}

func TestOneProbeAtATime(t *testing.T) {
	f := newFixture(t)
	f.addFault(401, 1)
	f.check(ProcessText, "http_401", true)
	f.clock.Advance(openDuration)
	f.standIn.Faults.Add(standin.Fault{Hang: true, Times: 1})

	ctx, cancel := context.WithCancel(t.Context())
	asked := f.standIn.Recorder.Total()

	var probe sync.WaitGroup
	probe.Go(func() {
		_, err := f.client.call(ctx, Request{Method: ProcessText, Body: TextMessage{}})
		if fault := failure.Of(err); err == nil || fault.Class != failure.Transient {
			t.Errorf("the probe's error = %v, want a transient one", err)
		}
	})

	if err := f.standIn.Recorder.WaitTotal(t.Context(), asked+1); err != nil {
		t.Fatal(err)
	}

	f.check(ProcessImage, "circuit_open", false)
	cancel() // a cancelled probe has no result, so that the next call may probe
	probe.Wait()
	f.check(ProcessImage, "", true)
}

func TestLateResultsDoNotChangeTheCircuit(t *testing.T) {
	clock := clockwork.NewFakeClock()
	settings := config.Fixed(config.Config{Bird: config.Bird{CircuitBreaker: config.CircuitBreaker{FailureThreshold: 1, OpenDuration: openDuration}}}, config.Secrets{}).Current()
	breaker := &breaker{clock: clock}
	slow, _ := breaker.allow(settings, ProcessText)
	failed, _ := breaker.allow(settings, ProcessText)
	breaker.record(failed, 503, &failure.Error{Class: failure.Transient})
	breaker.record(slow, 200, nil)

	if _, fault := breaker.allow(settings, ProcessText); fault == nil {
		t.Error("a success from before the circuit opened closed the circuit")
	}

	clock.Advance(openDuration)

	probe, fault := breaker.allow(settings, ProcessText)
	if fault != nil {
		t.Fatal(fault)
	}

	breaker.release(slow)

	if _, fault := breaker.allow(settings, ProcessText); fault == nil || fault.RetryAfter != probeWait {
		t.Errorf("second probe: %v, want a failure with the time to wait", fault)
	}

	breaker.record(probe, 200, nil)
	breaker.record(failed, 503, &failure.Error{Class: failure.Transient})

	if _, fault := breaker.allow(settings, ProcessText); fault != nil {
		t.Errorf("a failure from before the circuit closed opened the circuit: %v", fault)
	}
}

func TestNewKeyClosesTheCircuit(t *testing.T) {
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

	request := Request{Method: ProcessText, Body: TextMessage{Text: "hi"}}
	for _, want := range []string{"http_401", "circuit_open"} {
		if _, err := client.Ask(t.Context(), request); failure.Of(err).Code != want {
			t.Errorf("Ask() error = %v, want %s", err, want)
		}
	}

	write("config.yaml", "bird: {baseURL: "+server.URL+"}\nsecretsDir: "+dir+"\ncloudAPI: {timeout: 16s}\n")
	live.Reload()

	if _, err := client.Ask(t.Context(), request); failure.Of(err).Code != "circuit_open" {
		t.Errorf("Ask() error = %v; a setting of another section must not close the circuit", err)
	}

	write(key, "right")
	live.Reload()

	if _, err := client.Ask(t.Context(), request); err != nil {
		t.Errorf("Ask() with the right key: %v", err)
	}

	if n := len(standIn.Recorder.Calls()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}
