// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kube is a test's hands on a cluster: a client, kubectl and Helm as people use them, and what runs the node.
package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers"
)

// Cluster is one cluster, of which its user is an administrator.
type Cluster struct {
	client.Client
	kubeconfig    string
	clientset     *kubernetes.Clientset
	helm, cluster string // programs
}

// Open finds the cluster by the variables that test/e2e/on-cluster.sh sets: KUBECONFIG; HELM and CLUSTER, the programs of
// hack/tools/helm and hack/cluster. kubectl is the one in PATH.
func Open() (*Cluster, error) {
	c := &Cluster{
		kubeconfig: os.Getenv("KUBECONFIG"),
		helm:       os.Getenv("HELM"),
		cluster:    os.Getenv("CLUSTER"),
	}
	if c.kubeconfig == "" || c.helm == "" || c.cluster == "" {
		return nil, errors.New("KUBECONFIG, HELM and CLUSTER must be set: 'make e2e' and 'make cluster-demo' do")
	}

	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read KUBECONFIG: %w", err)
	}
	// A test waits by asking often, and has a cluster to itself.
	config.QPS = 100
	config.Burst = 200

	scheme, err := controllers.NewScheme()
	if err != nil {
		return nil, err
	}

	if c.clientset, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}

	if c.Client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}

	return c, nil
}

// Kubectl returns what kubectl prints.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	return run(ctx, "", "kubectl", args...)
}

// Apply is kubectl apply --server-side of a manifest.
func (c *Cluster) Apply(ctx context.Context, namespace, manifest string) error {
	_, err := run(ctx, manifest, "kubectl", "apply", "--server-side", "--namespace="+namespace, "--filename=-")
	return err
}

// Helm returns what Helm prints.
func (c *Cluster) Helm(ctx context.Context, args ...string) (string, error) {
	return run(ctx, "", c.helm, args...)
}

// Node runs a command of hack/cluster: "exec ctr version", or "restart kubelet".
func (c *Cluster) Node(ctx context.Context, args ...string) (string, error) {
	return run(ctx, "", c.cluster, args...)
}

func run(ctx context.Context, stdin, program string, args ...string) (string, error) {
	var stdout, stderr strings.Builder

	command := exec.CommandContext(ctx, program, args...) //nolint:gosec // the programs of the test
	command.Stdin = strings.NewReader(stdin)
	command.Stdout = &stdout
	command.Stderr = &stderr

	command.WaitDelay = 5 * time.Second
	if err := command.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}

	return stdout.String(), nil
}

// Call makes an HTTP call to a Service, or to a pod where kind is "pods", by way of the API server: no process in between
// has to outlive kubelet or the pod. The target is name:port.
func (c *Cluster) Call(ctx context.Context, method, kind, namespace, target, path string, query map[string]string, body []byte) ([]byte, error) {
	request := c.clientset.CoreV1().RESTClient().Verb(method).
		Namespace(namespace).Resource(kind).Name(target).SubResource("proxy").Suffix(path).Timeout(30 * time.Second)
	for name, value := range query {
		request.Param(name, value)
	}

	if body != nil {
		request.Body(body)
	}

	answer, err := request.Do(ctx).Raw()
	if err != nil {
		return answer, fmt.Errorf("%s %s of %s %s/%s: %w: %s", method, path, kind, namespace, target, err, answer)
	}

	return answer, nil
}

// Eventually asks until there is no error, and returns the last one when the time is over.
func Eventually(ctx context.Context, patience time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()

	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s still: %w", patience, err)
		case <-tick.C:
		}
	}
}
