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
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// loopback is the URL of the console port of a receiver.
const loopback = "http://localhost:9091"

// startPod runs a pod of the resource sales that serves handler on the console port.
func startPod(t *testing.T, kubelet *apiserver.Kubelet, namespace, name string, handler http.HandlerFunc) {
	t.Helper()

	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)

	kubelet.Run(t, namespace, name, resources.SelectorLabels("sales"), map[int]string{9091: web.Listener.Addr().String()}, "")
}

func named(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", name, r.Method, r.Host, body)
	}
}

// forwardTo returns connections to the resource sales of the namespace.
func forwardTo(t *testing.T, c *Cluster) *Forward {
	t.Helper()

	forward := c.Forward("sales")
	t.Cleanup(forward.Close)

	return forward
}

// oneReceiver runs a receiver of the resource sales, and returns its namespace, the kubelet that runs it, and connections.
func oneReceiver(t *testing.T) (namespace string, kubelet *apiserver.Kubelet, forward *Forward) {
	t.Helper()

	namespace = server.NewNamespace(t)
	kubelet = server.StartKubelet(t)

	newWebhook(t, namespace, "sales")
	startPod(t, kubelet, namespace, "sales-1", named("first"))

	return namespace, kubelet, forwardTo(t, newCluster(t, server.Admin, namespace))
}

func call(t *testing.T, forward *Forward, method, url, body string) (string, error) {
	t.Helper()

	return send(t, forward, method, url, strings.NewReader(body))
}

func send(t *testing.T, forward *Forward, method, url string, body io.Reader) (string, error) {
	t.Helper()

	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}

	response, err := forward.Client().Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()

	answer, err := io.ReadAll(response.Body)

	return string(answer), err
}

func TestForwardFindsTheNextReceiver(t *testing.T) {
	namespace, kubelet, forward := oneReceiver(t)

	for range 3 {
		got, err := call(t, forward, http.MethodGet, loopback, "")
		if err != nil || got != "first GET localhost:9091 " || forward.Pod() != "sales-1" {
			t.Fatalf("%q from %s, %v", got, forward.Pod(), err)
		}
	}

	kubelet.Kill(t, namespace, "sales-1")
	startPod(t, kubelet, namespace, "sales-2", named("second"))

	got, err := call(t, forward, http.MethodPost, loopback+"/change", "body")
	if err != nil || got != "second POST localhost:9091 body" || forward.Pod() != "sales-2" {
		t.Errorf("after a replacement: %q from %s, %v", got, forward.Pod(), err)
	}
}

func TestForwardWaitsForTheNextReceiver(t *testing.T) {
	namespace, kubelet, forward := oneReceiver(t)

	if _, err := call(t, forward, http.MethodGet, loopback, ""); err != nil {
		t.Fatal(err)
	}

	kubelet.Kill(t, namespace, "sales-1")

	answered := make(chan string, 1)

	go func() {
		got, err := call(t, forward, http.MethodGet, loopback, "")
		answered <- fmt.Sprint(got, err)
	}()

	startPod(t, kubelet, namespace, "sales-2", named("second"))

	if got := <-answered; got != "second GET localhost:9091 <nil>" {
		t.Errorf("after a replacement: %s", got)
	}
}

func TestCallThatMayHaveHadItsEffectIsNotRepeated(t *testing.T) {
	namespace := server.NewNamespace(t)
	kubelet := server.StartKubelet(t)

	newWebhook(t, namespace, "sales")

	var posts, gets atomic.Int64

	breaks := func(_ http.ResponseWriter, r *http.Request) {
		count := &gets
		if r.Method == http.MethodPost {
			count = &posts
		}

		if r.Method == http.MethodHead || count.Add(1) > 1 {
			return
		}

		panic(http.ErrAbortHandler)
	}
	startPod(t, kubelet, namespace, "sales-1", breaks)

	forward := forwardTo(t, newCluster(t, server.Admin, namespace))

	_, err := call(t, forward, http.MethodPost, loopback, "body")
	wantError(t, err, output.CodeUnreachable, "which may have had its effect", "before you repeat it")

	if posts.Load() != 1 {
		t.Errorf("the receiver was called %d times, want once", posts.Load())
	}

	if _, err := call(t, forward, http.MethodGet, loopback, ""); err != nil || gets.Load() != 2 {
		t.Errorf("a call that changes nothing: %v after %d calls, want it to be repeated", err, gets.Load())
	}
}

func TestForwardSaysWhyThereIsNoReceiver(t *testing.T) {
	namespace := server.NewNamespace(t)
	newWebhook(t, namespace, "sales")

	_, err := call(t, forwardTo(t, newCluster(t, server.Admin, namespace)), http.MethodGet, loopback, "")
	wantError(t, err, output.CodeUnreachable, "sales has no receiver pod that runs", "Check that the operator runs.")

	other := server.NewNamespace(t)
	_, err = call(t, forwardTo(t, newCluster(t, server.Admin, other)), http.MethodGet, loopback, "")
	wantError(t, err, output.CodeFailed, "there is no WhatsAppWebhook sales")
}

