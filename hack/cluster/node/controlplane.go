// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/supervisor"
)

const etcdURL = "http://127.0.0.1:2379" // the node's loopback: nothing else is on it

func (n *Node) startEtcd(ctx context.Context) error {
	return n.run(ctx, "etcd", n.program("controlplane", "etcd"),
		"--name="+nodeName,
		"--data-dir="+n.path("etcd"),
		"--listen-client-urls="+etcdURL,
		"--advertise-client-urls="+etcdURL,
		"--log-level=warn",
		"--unsafe-no-fsync", // its data may be lost in a crash
	)
}

func (n *Node) startAPIServer(ctx context.Context) error {
	err := n.run(ctx, "kube-apiserver", n.program("controlplane", "kube-apiserver"),
		"--etcd-servers="+etcdURL,
		"--advertise-address="+nodeAddress,
		"--secure-port="+apiServerPort,
		"--service-cluster-ip-range="+services,
		"--allow-privileged=true",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file="+n.pki("ca.crt"),
		"--tls-cert-file="+n.pki("kube-apiserver.crt"),
		"--tls-private-key-file="+n.pki("kube-apiserver.key"),
		"--kubelet-certificate-authority="+n.pki("ca.crt"),
		"--kubelet-client-certificate="+n.pki("kube-apiserver-to-kubelet.crt"),
		"--kubelet-client-key="+n.pki("kube-apiserver-to-kubelet.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file="+n.pki("service-account-tokens.crt"),
		"--service-account-signing-key-file="+n.pki("service-account-tokens.key"),
	)
	if err != nil {
		return err
	}

	return n.await(ctx, time.Minute, func(ctx context.Context) error {
		_, err := n.kubectl(ctx, nil, "get", "--raw", "/readyz")
		return err
	})
}

func (n *Node) startControllers(ctx context.Context) error {
	manager := n.run(ctx, "kube-controller-manager", n.program("kubernetes", "kube-controller-manager"),
		"--kubeconfig="+n.pki("kube-controller-manager.kubeconfig"),
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+n.pki("service-account-tokens.key"),
		"--root-ca-file="+n.pki("ca.crt"),
		"--allocate-node-cidrs=true",
		"--cluster-cidr="+clusterPods,
		"--leader-elect=false",
	)
	scheduler := n.run(ctx, "kube-scheduler", n.program("kubernetes", "kube-scheduler"),
		"--kubeconfig="+n.pki("kube-scheduler.kubeconfig"),
		"--leader-elect=false",
	)

	return errors.Join(manager, scheduler)
}

// kubectl runs kubectl as the cluster's administrator, and returns its output.
func (n *Node) kubectl(ctx context.Context, stdin []byte, args ...string) (string, error) {
	args = append([]string{"--kubeconfig=" + n.Kubeconfig(), "--request-timeout=10s"}, args...)
	command := exec.CommandContext(ctx, n.program("kubernetes", "kubectl"), args...) //nolint:gosec // the caller is this package

	var stdout, stderr strings.Builder

	command.Env = n.environment()
	command.Stdin = io.Reader(bytes.NewReader(stdin))
	command.Stdout = &stdout
	command.Stderr = &stderr

	if err := command.Run(); err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args[2:], " "), err, strings.TrimSpace(stderr.String()))
	}

	return stdout.String(), nil
}

// apply renders a file and applies it to the cluster.
func (n *Node) apply(ctx context.Context, file string) error {
	text, err := n.render(file)
	if err != nil {
		return err
	}

	_, err = n.kubectl(ctx, text, "apply", "--server-side", "--field-manager=cluster-up", "--filename=-")

	return err
}

// await calls check until it returns no error. It stops after the timeout, or when one of the programs ends.
func (n *Node) await(ctx context.Context, timeout time.Duration, check func(context.Context) error) error {
	var ended error

	err := until(ctx, timeout, func(ctx context.Context) error {
		if states, err := n.supervisor.List(ctx); err == nil {
			if ended = n.ended(states); ended != nil {
				return nil
			}
		}

		return check(ctx)
	})

	return errors.Join(ended, err)
}

// ended returns an error that names the programs that have ended.
func (n *Node) ended(states []supervisor.State) error {
	var failures []error
	for _, s := range states {
		if !s.Running {
			failures = append(failures, fmt.Errorf("%s ended (%s), see %s", s.Name, s.Ended, n.path("log", s.Name+".log")))
		}
	}

	return errors.Join(failures...)
}
