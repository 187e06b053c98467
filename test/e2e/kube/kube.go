// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kube gives tests access to a cluster: a client, kubectl, Helm, and the commands of its node.
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
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers"
)

// Cluster is one cluster, accessed as administrator.
type Cluster struct {
	client.Client
	kubeconfig    string
	config        *rest.Config
	clientset     *kubernetes.Clientset
	helm, cluster string // paths of the programs
}

// Open connects to the cluster of the variables that test/e2e/on-cluster.sh sets: KUBECONFIG, and HELM and CLUSTER, the
// programs of hack/tools/helm and hack/cluster. It uses the kubectl in PATH.
func Open() (*Cluster, error) {
	c := &Cluster{
		kubeconfig: os.Getenv("KUBECONFIG"),
		helm:       os.Getenv("HELM"),
		cluster:    os.Getenv("CLUSTER"),
	}
	if c.kubeconfig == "" || c.helm == "" || c.cluster == "" {
		return nil, errors.New(
			"KUBECONFIG, HELM and CLUSTER must be set: 'make e2e' and 'make cluster-demo' do",
		)
	}

	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read KUBECONFIG: %w", err)
	}
	// Tests poll often and have the cluster to themselves.
	config.QPS = 100
	config.Burst = 200
	c.config = config

	scheme, err := controllers.NewScheme()
	if err != nil {
		return nil, err
	}

	if c.clientset, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("create a clientset: %w", err)
	}

	if c.Client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return nil, fmt.Errorf("create a client: %w", err)
	}

	return c, nil
}

// Config returns the access as administrator.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Kubeconfig returns the path of the file with the same access.
func (c *Cluster) Kubeconfig() string { return c.kubeconfig }

// Kubectl runs kubectl and returns its output.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	return run(ctx, "", "kubectl", args...)
}

// Apply runs kubectl apply --server-side with a manifest.
func (c *Cluster) Apply(ctx context.Context, namespace, manifest string) error {
	_, err := run(
		ctx,
		manifest,
		"kubectl",
		"apply",
		"--server-side",
		"--namespace="+namespace,
		"--filename=-",
	)

	return err
}

// Helm runs Helm and returns its output.
func (c *Cluster) Helm(ctx context.Context, args ...string) (string, error) {
	return run(ctx, "", c.helm, args...)
}

// Node runs a command of hack/cluster, such as "exec ctr version" or "restart kubelet".
func (c *Cluster) Node(ctx context.Context, args ...string) (string, error) {
	return run(ctx, "", c.cluster, args...)
}

func run(ctx context.Context, stdin, program string, args ...string) (string, error) {
	var stdout, stderr strings.Builder

	//nolint:gosec // the test runs only its own programs
	command := exec.CommandContext(ctx, program, args...)
	command.Stdin = strings.NewReader(stdin)
	command.Stdout = &stdout
	command.Stderr = &stderr

	command.WaitDelay = time.Minute

	if err := command.Run(); err != nil {
		line := program + " " + strings.Join(args, " ")

		return stdout.String(), fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(stderr.String()))
	}

	return stdout.String(), nil
}

// Call sends an HTTP request to a Service or a pod (kind "services" or "pods") through the proxy of the API server, which
// unlike a port-forward survives restarts of kubelet and the pod. The target is name:port.
func (c *Cluster) Call(
	ctx context.Context,
	method, kind, namespace, target, path string,
	query map[string]string,
	body []byte,
) ([]byte, error) {
	request := c.clientset.CoreV1().RESTClient().Verb(method).
		Namespace(namespace).
		Resource(kind).
		Name(target).
		SubResource("proxy").
		Suffix(path).
		Timeout(time.Minute)
	for name, value := range query {
		request.Param(name, value)
	}

	if body != nil {
		request.Body(body)
	}

	answer, err := request.Do(ctx).Raw()
	if err != nil {
		return answer, fmt.Errorf(
			"%s %s of %s %s/%s: %w: %s",
			method,
			path,
			kind,
			namespace,
			target,
			err,
			answer,
		)
	}

	return answer, nil
}

// Eventually calls check until it returns nil. After timeout it returns the last error.
func Eventually(ctx context.Context, timeout time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()

	for {
		err := check(ctx)
		if err == nil {
			return nil
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", timeout, err)
		case <-tick.C:
		}
	}
}
