// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// publicPath is a path of the public host, and the Service that serves it. Both an Ingress and an HTTPRoute prefer an exact
// path to a prefix, so the path of the webhook may lie below one of the others.
type publicPath struct {
	path    string
	prefix  bool
	service string
	port    servedPort
}

// publicPaths returns what an Ingress or an HTTPRoute publishes.
func (p Params) publicPaths() []publicPath {
	paths := []publicPath{{
		path:    p.config.Webhook.Path,
		service: p.name,
		port:    p.publicPort(),
	}}

	if p.config.Webhook.PublicURL != "" {
		paths = append(paths, publicPath{
			path:    config.MediaPath,
			prefix:  true,
			service: p.name,
			port:    p.publicPort(),
		})
	}

	if p.webhook.Spec.MessagesAPI.Exposure == v1alpha1.ExposurePublic {
		paths = append(paths, publicPath{
			path:    config.MessagesPath,
			prefix:  true,
			service: p.name + suffixMessages,
			port:    messagesPort,
		})
	}

	return paths
}

func (p publicPath) pathType() networkingv1.PathType {
	if p.prefix {
		return networkingv1.PathTypePrefix
	}

	return networkingv1.PathTypeExact
}

func (p publicPath) matchType() gatewayv1.PathMatchType {
	if p.prefix {
		return gatewayv1.PathMatchPathPrefix
	}

	return gatewayv1.PathMatchExact
}
