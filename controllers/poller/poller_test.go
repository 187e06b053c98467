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

func TestPoll(t *testing.T) {
	receivers := newPods()
	receivers.report("10.0.0.1:9090", health.Report{
		Token:          health.TokenAccepted,
		MissingSecrets: []string{"verify-token", "app-secret"},
		Backlog:        &health.Backlog{Pending: 3, DeadLetters: 1},
		Subscription:   health.Subscription{State: health.SubscriptionActive},
	})
	receivers.report("[fd00::1]:9090", health.Report{
		Token:          health.TokenRefused,
		MissingSecrets: []string{"app-secret"},
		Backlog:        &health.Backlog{Pending: 4},
		Standby:        []health.Standby{{PhoneNumberID: "43"}, {PhoneNumberID: "42"}},
		Subscription:   health.Subscription{State: health.SubscriptionFailed, Problem: "why"},
	})
	receivers.answers["10.0.0.3:9090"] = ""
	receivers.answers["10.0.0.4:9090"] = "<html>"
	receivers.answers["10.0.0.5:9090"] = `{"problems":{"` + strings.Repeat("x", maxBody) + `":""}}`
	p := NewPoller(9090, receivers, clockwork.NewFakeClock(), nil)

	for name, test := range map[string]struct {
		addresses []string
		want      Summary
	}{
		"no receivers":    {nil, Summary{}},
		"no answers":      {[]string{"10.0.0.2"}, Summary{}},
		"invalid answers": {[]string{"10.0.0.3", "10.0.0.4", "10.0.0.5"}, Summary{}},
		"one": {[]string{"10.0.0.1"}, Summary{
			Answered:       1,
			MissingSecrets: []string{"app-secret", "verify-token"},
			Pending:        new(int64(3)),
			DeadLetters:    new(int64(1)),
			Subscription:   health.Subscription{State: health.SubscriptionActive},
		}},
		"several": {[]string{"10.0.0.1", "10.0.0.2", "fd00::1"}, Summary{
			Answered:       2,
			MissingSecrets: []string{"app-secret", "verify-token"},
			TokenRefused:   true,
			Pending:        new(int64(4)),
			DeadLetters:    new(int64(0)),
			Standby:        []string{"42", "43"},
			Subscription:   health.Subscription{State: health.SubscriptionFailed, Problem: "why"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, p.poll(t.Context(), test.addresses)); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
		})
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

	advance(scanEvery)

	if got := <-changes; got != sales {
		t.Errorf("change of %s, want %s", got, sales)
	}

	if diff := cmp.Diff(Summary{
		Answered:    1,
		Pending:     new(int64(1)),
		DeadLetters: new(int64(0)),
	}, p.Track(sales, []string{"10.0.0.1"})); diff != "" {
		t.Errorf("after the first poll (-want +got):\n%s", diff)
	}

	advance(Every) // without a change

	for polls() < 2 {
		advance(scanEvery)
	}

	receivers.report("10.0.0.1:9090", health.Report{Backlog: &health.Backlog{Pending: 2}})
	p.Refresh(sales)

	for len(changes) == 0 {
		advance(scanEvery)
	}

	<-changes

	if got := p.Track(sales, []string{"10.0.0.1"}).Pending; *got != 2 {
		t.Errorf("pending = %d, want 2", *got)
	}

	// A single lost answer changes nothing; a second one does.
	receivers.mu.Lock()
	answer := receivers.answers["10.0.0.1:9090"]
	delete(receivers.answers, "10.0.0.1:9090")
	before := receivers.requests["10.0.0.1:9090"]
	receivers.mu.Unlock()
	p.Refresh(sales)

	for polls() == before {
		advance(scanEvery)
	}

	receivers.mu.Lock()
	receivers.answers["10.0.0.1:9090"] = answer
	receivers.mu.Unlock()

	for polls() == before+1 {
		advance(scanEvery)
	}

	if got := p.Track(sales, []string{"10.0.0.1"}).Answered; got != 1 || len(changes) > 0 {
		t.Errorf("%d answered and %d changes after a lost answer; want 1 and 0", got, len(changes))
	}

	if got := p.Track(sales, []string{"10.0.0.9"}).Pending; *got != 2 {
		t.Errorf("pending = %d with new addresses, want 2 from the previous ones", *got)
	}

	for len(changes) == 0 {
		advance(scanEvery)
	}

	<-changes

	if got := p.Track(sales, []string{"10.0.0.9"}).Answered; got != 0 {
		t.Errorf("%d answered, want none", got)
	}

	p.Forget(sales)

	if len(p.takeDue()) != 0 {
		t.Error("a forgotten resource is still polled")
	}
}
