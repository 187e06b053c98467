// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FollowLogs writes the log of every container of every pod to its own file in a folder, until ctx ends. It follows the
// logs from the start, because the log of a pod is deleted with the pod.
func (c *Cluster) FollowLogs(ctx context.Context, folder string) {
	followed := map[string]bool{}

	var following sync.WaitGroup
	defer following.Wait()

	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()

	for {
		for _, log := range c.startedContainers(ctx) {
			if followed[log.file] {
				continue
			}

			followed[log.file] = true
			following.Go(func() { c.follow(ctx, log, filepath.Join(folder, log.file)) })
		}

		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// containerLog is the log of one run of a container.
type containerLog struct {
	namespace, pod, container string
	file                      string // name of the copy
}

// startedContainers returns the logs of all containers that have started. It returns none if the API server fails.
func (c *Cluster) startedContainers(ctx context.Context) []containerLog {
	pods, err := c.clientset.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}

	var logs []containerLog

	for i := range pods.Items {
		pod := &pods.Items[i]
		for _, status := range pod.Status.ContainerStatuses {
			if status.State.Running == nil && status.State.Terminated == nil {
				continue
			}

			logs = append(logs, containerLog{
				namespace: pod.Namespace,
				pod:       pod.Name,
				container: status.Name,
				file: fmt.Sprintf(
					"%s_%s_%s_%d.log",
					pod.Namespace,
					pod.Name,
					status.Name,
					status.RestartCount,
				),
			})
		}
	}

	return logs
}

// follow copies a log. If the stream breaks, as in a restart of kubelet, it resumes from there.
func (c *Cluster) follow(ctx context.Context, log containerLog, path string) {
	file, err := os.Create(path)
	if err != nil {
		return
	}
	defer file.Close()

	options := &corev1.PodLogOptions{Container: log.container, Follow: true}
	for ctx.Err() == nil {
		began := metav1.Now()

		stream, err := c.clientset.CoreV1().Pods(log.namespace).GetLogs(log.pod, options).Stream(ctx)
		if err != nil {
			return
		}

		_, err = io.Copy(file, stream)
		_ = stream.Close()

		if err == nil {
			return
		}

		fmt.Fprintf(file, "(the stream broke: %v)\n", err)

		options.SinceTime = &began
	}
}

// SaveState writes the state of the cluster to a folder: objects, events, and the logs of the node's programs.
func (c *Cluster) SaveState(ctx context.Context, folder string) error {
	var errs []error
	for file, args := range map[string][]string{
		"objects.txt":        {"get", "all,waw,pvc,pv,pdb,networkpolicy,configmap,sa", "--all-namespaces", "--output=wide"},
		"webhooks.yaml":      {"get", "waw", "--all-namespaces", "--output=yaml"},
		"workloads.yaml":     {"get", "deployment,pod,pvc,service,endpointslice", "--all-namespaces", "--output=yaml"},
		"events.txt":         {"get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"},
		"nodes.txt":          {"describe", "node"},
		"pods-described.txt": {"describe", "pod", "--all-namespaces"},
	} {
		printed, err := c.Kubectl(ctx, args...)
		if err != nil {
			printed += "\n" + err.Error()
		}

		errs = append(errs, os.WriteFile(filepath.Join(folder, file), []byte(printed), 0o600))
	}
	// The logs of a node that hack/cluster runs itself; kind stores its own.
	if logs := filepath.Join(filepath.Dir(c.kubeconfig), "log"); isFolder(logs) {
		errs = append(errs, os.CopyFS(filepath.Join(folder, "node"), os.DirFS(logs)))
	}

	return errors.Join(errs...)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
