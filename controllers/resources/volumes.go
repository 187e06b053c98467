// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

const (
	volumeConfig       = "config"
	volumeSecrets      = "secrets"
	volumeInstructions = "instructions"
	volumeStore        = "store"
	volumeBackup       = "backup"
	volumeTmp          = "tmp"

	// tmpMargin is the space in /tmp for files other than media.
	tmpMargin = 64 << 20
)

func volumes(p Params) []*corev1ac.VolumeApplyConfiguration {
	wanted := []*corev1ac.VolumeApplyConfiguration{
		corev1ac.Volume().WithName(volumeConfig).
			WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(p.name + suffixConfig)),
		corev1ac.Volume().WithName(volumeSecrets).
			WithProjected(corev1ac.ProjectedVolumeSource().
				WithDefaultMode(secretsMode(p)).
				WithSources(secretProjections(p.webhook.Spec)...)),
	}
	if hasInstructions(p) {
		wanted = append(wanted, instructionsVolume(p.webhook.Spec.OpenAI.InstructionsConfigMapRef))
	}

	if !shared(p.webhook.Spec.Store) {
		wanted = append(wanted, corev1ac.Volume().WithName(volumeStore).
			WithPersistentVolumeClaim(corev1ac.PersistentVolumeClaimVolumeSource().WithClaimName(ClaimName(p.webhook))))
	}

	if claim := BackupClaim(p.webhook); claim != "" {
		wanted = append(wanted, corev1ac.Volume().WithName(volumeBackup).
			WithPersistentVolumeClaim(corev1ac.PersistentVolumeClaimVolumeSource().WithClaimName(claim)))
	}

	// The receiver limits its spooled media itself, so it is never evicted because of them.
	size := resource.NewQuantity(p.config.Media.MaxSpoolBytes+tmpMargin, resource.BinarySI)

	return append(wanted, corev1ac.Volume().WithName(volumeTmp).
		WithEmptyDir(corev1ac.EmptyDirVolumeSource().WithSizeLimit(*size)))
}

func mounts(p Params) []*corev1ac.VolumeMountApplyConfiguration {
	mount := func(volume, path string) *corev1ac.VolumeMountApplyConfiguration {
		return corev1ac.VolumeMount().WithName(volume).WithMountPath(path)
	}

	wanted := []*corev1ac.VolumeMountApplyConfiguration{
		mount(volumeConfig, configDir).WithReadOnly(true),
		mount(volumeSecrets, p.config.SecretsDir).WithReadOnly(true),
	}
	if hasInstructions(p) {
		wanted = append(wanted, mount(volumeInstructions, instructionsDir).WithReadOnly(true))
	}

	if !shared(p.webhook.Spec.Store) {
		wanted = append(wanted, mount(volumeStore, storeDir))
	}

	if volume := backup(p.webhook.Spec.Store).Volume; volume.ExistingClaim != "" {
		wanted = append(wanted, mount(volumeBackup, backupDir).WithSubPath(cmp.Or(volume.SubPath, p.webhook.Name)))
	}

	return append(wanted, mount(volumeTmp, "/tmp"))
}

func hasInstructions(p Params) bool {
	return p.webhook.Spec.OpenAI.InstructionsConfigMapRef.Name != ""
}

// instructionsVolume is optional, so that without the ConfigMap the pod runs and reports it. The file has the same name for
// every key, and the receiver reads it again when it changes.
func instructionsVolume(ref v1alpha1.ConfigMapKeyReference) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(volumeInstructions).
		WithConfigMap(corev1ac.ConfigMapVolumeSource().
			WithName(ref.Name).
			WithOptional(true).
			WithItems(corev1ac.KeyToPath().WithKey(ref.Key).WithPath(instructionsFile)))
}

// secretProjections mounts each referenced value as <role>/<index>. All are optional, so that with a missing Secret the pod
// runs and reports it, instead of failing to start.
func secretProjections(spec v1alpha1.WhatsAppWebhookSpec) []*corev1ac.VolumeProjectionApplyConfiguration {
	var projections []*corev1ac.VolumeProjectionApplyConfiguration
	for _, role := range secretRoles(spec) {
		for i, ref := range role.refs {
			projections = append(projections, corev1ac.VolumeProjection().
				WithSecret(corev1ac.SecretProjection().
					WithName(ref.Name).
					WithOptional(true).
					WithItems(corev1ac.KeyToPath().WithKey(ref.Key).WithPath(fmt.Sprintf("%s/%d", role.name, i)))))
		}
	}

	return projections
}
