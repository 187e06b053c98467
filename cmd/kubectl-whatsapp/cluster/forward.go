// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// openTimeout bounds how long a connection to a pod takes.
const openTimeout = 20 * time.Second

// Forward connects to the ports of one receiver of a resource, as kubectl port-forward does, and to another receiver when
// that one goes away. Close ends it.
type Forward struct {
	cluster   *Cluster
	namespace string
	name      string
	transport *http.Transport
	running   sync.WaitGroup

	opening chan struct{} // holds a token while a tunnel is opened
	mu      sync.Mutex
	tunnel  *tunnel   // to the pod that is connected
	tunnels []*tunnel // all that have not ended: earlier ones may have open streams
	pod     string    // the last pod that was connected
	closed  bool
}

// Forward returns connections to a receiver of the resource of the given name in the namespace of the flags. The first
// connection opens it.
func (c *Cluster) Forward(name string) *Forward { return c.ForwardIn(c.Namespace, name) }

// ForwardIn is Forward for a namespace.
func (c *Cluster) ForwardIn(namespace, name string) *Forward {
	f := &Forward{
		cluster:   c,
		namespace: namespace,
		name:      name,
		opening:   make(chan struct{}, 1),
	}
	f.transport = &http.Transport{
		DialContext:         f.DialContext,
		MaxConnsPerHost:     16,
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     time.Minute,
	}

	return f
}

// Close ends all connections, and waits for what reads from them.
func (f *Forward) Close() {
	f.mu.Lock()
	f.closed = true
	tunnels := f.tunnels
	f.mu.Unlock()

	f.transport.CloseIdleConnections()

	for _, t := range tunnels {
		_ = t.conn.Close()
	}

	f.running.Wait()
}

// Pod returns the name of the pod that was connected last, or "".
func (f *Forward) Pod() string {
	f.mu.Lock()
	defer f.mu.Unlock()

	return f.pod
}

// DialContext connects to the port of address at a receiver. The host of address does not matter.
func (f *Forward) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("read the address %s: %w", address, err)
	}

	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("read the port of %s: %w", address, err)
	}

	current, err := f.open(ctx)
	if err != nil {
		return nil, &notSentError{err}
	}

	conn, err := current.dial(int(port), &f.running)
	if err != nil {
		f.drop(current)
		return nil, &notSentError{err}
	}

	return conn, nil
}

// open returns the open tunnel, or opens one.
func (f *Forward) open(ctx context.Context) (*tunnel, error) {
	select {
	case f.opening <- struct{}{}:
		defer func() { <-f.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}

	f.mu.Lock()
	current := f.tunnel
	closed := f.closed
	f.mu.Unlock()

	switch {
	case closed:
		return nil, net.ErrClosed
	case current != nil && current.alive():
		return current, nil
	}

	opened, err := f.connect(ctx)
	if err != nil {
		return nil, err
	}

	f.mu.Lock()
	defer f.mu.Unlock()

	if f.closed {
		_ = opened.conn.Close()
		return nil, net.ErrClosed
	}

	f.tunnel = opened
	f.tunnels = append(slices.DeleteFunc(f.tunnels, (*tunnel).ended), opened)
	f.pod = opened.pod

	return opened, nil
}

// connect chooses a pod and opens a tunnel to it.
func (f *Forward) connect(ctx context.Context) (*tunnel, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()

	pods, err := f.cluster.Receivers(ctx, f.namespace, f.name)
	if err != nil {
		return nil, err
	}

	pod, ok := choose(pods)
	if !ok {
		return nil, f.missing(ctx)
	}

	conn, err := upgrade(ctx, f.cluster.config, f.namespace, pod.Name)
	if err != nil {
		return nil, f.refused(ctx, pod.Name, err)
	}

	return &tunnel{
		pod:  pod.Name,
		conn: conn,
	}, nil
}

// errForbidden is an error of a user who may not connect.
var errForbidden = errors.New("the API server forbids it")

// refused says why the API server did not connect to a pod. It answers SPDY requests with an unstructured text, so refused
// asks whether the user has the right.
func (f *Forward) refused(ctx context.Context, pod string, err error) error {
	needed := right{
		verb:      "create",
		resource:  "pods/portforward",
		namespace: f.namespace,
	}

	if allowed, reviewErr := f.cluster.MayForward(ctx, f.namespace); reviewErr == nil && !allowed {
		return output.Unreachable(needed.fix(), "connect to pod %s: %w", pod, errForbidden)
	}

	return f.cluster.explain(err, "connect to pod "+pod, needed)
}

// missing returns the reason for which no pod exists.
func (f *Forward) missing(ctx context.Context) error {
	in := *f.cluster
	in.Namespace = f.namespace

	webhook, err := in.Webhook(ctx, f.name)
	if err != nil {
		return err
	}

	return &noPodError{noReceiver(webhook)}
}

// drop lets the next connection open another tunnel.
func (f *Forward) drop(broken *tunnel) {
	f.mu.Lock()
	if f.tunnel == broken {
		f.tunnel = nil
	}
	f.mu.Unlock()

	broken.retire()
}
