// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster finds the resources and the receivers of a cluster, and connects to the ports of receivers through the
// API server. It has the rights of the kubeconfig's user and no others.
package cluster

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// callTimeout bounds one call of the API server.
const callTimeout = 20 * time.Second

// Cluster is a cluster as a user of it sees it.
type Cluster struct {
	// Namespace is that of the flags or of the kubeconfig.
	Namespace string

	config *rest.Config
	client client.Client
}

// New returns the cluster of a client configuration. It calls nothing.
func New(config *rest.Config, namespace string) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{}
	config.UserAgent = "kubectl-whatsapp"
	// A tool of one person needs no limit of its own; the server has one.
	config.QPS = -1

	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		v1alpha1.AddToScheme,
		corev1.AddToScheme,
		authenticationv1.AddToScheme,
		authorizationv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register types: %w", err)
		}
	}

	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("create a client for %s: %w", config.Host, err)
	}

	return &Cluster{
		Namespace: namespace,
		config:    config,
		client:    direct,
	}, nil
}

// Config returns the client configuration.
func (c *Cluster) Config() *rest.Config { return c.config }

// Client returns a client for resources, pods and reviews.
func (c *Cluster) Client() client.Client { return c.client }

// Actor returns the name by which the API server knows the user.
func (c *Cluster) Actor(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	review := &authenticationv1.SelfSubjectReview{}
	if err := c.client.Create(ctx, review); err != nil {
		return "", c.explain(err, "ask the API server who you are", right{})
	}

	return review.Status.UserInfo.Username, nil
}

// MayForward reports whether the user may connect to the ports of pods of a namespace.
func (c *Cluster) MayForward(ctx context.Context, namespace string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	review := &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace:   namespace,
				Verb:        "create",
				Resource:    "pods",
				Subresource: "portforward",
			},
		},
	}
	if err := c.client.Create(ctx, review); err != nil {
		return false, c.explain(err, "ask the API server for your rights", right{})
	}

	return review.Status.Allowed, nil
}
