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

// pods answers for any number of receivers, by their address. One that has no answer cannot be reached.
type pods struct {
	mu      sync.Mutex
	answers map[string]string
	asked   map[string]int
}

func (p *pods) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.asked[req.URL.Host]++

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

func (p *pods) say(address string, r health.Report) {
	data, _ := json.Marshal(r) //nolint:errchkjson // it has nothing that could fail

	p.mu.Lock()
	defer p.mu.Unlock()

	p.answers[address] = string(data)
}

func newPods() *pods { return &pods{answers: map[string]string{}, asked: map[string]int{}} }

func TestAsk(t *testing.T) {
	world := newPods()
	world.say("10.0.0.1:9090", health.Report{
		Token:          health.TokenAccepted,
		MissingSecrets: []string{"verify-token", "app-secret"},
		Backlog:        &health.Backlog{Pending: 3, DeadLetters: 1},
		Subscription:   health.Subscription{State: health.SubscriptionActive},
	})
	world.say("[fd00::1]:9090", health.Report{
		Token:          health.TokenRefused,
		MissingSecrets: []string{"app-secret"},
		Backlog:        &health.Backlog{Pending: 4},
		Subscription:   health.Subscription{State: health.SubscriptionFailed, Problem: "why"},
	})
	world.answers["10.0.0.3:9090"] = ""
	world.answers["10.0.0.4:9090"] = "<html>"
	world.answers["10.0.0.5:9090"] = `{"problems":{"` + strings.Repeat("x", maxBody) + `":""}}`
	p := NewPoller(9090, world, clockwork.NewFakeClock(), nil)

	for name, test := range map[string]struct {
		addresses []string
		want      Summary
	}{
		"nobody":         {nil, Summary{}},
		"nobody answers": {[]string{"10.0.0.2"}, Summary{}},
		"nothing of use": {[]string{"10.0.0.3", "10.0.0.4", "10.0.0.5"}, Summary{}},
		"one": {[]string{"10.0.0.1"}, Summary{
			Answered:       1,
			MissingSecrets: []string{"app-secret", "verify-token"},
			Pending:        new(int64(3)),
			DeadLetters:    new(int64(1)),
			Subscription:   health.Subscription{State: health.SubscriptionActive},
		}},
		"several together": {[]string{"10.0.0.1", "10.0.0.2", "fd00::1"}, Summary{
			Answered:       2,
			MissingSecrets: []string{"app-secret", "verify-token"},
			TokenRefused:   true,
			Pending:        new(int64(4)),
			DeadLetters:    new(int64(0)),
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

func TestNewsWakeTheReconciler(t *testing.T) {
	world := newPods()
	clock := clockwork.NewFakeClock()
	news := make(chan types.NamespacedName, 10)
	p := NewPoller(9090, world, clock, func(resource types.NamespacedName) { news <- resource })
	ctx, stop := context.WithCancel(t.Context())

	stopped := make(chan error, 1)
	go func() { stopped <- p.Start(ctx) }()

	defer func() {
		stop()

		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	// pass lets a scan happen, and waits until all who were asked have answered.
	pass := func(d time.Duration) {
		t.Helper()

		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}

		clock.Advance(d)
	}
	asked := func() int {
		world.mu.Lock()
		defer world.mu.Unlock()

		return world.asked["10.0.0.1:9090"]
	}
	sales := types.NamespacedName{Namespace: "messaging", Name: "sales"}

	world.say("10.0.0.1:9090", health.Report{Backlog: &health.Backlog{Pending: 1}})

	if diff := cmp.Diff(Summary{}, p.Track(sales, []string{"10.0.0.1"})); diff != "" {
		t.Errorf("before anybody was asked (-want +got):\n%s", diff)
	}

	pass(scanEvery)

	if got := <-news; got != sales {
		t.Errorf("news of %s, want %s", got, sales)
	}

	if diff := cmp.Diff(Summary{
		Answered:    1,
		Pending:     new(int64(1)),
		DeadLetters: new(int64(0)),
	}, p.Track(sales, []string{"10.0.0.1"})); diff != "" {
		t.Errorf("after an answer (-want +got):\n%s", diff)
	}

	pass(Every) // the same again

	for asked() < 2 {
		pass(scanEvery)
	}

	world.say("10.0.0.1:9090", health.Report{Backlog: &health.Backlog{Pending: 2}})
	p.Refresh(sales)

	for len(news) == 0 {
		pass(scanEvery)
	}

	<-news

	if got := p.Track(sales, []string{"10.0.0.1"}).Pending; *got != 2 {
		t.Errorf("pending = %d, want 2", *got)
	}

	// One lost answer changes nothing, a second one does.
	world.mu.Lock()
	answer := world.answers["10.0.0.1:9090"]
	delete(world.answers, "10.0.0.1:9090")
	before := world.asked["10.0.0.1:9090"]
	world.mu.Unlock()
	p.Refresh(sales)

	for asked() == before {
		pass(scanEvery)
	}

	world.mu.Lock()
	world.answers["10.0.0.1:9090"] = answer
	world.mu.Unlock()

	for asked() == before+1 {
		pass(scanEvery)
	}

	if got := p.Track(sales, []string{"10.0.0.1"}).Answered; got != 1 || len(news) > 0 {
		t.Errorf("%d answered after one lost answer, and %d times news; want 1 and none", got, len(news))
	}

	if got := p.Track(sales, []string{"10.0.0.9"}).Pending; *got != 2 {
		t.Errorf("pending = %d with new addresses, want 2: what the former ones said", *got)
	}

	for len(news) == 0 {
		pass(scanEvery)
	}

	<-news

	if got := p.Track(sales, []string{"10.0.0.9"}).Answered; got != 0 {
		t.Errorf("%d answered, want none", got)
	}

	p.Forget(sales)

	if len(p.takeDue()) != 0 {
		t.Error("one that is forgotten is asked")
	}
}
