// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// startAgents starts the node's agents: kubelet, and kube-proxy for Services.
func (n *Node) startAgents(ctx context.Context) error {
	config, err := n.writeFile("kubelet.yaml")
	if err != nil {
		return err
	}

	kubelet := n.run(ctx, "kubelet", n.program("kubernetes", "kubelet"),
		"--config="+config,
		"--kubeconfig="+n.pki("kubelet.kubeconfig"),
		"--hostname-override="+nodeName,
		"--node-ip="+nodeAddress,
	)
	proxy := n.run(ctx, "kube-proxy", n.program("kubernetes", "kube-proxy"),
		"--kubeconfig="+n.pki("kube-proxy.kubeconfig"),
		"--hostname-override="+nodeName,
		"--proxy-mode=iptables",
		"--cluster-cidr="+clusterPods,
		"--conntrack-max-per-core=0", // the limit applies to the whole machine
		"--conntrack-tcp-timeout-established=0",
		"--conntrack-tcp-timeout-close-wait=0",
	)

	return errors.Join(kubelet, proxy)
}

// awaitReady returns when Kubernetes reports the node as ready.
func (n *Node) awaitReady(ctx context.Context) error {
	return n.await(ctx, 2*time.Minute, func(ctx context.Context) error {
		const condition = ".status.conditions[?(@.type=='Ready')]"

		ready, err := n.kubectl(ctx, nil, "get", "node", nodeName,
			"--output=jsonpath={"+condition+".status}{"+condition+".message}")
		if err == nil && ready[:min(4, len(ready))] != "True" {
			err = fmt.Errorf("node %s is not ready: %s", nodeName, ready)
		}

		return err
	})
}

// startDNS starts CoreDNS, and returns when it resolves the name of a Service.
func (n *Node) startDNS(ctx context.Context) error {
	if err := n.apply(ctx, "coredns.yaml"); err != nil {
		return err
	}

	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(dnsAddress, "53"))
	}}

	return n.await(ctx, time.Minute, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()

		found, err := resolver.LookupHost(ctx, "kubernetes.default.svc.cluster.local")
		if err == nil && (len(found) != 1 || found[0] != apiAddress) {
			err = fmt.Errorf("the Service kubernetes is at %s, but DNS returns %v", apiAddress, found)
		}

		return err
	})
}
