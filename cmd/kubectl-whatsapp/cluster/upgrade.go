// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	portforwardconstants "k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/transport/websocket"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
	streamspdy "k8s.io/streaming/pkg/httpstream/spdy"
)

// upgrade opens a connection to a pod through the API server, for streams to its ports. Like kubectl it tunnels SPDY through
// a WebSocket, which proxies understand, and uses plain SPDY where the server or a proxy refuses that.
func upgrade(ctx context.Context, config *rest.Config, namespace, pod string) (httpstream.Connection, error) {
	target, err := portForwardURL(config, namespace, pod)
	if err != nil {
		return nil, err
	}

	conn, err := upgradeWebSocket(ctx, config, target)
	if err == nil || !httpstream.IsUpgradeFailure(err) && !httpstream.IsHTTPSProxyError(err) {
		return conn, err
	}

	return upgradeSPDY(ctx, config, target)
}

func portForwardURL(config *rest.Config, namespace, pod string) (string, error) {
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return "", fmt.Errorf("read the address of the API server: %w", err)
	}

	path := []string{"api", "v1", "namespaces", url.PathEscape(namespace), "pods", url.PathEscape(pod), "portforward"}

	return base.JoinPath(path...).String(), nil
}

func upgradeWebSocket(ctx context.Context, config *rest.Config, target string) (httpstream.Connection, error) {
	transport, holder, err := websocket.RoundTripperFor(config)
	if err != nil {
		return nil, fmt.Errorf("prepare a WebSocket: %w", err)
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}

	socket, err := websocket.Negotiate(transport, holder, request,
		portforwardconstants.WebsocketsSPDYTunnelingPrefix+portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, err
	}

	if !strings.HasSuffix(socket.Subprotocol(), portforward.PortForwardProtocolV1Name) {
		return nil, errors.Join(fmt.Errorf("the server speaks %q", socket.Subprotocol()), socket.Close())
	}

	tunnel := portforward.NewTunnelingConnectionWithLogger(klog.FromContext(ctx), socket)

	return streamspdy.NewClientConnectionWithPings(tunnel, portforward.PingPeriod)
}

func upgradeSPDY(ctx context.Context, config *rest.Config, target string) (httpstream.Connection, error) {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, fmt.Errorf("prepare SPDY: %w", err)
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, http.NoBody)
	if err != nil {
		return nil, err
	}

	conn, protocol, err := spdy.NegotiateStreaming(upgrader, &http.Client{Transport: transport}, request,
		portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, err
	}

	if protocol != portforward.PortForwardProtocolV1Name {
		return nil, errors.Join(fmt.Errorf("the server speaks %q", protocol), conn.Close())
	}

	return conn, nil
}