func TestForwardNamesTheRightThatLacks(t *testing.T) {
	namespace := server.NewNamespace(t)
	kubelet := server.StartKubelet(t)

	newWebhook(t, namespace, "sales")
	startPod(t, kubelet, namespace, "sales-1", named("first"))

	list := rbacv1.PolicyRule{
		APIGroups: []string{""},
		Resources: []string{"pods"},
		Verbs:     []string{"list"},
	}
	forwardPorts := rbacv1.PolicyRule{
		APIGroups: []string{""},
		Resources: []string{"pods/portforward"},
		Verbs:     []string{"create"},
	}

	_, err := call(t, forwardTo(t, asUser(t, namespace, "nothing")), http.MethodGet, loopback, "")
	wantError(t, err, output.CodeUnreachable, "You lack the right to list pods in the namespace "+namespace)

	_, err = call(t, forwardTo(t, asUser(t, namespace, "reader", list)), http.MethodGet, loopback, "")
	wantError(t, err, output.CodeUnreachable, "kubectl auth can-i create pods/portforward -n "+namespace)

	// Without the right to get pods/portforward the API server refuses the WebSocket: SPDY serves.
	got, err := call(t, forwardTo(t, asUser(t, namespace, "operator", list, forwardPorts)), http.MethodGet, loopback, "")
	if err != nil || !strings.HasPrefix(got, "first") {
		t.Errorf("with both rights: %q, %v", got, err)
	}
}

func TestPortThatNothingServes(t *testing.T) {
	_, _, forward := oneReceiver(t)

	// It stays open until the end, in a tunnel that gets no more streams.
	other, err := forward.DialContext(t.Context(), "tcp", "localhost:9091")
	if err != nil {
		t.Fatal(err)
	}

	conn, err := forward.DialContext(t.Context(), "tcp", "localhost:1234")
	if err != nil {
		t.Fatal(err)
	}

	_, err = conn.Read(make([]byte, 1))
	if err == nil || !strings.Contains(err.Error(), "port 1234 of pod sales-1: dial tcp 127.0.0.1:1234: connect: connection refused") {
		t.Errorf("reading from a port that nothing serves: %v", err)
	}

	if err := conn.Close(); err != nil {
		t.Error(err)
	}

	if got, err := call(t, forward, http.MethodGet, loopback, ""); err != nil || !strings.HasPrefix(got, "first") {
		t.Errorf("another port afterwards: %q, %v", got, err)
	}

	forward.Close()

	if _, err := other.Read(make([]byte, 1)); err == nil {
		t.Error("a connection is readable after Close")
	}
}

func TestBodyWithoutCopyIsSentAgain(t *testing.T) {
	namespace, kubelet, forward := oneReceiver(t)
	post := func(size int) (string, error) {
		// As a proxy does, which has the body of another request.
		return send(t, forward, http.MethodPost, loopback, io.NopCloser(strings.NewReader(strings.Repeat("x", size))))
	}

	if got, err := post(3); err != nil || got != "first POST localhost:9091 xxx" {
		t.Errorf("%q, %v", got, err)
	}

	kubelet.Kill(t, namespace, "sales-1")
	startPod(t, kubelet, namespace, "sales-2", named("second"))

	if got, err := post(3); err != nil || got != "second POST localhost:9091 xxx" {
		t.Errorf("after a replacement: %q, %v", got, err)
	}

	if _, err := post(maxBody + 1); err == nil || !strings.Contains(err.Error(), "larger than 8 MiB") {
		t.Errorf("a body that is too large: %v", err)
	}
}

func TestEndOfTimeSaysWhatFailed(t *testing.T) {
	namespace, _, forward := oneReceiver(t)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	var dials atomic.Int32

	dial := forward.transport.DialContext
	forward.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials.Add(1) == 2 {
			cancel() // the first try has failed
		}

		return dial(ctx, network, address)
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:1234", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}

	response, err := forward.Client().Do(request)
	if err == nil {
		response.Body.Close()
	}

	wantError(t, err, output.CodeUnreachable, "connect: connection refused", "kubectl -n "+namespace+" get pods")
}

// TestClientOnceDoesNotWait calls a receiver that breaks its connections, as at its end.
func TestClientOnceDoesNotWait(t *testing.T) {
	namespace := server.NewNamespace(t)
	kubelet := server.StartKubelet(t)

	newWebhook(t, namespace, "sales")

	var calls atomic.Int64

	startPod(t, kubelet, namespace, "sales-1", func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}

		w.Header().Set("Connection", "close") // so that the next call has its own connection
	})

	client := forwardTo(t, newCluster(t, server.Admin, namespace)).ClientOnce()

	response, err := client.Get(loopback)
	if err != nil {
		t.Fatal(err)
	}

	_ = response.Body.Close()

	if response, err = client.Get(loopback); err == nil {
		response.Body.Close()
	}

	wantError(t, err, output.CodeUnreachable, "call the receiver of sales", "kubectl -n "+namespace+" get pods")

	if calls.Load() != 2 {
		t.Errorf("the receiver was called %d times, want each call to be one attempt", calls.Load())
	}
}

func TestForwardEndsItsGoroutines(t *testing.T) {
	namespace := server.NewNamespace(t)
	kubelet := server.StartKubelet(t)

	newWebhook(t, namespace, "sales")
	startPod(t, kubelet, namespace, "sales-1", named("first"))

	c := newCluster(t, server.Admin, namespace)
	if _, err := c.Webhooks(t.Context(), namespace); err != nil { // opens the connection for all later calls
		t.Fatal(err)
	}

	before := goleak.IgnoreCurrent()
	forward := c.Forward("sales")

	for range 3 {
		if _, err := call(t, forward, http.MethodGet, loopback, ""); err != nil {
			t.Fatal(err)
		}
	}

	conn, err := forward.DialContext(t.Context(), "tcp", "localhost:9091") // left open
	if err != nil {
		t.Fatal(err)
	}

	forward.Close()

	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection is readable after Close")
	}

	if _, err := forward.DialContext(t.Context(), "tcp", "localhost:9091"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a connection after Close: %v", err)
	}

	// Those of the pod and of the kubelet are in this process, too, and end a little later.
	apiserver.Eventually(t, func() error { return goleak.Find(before) })
}
