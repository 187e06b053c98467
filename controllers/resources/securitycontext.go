// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// nonroot is the user id of the images. The receiver runs as any user that can write to its volume and to /tmp.
const nonroot = 65532

// podSecurityContext returns the context of the spec, or else a context that meets the restricted Pod Security Standard.
func podSecurityContext(p Params) *corev1ac.PodSecurityContextApplyConfiguration {
	if p.podSecurityContext != nil {
		return p.podSecurityContext
	}

	return corev1ac.PodSecurityContext().
		WithRunAsNonRoot(true).
		WithRunAsUser(nonroot).
		WithRunAsGroup(nonroot).
		WithFSGroup(nonroot).
		WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
		WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))
}

// securityContext returns the context of the receiver's container: that of the spec, or else one without any privilege.
func securityContext(p Params) *corev1ac.SecurityContextApplyConfiguration {
	if p.securityContext != nil {
		return p.securityContext
	}

	return corev1ac.SecurityContext().
		WithAllowPrivilegeEscalation(false).
		WithReadOnlyRootFilesystem(true).
		WithCapabilities(corev1ac.Capabilities().WithDrop("ALL"))
}

// secretsMode returns the mode of the files with secrets. A pod reads them as its group; without a group of the volumes they
// belong to root, and only a mode for all lets the receiver read them. No other container mounts them.
func secretsMode(p Params) int32 {
	if podSecurityContext(p).FSGroup == nil {
		return 0o444
	}

	return 0o440
}
