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
	shared  bool // lies at or below another path, which is a prefix
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

// pathType returns the type of a path in an Ingress. The path of the webhook is exact where that works: a controller may order
// the rules of several Ingresses by other things than their paths, and a prefix would then take the deliveries of a webhook
// below it. OpenShift makes no route of an exact path. In the range of another prefix of the same Ingress the path is exact
// there too, since that prefix could take its deliveries.
//
// Sources: https://github.com/openshift/route-controller-manager/blob/main/pkg/route/ingress/ingress.go,
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#group.order
func (p Params) pathType(public publicPath) networkingv1.PathType {
	if public.prefix || p.env.OpenShift && !public.shared {
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
