// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"slices"
	"sync"
)

// maxForwards bounds the forwards that a Pool keeps open.
const maxForwards = 64

// Pool keeps the forwards to the receivers of resources open between calls. The forward that was not used for the longest
// time makes room for another one. Close ends all.
type Pool struct {
	cluster *Cluster

	mu      sync.Mutex
	open    []*Forward // the most recently used last
	closing sync.WaitGroup
}

// NewPool returns a pool without forwards.
func (c *Cluster) NewPool() *Pool { return &Pool{cluster: c} }

// Forward returns the forward to the receivers of a resource. The pool closes it.
func (p *Pool) Forward(namespace, name string) *Forward {
	p.mu.Lock()
	defer p.mu.Unlock()

	i := slices.IndexFunc(p.open, func(f *Forward) bool { return f.namespace == namespace && f.name == name })
	if i >= 0 {
		used := p.open[i]
		p.open = append(slices.Delete(p.open, i, i+1), used)

		return used
	}

	if len(p.open) == maxForwards {
		p.closing.Go(p.open[0].Close)
		p.open = slices.Delete(p.open, 0, 1)
	}

	added := p.cluster.ForwardIn(namespace, name)
	p.open = append(p.open, added)

	return added
}

// Close ends all forwards.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()

	for _, f := range p.open {
		f.Close()
	}

	p.open = nil
	p.closing.Wait()
}
