// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// publicPath is a path of the public host, and the Service that serves it.
type publicPath struct {
	path    string
	prefix  bool
	shared  bool // lies at or below another one
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

	webhook := &paths[0]
	webhook.shared = slices.ContainsFunc(paths[1:], func(other publicPath) bool {
		return strings.HasPrefix(webhook.path+"/", other.path)
	})

	return paths
}

// pathType returns the type of the path in an Ingress. A prefix publishes no more of the webhook's Service than its exact path
// would, since the receiver compares the path as a whole. OpenShift makes no route of an exact path. It is needed only in the
// range of another prefix, to which every controller prefers it.
//
// Sources: https://github.com/openshift/route-controller-manager/blob/main/pkg/route/ingress/ingress.go,
// https://kubernetes.io/docs/concepts/services-networking/ingress/#multiple-matches
func (p publicPath) pathType() networkingv1.PathType {
	if p.prefix || !p.shared {
		return networkingv1.PathTypePrefix
	}

	return networkingv1.PathTypeExact
}

// matchType returns the type of the path in an HTTPRoute. An exact path belongs to the core of the Gateway API.
func (p publicPath) matchType() gatewayv1.PathMatchType {
	if p.prefix {
		return gatewayv1.PathMatchPathPrefix
	}

	return gatewayv1.PathMatchExact
}
