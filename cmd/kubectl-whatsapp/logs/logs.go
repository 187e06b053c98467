// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package logs reads the logs of all receivers of a resource, and follows receivers that come later.
package logs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

const (
	// pollInterval is the time between two polls for new pods and restarted containers.
	pollInterval = 2 * time.Second
	// maxLine bounds a line; a longer one is cut.
	maxLine = 256 << 10
	// maxPods bounds the pods that are followed at a time.
	maxPods = 100
)

// Line is a line of the log of a pod.
type Line struct {
	Pod  string
	Text string
}

// Reader reads the logs of the receivers of a resource.
type Reader struct {
	Cluster *cluster.Cluster
	Name    string // of the resource
	Options cluster.LogOptions
	Write   func(Line)            // called by one goroutine at a time
	Lost    func(pod, why string) // called when the log of a pod, or the rest of it, cannot be read
}

// Read reads the logs, one pod after the other. It fails if no pod has a log that can be read. A pod that is starting has no
// log, and a pod without a restart has no log of a previous container.
func (r *Reader) Read(ctx context.Context) error {
	pods, err := r.Cluster.Receivers(ctx, r.Cluster.Namespace, r.Name)
	if err != nil {
		return err
	}

	var (
		failed []error
		names  []string // of their pods
	)

	for i := range pods {
		err := r.read(ctx, &pods[i])

		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			failed = append(failed, err)
			names = append(names, pods[i].Name)
		}
	}

	if len(pods) == 0 {
		return r.noPods(ctx)
	}

	if len(failed) == len(pods) {
		return errors.Join(failed...)
	}

	for i, err := range failed {
		r.Lost(names[i], err.Error())
	}

	return nil
}

// read reads the log of a pod. It fails if the log cannot be opened.
func (r *Reader) read(ctx context.Context, pod *corev1.Pod) error {
	stream, err := r.Cluster.Log(ctx, pod, r.Options)
	if err != nil {
		return err
	}

	err = copyLines(stream, func(text string) {
		r.Write(Line{
			Pod:  pod.Name,
			Text: text,
		})
	})
	if err != nil && ctx.Err() == nil {
		r.Lost(pod.Name, "the connection broke, and the rest is missing: "+err.Error())
	}

	return nil
}

// noPods says that there is no log, or that there is no such resource.
func (r *Reader) noPods(ctx context.Context) error {
	if _, err := r.Cluster.Webhook(ctx, r.Name); err != nil {
		return err
	}

	return output.Failed(
		fmt.Sprintf("See why with: kubectl -n %s describe whatsappwebhook %s", r.Cluster.Namespace, r.Name),
		"%s has no receiver pod", r.Name)
}

// Follow reads the logs of all pods at the same time, and those of pods that come later, until ctx ends.
func (r *Reader) Follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	lines := make(chan Line)

	var running sync.WaitGroup

	defer func() {
		cancel()
		running.Wait()
	}()

	followed := &pods{ends: map[types.UID]end{}}
	first := true

	look := func() error {
		found, err := r.Cluster.Receivers(ctx, r.Cluster.Namespace, r.Name)
		if err == nil && first && len(found) == 0 {
			err = r.noPods(ctx)
		}

		if err != nil {
			return err
		}

		followed.forget(found)

		for i := range found {
			pod := &found[i]

			options, ok := followed.begin(pod, r.Options, first)
			if !ok {
				continue
			}

			running.Go(func() { r.follow(ctx, pod, options, lines, followed) })
		}

		first = false

		return nil
	}

	if err := look(); err != nil {
		return err
	}

	return r.collect(ctx, lines, look)
}

// collect writes lines, and looks for pods from time to time.
func (r *Reader) collect(ctx context.Context, lines <-chan Line, look func() error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()

	for {
		select {
		case <-ctx.Done():
			return nil
		case line := <-lines:
			r.Write(line)
		case <-ticker.C:
			// An API server that is away for a while ends nothing.
			if err := look(); err != nil && output.ExitCode(err) != output.CodeUnreachable && ctx.Err() == nil {
				return err
			}
		}
	}
}

// follow sends the lines of one container until it ends.
func (r *Reader) follow(ctx context.Context, pod *corev1.Pod, options cluster.LogOptions, lines chan<- Line, followed *pods) {
	defer followed.ended(pod)

	stream, err := r.Cluster.Log(ctx, pod, options)

	// A container that has not started yet has no log; the next poll tries again.
	if err != nil && ctx.Err() == nil && !apierrors.IsBadRequest(err) && !apierrors.IsNotFound(err) {
		r.Lost(pod.Name, err.Error())
	}

	if err != nil {
		return
	}

	// The log has ended, or its connection; the next poll continues.
	_ = copyLines(stream, func(text string) {
		select {
		case lines <- Line{
			Pod:  pod.Name,
			Text: text,
		}:
		case <-ctx.Done():
		}
	})
}

// copyLines calls write with each line of a log, and closes it.
func copyLines(stream io.ReadCloser, write func(string)) error {
	defer stream.Close()

	reader := bufio.NewReaderSize(stream, maxLine)

	for {
		line, err := reader.ReadSlice('\n')
		if len(line) > 0 {
			write(string(line))
		}

		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is too long
			_, err = reader.ReadSlice('\n')
		}

		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
