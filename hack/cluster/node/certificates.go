// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/pki"
)

// identity is a component's user and groups in Kubernetes, and the hosts it serves at, if any.
type identity struct {
	component, user string
	groups, hosts   []string
	client          bool // calls the API server, so it has a kubeconfig
}

var identities = []identity{
	{
		component: "admin",
		user:      "admin",
		groups:    []string{"system:masters"},
		client:    true,
	},
	{
		component: "kube-apiserver",
		user:      "kube-apiserver",
		hosts: []string{
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
			"localhost", "127.0.0.1", nodeAddress, apiAddress,
		},
	},
	{
		component: "kube-apiserver-to-kubelet",
		user:      "kube-apiserver-to-kubelet",
		groups:    []string{"system:masters"},
	},
	{
		component: "kube-controller-manager",
		user:      "system:kube-controller-manager",
		client:    true,
	},
	{
		component: "kube-scheduler",
		user:      "system:kube-scheduler",
		client:    true,
	},
	{
		component: "kubelet",
		user:      "system:node:" + nodeName,
		groups:    []string{"system:nodes"},
		hosts:     []string{nodeName, nodeAddress},
		client:    true,
	},
	{
		component: "kube-proxy",
		user:      "system:kube-proxy",
		client:    true,
	},
}

// issueCertificates creates the cluster's authority and all certificates, once.
func (n *Node) issueCertificates(context.Context) error {
	if _, err := os.Stat(n.Kubeconfig()); err == nil {
		return nil
	}

	authority, err := pki.NewAuthority("whatsapp-webhook-cluster")
	if err != nil {
		return err
	}

	tokens, err := authority.Issue("service-account-tokens", nil)
	if err != nil {
		return err
	}

	written := map[string][]byte{
		"ca.crt":                     authority.Cert,
		"service-account-tokens.crt": tokens.Cert,
		"service-account-tokens.key": tokens.Key,
	}
	for _, id := range identities {
		pair, err := authority.Issue(id.user, id.groups, id.hosts...)
		if err != nil {
			return err
		}

		written[id.component+".crt"] = pair.Cert

		written[id.component+".key"] = pair.Key
		if !id.client {
			continue
		}

		if written[id.component+".kubeconfig"], err = authority.Kubeconfig(apiServerURL, pair); err != nil {
			return fmt.Errorf("write the kubeconfig of %s: %w", id.component, err)
		}
	}

	for file, content := range written {
		if err := os.WriteFile(n.path("pki", file), content, 0o600); err != nil {
			return err
		}
	}

	// This file comes last, because it shows that all the others exist.
	return os.Rename(n.path("pki", "admin.kubeconfig"), n.Kubeconfig())
}

func (n *Node) pki(file string) string { return filepath.Join(n.state, "pki", file) }
