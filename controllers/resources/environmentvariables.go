// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// neverProxied are the hosts that no proxy can reach: the pod itself, and Services of the cluster by their full names.
var neverProxied = []string{"localhost", "127.0.0.1", "::1", ".svc", ".cluster.local"}

// environmentVariables returns the variables of the receiver's container: those that the operator sets, and those of the
// spec. The CEL rules of the resource keep their names apart.
func environmentVariables(p Params) []*corev1ac.EnvVarApplyConfiguration {
	var variables []*corev1ac.EnvVarApplyConfiguration

	set := func(name, value string) {
		if value != "" {
			variables = append(variables, corev1ac.EnvVar().WithName(name).WithValue(value))
		}
	}

	if p.memoryLimit > 0 {
		// The rest is for memory the Go runtime does not count.
		set("GOMEMLIMIT", strconv.FormatInt(p.memoryLimit/10*9, 10))
	}

	if proxy := p.webhook.Spec.Receiver.Proxy; cmp.Or(proxy.HTTPURL, proxy.HTTPSURL) != "" {
		set("HTTP_PROXY", proxy.HTTPURL)
		set("HTTPS_PROXY", proxy.HTTPSURL)
		set("NO_PROXY", strings.Join(slices.Concat(neverProxied, proxy.NoProxy), ","))
	}

	return append(variables, p.envVars...)
}

// memoryLimit returns the memory limit in bytes, or 0 without one.
func memoryLimit(requirements *corev1ac.ResourceRequirementsApplyConfiguration) int64 {
	if requirements == nil || requirements.Limits == nil {
		return 0
	}

	return requirements.Limits.Memory().Value()
}
