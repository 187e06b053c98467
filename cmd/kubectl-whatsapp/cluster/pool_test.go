// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
)

// use uses a forward of a pool, which has room for it.
func use(t *testing.T, pool *Pool, name string) (forward *Forward, release func()) {
	t.Helper()

	forward, release, err := pool.Use(t.Context(), "shop", name)
	if err != nil {
		t.Fatal(err)
	}

	return forward, release
}

// useBriefly uses a forward of a pool and releases it.
func useBriefly(t *testing.T, pool *Pool, name string) *Forward {
	t.Helper()

	forward, release := use(t, pool, name)
	release()

	return forward
}

func TestPoolIsBounded(t *testing.T) {
	pool := (&Cluster{}).NewPool()
	defer pool.Close()

	first := useBriefly(t, pool, "0")
	second := useBriefly(t, pool, "1")

	for i := 2; i < maxForwards; i++ {
		useBriefly(t, pool, fmt.Sprint(i))
	}

	if useBriefly(t, pool, "0") != first {
		t.Error("a forward that is open was not used again")
	}

	useBriefly(t, pool, "one more") // in the place of 1, which was idle for the longest time

	if len(pool.open) != maxForwards || useBriefly(t, pool, "0") != first || useBriefly(t, pool, "1") == second {
		t.Errorf("the pool has %d forwards, want %d with the used ones", len(pool.open), maxForwards)
	}
}

// TestPoolClosesNoForwardInUse uses as many forwards as a pool keeps open. Another use waits until one of them is idle.
func TestPoolClosesNoForwardInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := (&Cluster{}).NewPool()
		defer pool.Close()

		first, releaseFirst := use(t, pool, "0")
		second, releaseSecond := use(t, pool, "1")

		for i := 2; i < maxForwards; i++ {
			use(t, pool, fmt.Sprint(i))
		}

		again, releaseAgain := use(t, pool, "0")
		if again != first {
			t.Error("a forward in use was not used again")
		}

		left, leave := context.WithCancel(t.Context())
		leave()

		if _, _, err := pool.Use(left, "shop", "left"); !errors.Is(err, context.Canceled) {
			t.Errorf("a use whose context ended: %v", err)
		}

		waited := make(chan func(), 1)

		go func() {
			_, release, err := pool.Use(t.Context(), "shop", "one more")
			if err != nil {
				t.Error(err)
			}

			waited <- release
		}()

		releaseFirst() // one of its two uses
		synctest.Wait()

		if len(waited) > 0 || first.closed || second.closed {
			t.Fatal("a forward in use made room for another one")
		}

		releaseSecond()

		release := <-waited
		defer release()

		synctest.Wait()

		if first.closed || !second.closed {
			t.Errorf("the forward in use is closed: %t, the idle one: %t, want the idle one alone", first.closed, second.closed)
		}

		releaseAgain()
	})
}

func TestPoolAfterItsEnd(t *testing.T) {
	pool := (&Cluster{}).NewPool()
	forward, release := use(t, pool, "0")

	pool.Close()
	release()

	if _, _, err := pool.Use(t.Context(), "shop", "0"); !errors.Is(err, net.ErrClosed) || !forward.closed {
		t.Errorf("a use after the end of the pool: %v", err)
	}
}

// TestCallOutlastsOtherForwards calls a receiver that answers after the pool has opened as many other forwards as it keeps. The call
// succeeds, and so does the rest of its answer.
func TestCallOutlastsOtherForwards(t *testing.T) {
	namespace := server.NewNamespace(t)
	kubelet := server.StartKubelet(t)

	newWebhook(t, namespace, "sales")

	began := make(chan struct{}, 100)
	answer := make(chan struct{})
	end := make(chan struct{})

	startPod(t, kubelet, namespace, "sales-1", func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}

		for _, ready := range []chan struct{}{answer, end} {
			select {
			case <-ready:
			case <-r.Context().Done():
				return
			}

			fmt.Fprint(w, "a part;")
			_ = http.NewResponseController(w).Flush()
		}
	})

	pool := newCluster(t, server.Admin, namespace).NewPool()
	defer pool.Close()

	useOthers := func() {
		for i := range maxForwards {
			useBriefly(t, pool, fmt.Sprint(i))
		}
	}

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, loopback, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}

	answered := make(chan *http.Response, 1)

	go func() {
		response, err := pool.Transport(namespace, "sales").RoundTrip(request)
		if err != nil {
			t.Error(err)
		}

		answered <- response
	}()

	<-began
	useOthers()
	close(answer)

	response := <-answered
	if response == nil {
		t.FailNow()
	}

	useOthers()
	close(end)

	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "a part;a part;" {
		t.Errorf("the answer is %q, %v", body, err)
	}

	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}

	if users := pool.open[len(pool.open)-1].users; users != 0 {
		t.Errorf("after the answer the forward has %d users", users)
	}
}
