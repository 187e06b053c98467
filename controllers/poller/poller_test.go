// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package poller

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pods stands in for receivers, by address. An address without an answer is unreachable.
type pods struct {
	mu       sync.Mutex
	answers  map[string]string
	requests map[string]int
}

func (p *pods) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.requests[req.URL.Host]++

	answer, ok := p.answers[req.URL.Host]
	if !ok {
		return nil, errors.New("connection refused")
	}

	w := httptest.NewRecorder()
	if answer == "" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}

	_, _ = w.WriteString(answer)

	return w.Result(), nil
}

// report sets the report of the receiver at an address.
func (p *pods) report(address string, r health.Report) {
	data, _ := json.Marshal(r) //nolint:errchkjson // a Report always marshals

	p.mu.Lock()
	defer p.mu.Unlock()

	p.answers[address] = string(data)
}

func newPods() *pods { return &pods{answers: map[string]string{}, requests: map[string]int{}} }

// TestPollIgnoresInvalidAnswers lists addresses whose answers are not reports.
func TestPollIgnoresInvalidAnswers(t *testing.T) {
	receivers := newPods()
	receivers.report("[fd00::1]:9090", health.Report{Token: health.TokenAccepted})
	receivers.answers["10.0.0.3:9090"] = ""
	receivers.answers["10.0.0.4:9090"] = "<html>"
	receivers.answers["10.0.0.5:9090"] = `{"problems":{"` + strings.Repeat("x", maxBody) + `":""}}`
	p := NewPoller(9090, receivers, clockwork.NewFakeClock(), nil)

	got := p.poll(t.Context(), []string{"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "fd00::1"})

	if diff := cmp.Diff(map[string]health.Report{"fd00::1": {Token: health.TokenAccepted}}, got); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

func TestChangesTriggerTheReconciler(t *testing.T) {
	receivers := newPods()
	clock := clockwork.NewFakeClock()
	changes := make(chan types.NamespacedName, 10)
	p := NewPoller(9090, receivers, clock, func(resource types.NamespacedName) { changes <- resource })
	ctx, stop := context.WithCancel(t.Context())

	stopped := make(chan error, 1)
	go func() { stopped <- p.Start(ctx) }()

	defer func() {
		stop()

		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()

	// advance moves the clock once the poller waits for its ticker.
	advance := func(d time.Duration) {
		t.Helper()

		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}

		clock.Advance(d)
	}

	polls := func() int {
		receivers.mu.Lock()
		defer receivers.mu.Unlock()

		return receivers.requests["10.0.0.1:9090"]
	}
	sales := types.NamespacedName{Namespace: "messaging", Name: "sales"}

	receivers.report("10.0.0.1:9090", health.Report{Backlog: &health.Backlog{Pending: 1}})

	if diff := cmp.Diff(Summary{}, p.Track(sales, []string{"10.0.0.1"})); diff != "" {
		t.Errorf("before the first poll (-want +got):\n%s", diff)
	}

	advance(scanInterval)

	if got := <-changes; got != sales {
		t.Errorf("change of %s, want %s", got, sales)
	}

	if diff := cmp.Diff(Summary{
		Complete:    true,
		Answered:    true,
		Pending:     new(int64(1)),
		DeadLetters: new(int64(0)),
	}, p.Track(sales, []string{"10.0.0.1"})); diff != "" {
		t.Errorf("after the first poll (-want +got):\n%s", diff)
	}

	advance(Interval) // without a change

	for polls() < 2 {
		advance(scanInterval)
	}

	receivers.report("10.0.0.1:9090", health.Report{Backlog: &health.Backlog{Pending: 2000}})
	p.Refresh(sales)

	for len(changes) == 0 {
		advance(scanInterval)
	}

	<-changes

	if got := p.Track(sales, []string{"10.0.0.1"}).Pending; *got != 2000 {
		t.Errorf("pending = %d, want 2000", *got)
	}

	// A single lost answer changes nothing; a second one does.
	receivers.mu.Lock()
	answer := receivers.answers["10.0.0.1:9090"]
	delete(receivers.answers, "10.0.0.1:9090")
	before := receivers.requests["10.0.0.1:9090"]
	receivers.mu.Unlock()
	p.Refresh(sales)

	for polls() == before {
		advance(scanInterval)
	}

	receivers.mu.Lock()
	receivers.answers["10.0.0.1:9090"] = answer
	receivers.mu.Unlock()

	for polls() == before+1 {
		advance(scanInterval)
	}

	if got := p.Track(sales, []string{"10.0.0.1"}).Answered; !got || len(changes) > 0 {
		t.Errorf("answered %t and %d changes after a lost answer; want true and 0", got, len(changes))
	}

	if got := p.Track(sales, []string{"10.0.0.9"}).Pending; *got != 2000 {
		t.Errorf("pending = %d with new addresses, want 2000 from the previous ones", *got)
	}

	for len(changes) == 0 {
		advance(scanInterval)
	}

	<-changes

	if got := p.Track(sales, []string{"10.0.0.9"}).Answered; got {
		t.Error("a receiver that is gone still counts as answering")
	}

	p.Forget(sales)

	if len(p.takeDue()) != 0 {
		t.Error("a forgotten resource is still polled")
	}
}
