// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
)

// maxForwards bounds the forwards that a Pool keeps open.
const maxForwards = 64

// Pool keeps the forwards to the receivers of resources open between calls. The forward that was idle for the longest time makes
// room for another one; a forward in use stays open. Close ends all.
type Pool struct {
	cluster *Cluster

	mu      sync.Mutex
	open    []*pooled     // the one whose last use began or ended latest is the last
	idle    chan struct{} // closed when a forward becomes idle; nil while nothing waits for that
	closed  bool
	closing sync.WaitGroup
}

// pooled is a forward of a pool.
type pooled struct {
	*Forward

	users int
}

// NewPool returns a pool without forwards.
func (c *Cluster) NewPool() *Pool { return &Pool{cluster: c} }

// Use returns the forward to the receivers of a resource. It stays open until the caller calls release, once. While maxForwards are
// in use, Use waits until one becomes idle or ctx ends. A caller that has a forward waits for no other one.
func (p *Pool) Use(ctx context.Context, namespace, name string) (forward *Forward, release func(), err error) {
	for {
		used, wait, err := p.take(namespace, name)
		if err != nil {
			return nil, nil, err
		}

		if used != nil {
			return used.Forward, func() { p.release(used) }, nil
		}

		select {
		case <-wait:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// take returns the forward to the receivers of a resource, and counts one more user of it. If the pool is full, it returns a
// channel that is closed when a forward becomes idle.
func (p *Pool) take(namespace, name string) (*pooled, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.closed {
		return nil, nil, net.ErrClosed
	}

	i := slices.IndexFunc(p.open, func(f *pooled) bool { return f.namespace == namespace && f.name == name })
	if i >= 0 {
		used := p.open[i]
		used.users++
		p.moveLast(used)

		return used, nil, nil
	}

	if len(p.open) >= maxForwards && !p.closeIdle() {
		if p.idle == nil {
			p.idle = make(chan struct{})
		}

		return nil, p.idle, nil
	}

	added := &pooled{
		Forward: p.cluster.ForwardIn(namespace, name),
		users:   1,
	}
	p.open = append(p.open, added)

	return added, nil, nil
}

// closeIdle closes the forward that was idle for the longest time, and reports whether there was one.
func (p *Pool) closeIdle() bool {
	i := slices.IndexFunc(p.open, func(f *pooled) bool { return f.users == 0 })
	if i < 0 {
		return false
	}

	p.closing.Go(p.open[i].Close)
	p.open = slices.Delete(p.open, i, i+1)

	return true
}

// release ends a use of a forward.
func (p *Pool) release(used *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()

	used.users--
	p.moveLast(used)

	if used.users == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

// moveLast makes an open forward the last to make room.
func (p *Pool) moveLast(used *pooled) {
	if i := slices.Index(p.open, used); i >= 0 {
		p.open = append(slices.Delete(p.open, i, i+1), used)
	}
}

// Transport returns [Forward.Client]'s transport to the receivers of a resource. It uses the forward until the body of an answer is
// closed.
func (p *Pool) Transport(namespace, name string) http.RoundTripper {
	return pooledTransport{
		pool:      p,
		namespace: namespace,
		name:      name,
	}
}

// pooledTransport is the transport of [Pool.Transport].
type pooledTransport struct {
	pool      *Pool
	namespace string
	name      string
}

// RoundTrip calls the receiver.
func (t pooledTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	forward, release, err := t.pool.Use(request.Context(), t.namespace, t.name)
	if err != nil {
		return nil, err
	}

	response, err := reconnecting{forward}.RoundTrip(request)
	if err != nil {
		release()
		return nil, err
	}

	response.Body = &releasingBody{
		ReadCloser: response.Body,
		release:    sync.OnceFunc(release),
	}

	return response, nil
}

// releasingBody is the body of an answer. Its end releases the forward.
type releasingBody struct {
	io.ReadCloser

	release func()
}

// Close ends the use.
func (b *releasingBody) Close() error {
	defer b.release()

	return b.ReadCloser.Close()
}

// Close ends all forwards, also those in use.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.closed = true

	for _, f := range p.open {
		f.Close()
	}

	p.open = nil

	if p.idle != nil {
		close(p.idle)
		p.idle = nil
	}

	p.closing.Wait()
}
