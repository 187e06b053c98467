// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
)

// pods are the followed pods.
type pods struct {
	mu   sync.Mutex
	ends map[types.UID]end
}

// end is when the log of a pod ended. It is zero while the log is followed.
type end struct{ at time.Time }

// begin returns the options to follow a pod with, and false if it is followed already, or need not be. The log of a new pod
// is read from its start. After a restart of its container, the log of a pod is read from the end of the previous
// container's log.
func (p *pods) begin(pod *corev1.Pod, options cluster.LogOptions, first bool) (cluster.LogOptions, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()

	options.Follow = true
	before, known := p.ends[pod.UID]

	switch {
	case known && before.at.IsZero(), p.followed() >= maxPods, pod.Status.Phase != corev1.PodRunning:
		return options, false
	case known:
		options.Tail = nil
		options.Since = before.at
	case !first:
		options.Tail = nil
	}

	p.ends[pod.UID] = end{}

	return options, true
}

// followed returns the number of pods whose log is followed now. The caller holds the lock.
func (p *pods) followed() int {
	n := 0

	for _, e := range p.ends {
		if e.at.IsZero() {
			n++
		}
	}

	return n
}

// forget forgets the pods that have gone, so that a command that follows for days does not run out of room.
func (p *pods) forget(found []corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()

	maps.DeleteFunc(p.ends, func(id types.UID, e end) bool {
		return !e.at.IsZero() && !slices.ContainsFunc(found, func(pod corev1.Pod) bool { return pod.UID == id })
	})
}

func (p *pods) ended(pod *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.ends[pod.UID] = end{at: time.Now()}
}
