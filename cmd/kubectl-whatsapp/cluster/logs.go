// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// LogOptions select lines of a log.
type LogOptions struct {
	Container string // defaults to that of the receiver
	Follow    bool
	Previous  bool      // of the container that ran before the last restart
	Tail      *int64    // the last lines; nil for all
	Since     time.Time // zero for all
}

// Log returns the log of a receiver pod. The caller closes it.
func (c *Cluster) Log(ctx context.Context, pod *corev1.Pod, options LogOptions) (io.ReadCloser, error) {
	pods, err := corev1client.NewForConfig(c.config)
	if err != nil {
		return nil, fmt.Errorf("create a client for logs: %w", err)
	}

	request := &corev1.PodLogOptions{
		Container: cmp.Or(options.Container, resources.ContainerName),
		Follow:    options.Follow,
		Previous:  options.Previous,
		TailLines: options.Tail,
	}
	if !options.Since.IsZero() {
		// As an age, since the clock of the node may differ from this one. It is rounded up, plus a second: the node counts back
		// from the arrival of the request, so lines would be missing when a log is continued.
		request.SinceSeconds = new(int64(time.Since(options.Since)/time.Second) + 2)
	}

	stream, err := pods.Pods(pod.Namespace).GetLogs(pod.Name, request).Stream(ctx)

	return stream, c.explain(err, "read the log of pod "+pod.Name, right{
		verb:      "get",
		resource:  "pods/log",
		namespace: pod.Namespace,
	})
}
