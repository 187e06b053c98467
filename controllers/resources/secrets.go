// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// secretRole is a secret of the receiver's configuration, with the Secrets the resource refers to for it.
type secretRole struct {
	name string
	refs []v1alpha1.SecretKeyReference
}

// secretRoles returns all roles. A role that the spec does not use has no references.
func secretRoles(spec v1alpha1.WhatsAppWebhookSpec) []secretRole {
	one := func(ref v1alpha1.SecretKeyReference) []v1alpha1.SecretKeyReference {
		if ref.Name == "" {
			return nil
		}

		return []v1alpha1.SecretKeyReference{ref}
	}
	mutualTLS := spec.CloudAPI.MutualTLS
	certificate := func(key string) []v1alpha1.SecretKeyReference {
		return one(v1alpha1.SecretKeyReference{Name: mutualTLS.CertificateSecretName, Key: key})
	}

	return []secretRole{
		{config.RoleAccessToken, one(spec.CloudAPI.AccessTokenSecretRef)},
		{config.RoleAppSecret, spec.CloudAPI.AppSecretSecretRefs},
		{config.RoleVerifyToken, one(spec.CloudAPI.VerifyTokenSecretRef)},
		{config.RoleBirdAccessKey, one(spec.Bird.AccessKeySecretRef)},
		{config.RoleFlowSigningKey, one(spec.Bird.Flow.SigningKeySecretRef)},
		{config.RoleOpenAIKey, one(spec.OpenAI.KeySecretRef)},
		{config.RoleAssistantKey, messagesKeys(spec.MessagesAPI, v1alpha1.MessagesAPIRoleAssistant)},
		{config.RoleDeskKey, messagesKeys(spec.MessagesAPI, v1alpha1.MessagesAPIRoleDesk)},
		{config.RoleHandoffKey, one(spec.Handoff.KeySecretRef)},
		{config.RoleSinkSigningKey, one(spec.Notifications.SigningKeySecretRef)},
		{config.RoleStoreKey, spec.Store.Encryption.KeySecretRefs},
		{config.RoleDatabaseURL, one(spec.Store.PostgreSQL.URLSecretRef)},
		{config.RoleDatabaseCA, one(spec.Store.PostgreSQL.CASecretRef)},
		{config.RoleBackupKeyID, one(backup(spec.Store).S3.AccessKeyIDSecretRef)},
		{config.RoleBackupSecret, one(backup(spec.Store).S3.SecretAccessKeySecretRef)},
		{config.RoleMetaCA, one(spec.CloudAPI.CASecretRef)},
		{config.RoleAICA, one(cmp.Or(spec.Bird.CASecretRef, spec.OpenAI.CASecretRef))},
		{config.RoleSinkCA, one(spec.Notifications.CASecretRef)},
		{config.RoleHandoffCA, one(spec.Handoff.CASecretRef)},
		{config.RoleBackupCA, one(backup(spec.Store).S3.CASecretRef)},
		{config.RoleTracingCA, one(spec.Monitoring.Tracing.CASecretRef)},
		{config.RoleServerCertificate, certificate(corev1.TLSCertKey)},
		{config.RoleServerKey, certificate(corev1.TLSPrivateKeyKey)},
		{config.RoleClientCA, one(mutualTLS.ClientCASecretRef)},
	}
}

// SecretRefs returns the references to Secrets for a role of the receiver's configuration.
func SecretRefs(spec v1alpha1.WhatsAppWebhookSpec, role string) []v1alpha1.SecretKeyReference {
	roles := secretRoles(spec)
	if i := slices.IndexFunc(roles, func(r secretRole) bool { return r.name == role }); i >= 0 {
		return roles[i].refs
	}

	return nil
}
