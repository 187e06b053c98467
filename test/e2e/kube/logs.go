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

// FollowLogs writes the log of every container of every pod into a folder, a file each, until ctx ends. They are followed
// from the start, because a pod that is deleted takes its log with it.
func (c *Cluster) FollowLogs(ctx context.Context, folder string) {
	followed := map[string]bool{}

	var following sync.WaitGroup
	defer following.Wait()

	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()

	for {
		pods, err := c.clientset.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		if err == nil {
			for i := range pods.Items {
				pod := &pods.Items[i]
				for _, container := range pod.Status.ContainerStatuses {
					file := fmt.Sprintf("%s_%s_%s_%d.log", pod.Namespace, pod.Name, container.Name, container.RestartCount)
					if followed[file] || container.State.Running == nil && container.State.Terminated == nil {
						continue
					}

					followed[file] = true
					following.Go(func() { c.follow(ctx, pod.Namespace, pod.Name, container.Name, filepath.Join(folder, file)) })
				}
			}
		}

		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// follow goes on where it was when kubelet has gone for a while.
func (c *Cluster) follow(ctx context.Context, namespace, pod, container, path string) {
	file, err := os.Create(path)
	if err != nil {
		return
	}
	defer file.Close()

	options := &corev1.PodLogOptions{Container: container, Follow: true}
	for ctx.Err() == nil {
		began := metav1.Now()

		stream, err := c.clientset.CoreV1().Pods(namespace).GetLogs(pod, options).Stream(ctx)
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

// SaveState writes what there is in the cluster into a folder: objects, events, and the logs of the node's programs.
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
	// Those of a node that hack/cluster runs itself; kind keeps its own.
	if logs := filepath.Join(filepath.Dir(c.kubeconfig), "log"); isFolder(logs) {
		errs = append(errs, os.CopyFS(filepath.Join(folder, "node"), os.DirFS(logs)))
	}

	return errors.Join(errs...)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
