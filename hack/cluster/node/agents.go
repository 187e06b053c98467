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

// startAgents starts what joins the machine to the control plane as a node: kubelet, and kube-proxy for Services.
func (n *Node) startAgents(ctx context.Context) error {
	config, err := n.place("kubelet.yaml")
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
		"--conntrack-max-per-core=0", // the limit is the whole machine's
		"--conntrack-tcp-timeout-established=0",
		"--conntrack-tcp-timeout-close-wait=0",
	)

	return errors.Join(kubelet, proxy)
}

func (n *Node) awaitReady(ctx context.Context) error {
	return n.await(ctx, 2*time.Minute, func(ctx context.Context) error {
		ready, err := n.kubectl(ctx, nil, "get", "node", nodeName, "--output=jsonpath={.status.conditions[?(@.type=='Ready')].status}{.status.conditions[?(@.type=='Ready')].message}")
		if err == nil && ready[:min(4, len(ready))] != "True" {
			err = fmt.Errorf("node %s is not ready: %s", nodeName, ready)
		}

		return err
	})
}

// startDNS returns when a Service's name is found by way of the cluster's DNS address.
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
			err = fmt.Errorf("the Service kubernetes is at %s, but DNS says %v", apiAddress, found)
		}

		return err
	})
}
