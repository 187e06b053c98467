// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
)

// installFix is what to do in a cluster without the operator.
const installFix = "Install the operator, or choose another cluster with --context. kubectl config get-contexts lists them."

// right is what a call needs.
type right struct {
	verb      string
	resource  string // in the form that kubectl auth can-i takes: pods/portforward
	namespace string // "" for all
}

// IsForbidden reports whether an error means that the user lacks a right.
func IsForbidden(err error) bool { return apierrors.IsForbidden(err) || errors.Is(err, errForbidden) }

// explain returns err as an error for people. doing says what was being done.
func (c *Cluster) explain(err error, doing string, needed right) error {
	var unreachable *url.Error

	var network net.Error

	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return err
	case meta.IsNoMatchError(err):
		return output.Unreachable(installFix, "the cluster at %s has no WhatsAppWebhooks: the CustomResourceDefinition is not installed: %w", c.config.Host, err)
	case apierrors.IsForbidden(err):
		return output.Unreachable(needed.fix(), "%s: %w", doing, err)
	case apierrors.IsUnauthorized(err):
		return output.Unreachable(
			"Sign in again, or choose another user with --context.",
			"%s: the API server at %s does not accept your credentials: %w", doing, c.config.Host, err)
	case errors.As(err, &unreachable), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return output.Unreachable(
			"Check that kubectl get namespaces works with the same kubeconfig and --context.",
			"%s: the API server at %s cannot be reached: %w", doing, c.config.Host, err)
	case isBusy(err):
		return output.Unreachable(
			"Try again. If it goes on, see what kubectl get --raw /readyz says.",
			"%s: the API server at %s does not serve the call: %w", doing, c.config.Host, err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// isBusy reports whether the API server, or a proxy in front of it, answers that it cannot serve a call now, as while it starts or
// etcd elects a leader.
func isBusy(err error) bool {
	return apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
}

// fix says how to get the right.
func (r right) fix() string {
	if r.verb == "" {
		return ""
	}

	scope := "in the namespace " + r.namespace
	check := "-n " + r.namespace

	if r.namespace == "" {
		scope = "in all namespaces"
		check = "-A"
	}

	return fmt.Sprintf(
		"You lack the right to %s %s %s. An administrator can give it with a Role and a RoleBinding; check it with:\n"+
			"kubectl auth can-i %s %s %s", r.verb, r.resource, scope, r.verb, r.resource, check)
}
