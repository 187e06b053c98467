// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"os"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/simulate"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// target returns where deliveries go, and what ends the connections.
func (f *simulateFlags) target(ctx context.Context, g *global) (simulate.Target, func(), error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	target := simulate.Target{
		Client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // as Meta
		},
		URL: f.to,
	}

	if !f.isResource() {
		secret, err := f.appSecret()
		target.AppSecret = secret

		return target, transport.CloseIdleConnections, err
	}

	return f.resourceTarget(ctx, g, target, transport)
}

// resourceTarget completes a target with the URL and the secret of a resource.
func (f *simulateFlags) resourceTarget(
	ctx context.Context,
	g *global,
	target simulate.Target,
	transport *http.Transport,
) (simulate.Target, func(), error) {
	found, err := g.cluster()
	if err != nil {
		return target, nil, err
	}

	webhook, err := found.Webhook(ctx, f.to)
	if err != nil {
		return target, nil, err
	}

	if f.Number == "" && len(webhook.Spec.CloudAPI.PhoneNumberIDs) > 0 {
		f.Number = webhook.Spec.CloudAPI.PhoneNumberIDs[0]
	}

	if webhook.Spec.CloudAPI.MutualTLS.CertificateSecretName != "" {
		return target, nil, output.Failed("Simulate against a receiver without mutualTLS, such as that of the command dev.",
			"%s takes deliveries only with Meta's client certificate", f.to)
	}

	if refs := webhook.Spec.CloudAPI.AppSecretSecretRefs; len(refs) > 0 && f.secretFile == "" && f.secretEnv == "" {
		target.AppSecret, err = found.SecretValue(ctx, refs[0])
	} else {
		target.AppSecret, err = f.appSecret()
	}

	if err != nil {
		return target, nil, err
	}

	if f.public {
		target.URL = webhook.Status.URL
		if target.URL == "" {
			return target, nil, output.Failed("Leave --public out to send to a pod.", "%s has no public URL", f.to)
		}

		return target, transport.CloseIdleConnections, nil
	}

	settings := resources.Config(webhook).WithDefaults()
	forward := found.Forward(f.to)
	transport.DialContext = forward.DialContext
	transport.Proxy = nil
	target.URL = "http://localhost" + settings.Listen.Webhook + settings.Webhook.Path

	return target, func() {
		transport.CloseIdleConnections()
		forward.Close()
	}, nil
}

// appSecret returns the secret of a file or of the environment.
func (f *simulateFlags) appSecret() (string, error) {
	const fix = "Give it with --app-secret-file or --app-secret-env: it signs the deliveries."

	secret := os.Getenv(f.secretEnv)

	if f.secretFile != "" {
		content, err := os.ReadFile(f.secretFile)
		if err != nil {
			return "", output.Usage(fix, "read the app secret: %w", err)
		}

		secret = string(content)
	}

	if secret = strings.TrimSpace(secret); secret == "" {
		return "", output.Usage(fix, "the app secret is missing")
	}

	return secret, nil
}
