// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// The layout of the pod, which the configuration and the Deployment share.
const (
	portWebhook = 8080
	// PortAdmin is the port on which each pod serves its probes, metrics and status.
	PortAdmin = 9090
	// PortMessages is the port of the messages API, of the pods and of its Service.
	PortMessages = 9092

	configDir        = "/etc/whatsapp-webhook"
	configFile       = "receiver.yaml"
	instructionsDir  = "/etc/whatsapp-webhook-instructions"
	instructionsFile = "instructions"
	storeDir         = "/var/lib/whatsapp-webhook"
	storeFile        = "inbox.db"
	backupDir        = "/var/lib/whatsapp-webhook-backup"
)

// Config returns the receiver's configuration: the settings of the spec and the layout of the pod. The receiver applies its
// own defaults to all other settings.
func Config(webhook *v1alpha1.WhatsAppWebhook) config.Config {
	spec := webhook.Spec

	return config.Config{
		UnknownKeys: config.UnknownKeysIgnore,
		Resource: config.Resource{
			Namespace: webhook.Namespace,
			Name:      webhook.Name,
		},
		Listen: config.Listen{
			Webhook:  fmt.Sprintf(":%d", portWebhook),
			Admin:    fmt.Sprintf(":%d", PortAdmin),
			Messages: messagesAddress(spec.MessagesAPI),
		},
		Webhook: config.Webhook{
			Path:       webhookPath(spec),
			HealthPath: spec.Ingress.HealthCheckPath,
			PublicURL:  mediaURL(webhook),
			MutualTLS:  mutualTLS(spec.CloudAPI.MutualTLS),
		},
		SecretsDir: config.Config{}.WithDefaults().SecretsDir,
		CloudAPI: config.CloudAPI{
			BaseURL:           spec.CloudAPI.BaseURL,
			Version:           spec.CloudAPI.Version,
			PhoneNumberIDs:    spec.CloudAPI.PhoneNumberIDs,
			MessagesPerSecond: int(spec.CloudAPI.MessagesPerSecond),
			Coexistence:       spec.CloudAPI.Coexistence == v1alpha1.Enabled,
			Subscription:      subscription(webhook),
		},
		Bird:        bird(spec.Bird),
		OpenAI:      openAI(spec.OpenAI),
		MessagesAPI: messagesAPI(spec.MessagesAPI),
		Handoff:     handoff(spec.Handoff),
		Media:       media(spec.Receiver.Media),
		Processing:  processing(spec.Processing),
		Notifications: config.Notifications{
			SinkURL: spec.Notifications.SinkURL,
			Signed:  spec.Notifications.SigningKeySecretRef.Name != "",
		},
		Store: store(webhook),
		Tracing: config.Tracing{
			EndpointURL:  spec.Monitoring.Tracing.EndpointURL,
			LinkTemplate: spec.Monitoring.Tracing.LinkTemplate,
		},
		Shutdown: config.Shutdown{DrainTimeout: seconds(spec.Receiver.Shutdown.DrainSeconds)},
		Log:      config.Log{Level: strings.ToLower(string(spec.Receiver.LogLevel))},
	}
}

func processing(wanted v1alpha1.ProcessingSpec) config.Processing {
	return config.Processing{
		Concurrency: int(wanted.Concurrency),
		Retry: config.Retry{
			MaxRetries: number(wanted.Retry.MaxRetries),
			BaseDelay:  seconds(wanted.Retry.BaseDelaySeconds),
			MaxDelay:   seconds(wanted.Retry.MaxDelaySeconds),
		},
		TypingIndicator: enabled(wanted.TypingIndicator),
		ErrorPolicies:   errorPolicies(wanted.ErrorPolicies),
		FallbackText:    wanted.FallbackText,
		FallbackTemplate: config.FallbackTemplate{
			Name:     wanted.FallbackTemplate.Name,
			Language: wanted.FallbackTemplate.Language,
		},
		AnswerWithin:         seconds(wanted.AnswerWithinSeconds),
		HandoffDuration:      seconds(wanted.HandoffSeconds),
		Debounce:             seconds(value(wanted.DebounceSeconds)),
		Format:               config.Format(wanted.Format),
		MaxMessagesPerAnswer: int(wanted.MaxMessagesPerAnswer),
		PassThreadControl:    wanted.PassThreadControl == v1alpha1.Enabled,
	}
}

func mutualTLS(wanted v1alpha1.MutualTLSSpec) *config.MutualTLS {
	if wanted.CertificateSecretName == "" {
		return nil
	}

	return &config.MutualTLS{CommonName: wanted.CommonName}
}

func subscription(webhook *v1alpha1.WhatsAppWebhook) *config.Subscription {
	wanted := webhook.Spec.CloudAPI.Subscription
	if wanted.AppID == "" {
		return nil
	}

	return &config.Subscription{
		AppID:              wanted.AppID,
		CallbackURL:        URL(webhook),
		BusinessAccountIDs: wanted.BusinessAccountIDs,
		Fields:             wanted.Fields,
		CallbackScope:      config.CallbackScope(wanted.CallbackScope),
	}
}

func media(wanted v1alpha1.MediaSpec) config.Media {
	rendered := config.Media{
		DownloadTimeout: seconds(wanted.DownloadTimeoutSeconds),
		AllowedHosts:    wanted.AllowedHosts,
	}
	if wanted.MaxSpoolSize != nil {
		rendered.MaxSpoolBytes = wanted.MaxSpoolSize.Value()
	}

	return rendered
}

func store(webhook *v1alpha1.WhatsAppWebhook) config.Store {
	wanted := webhook.Spec.Store

	rendered := config.Store{RetentionDays: int(wanted.RetentionDays), DeadLetterDays: int(wanted.DeadLetterDays)}
	rendered.Encrypted = len(wanted.Encryption.KeySecretRefs) > 0

	if shared(wanted) {
		rendered.PostgreSQL = &config.PostgreSQLStore{MaxConnections: int(wanted.PostgreSQL.MaxConnections)}
	} else {
		rendered.Embedded = &config.EmbeddedStore{
			Path:   storeDir + "/" + storeFile,
			Backup: backupConfig(webhook),
		}
	}

	return rendered
}

// shared reports whether the store is a database for several receivers, and not the file, which allows one writer.
func shared(wanted v1alpha1.StoreSpec) bool {
	return wanted.PostgreSQL.URLSecretRef.Name != ""
}

func errorPolicies(overrides []v1alpha1.ErrorPolicy) map[int]config.ErrorPolicy {
	if len(overrides) == 0 {
		return nil
	}

	byCode := make(map[int]config.ErrorPolicy, len(overrides))
	for _, override := range overrides {
		byCode[int(override.Code)] = config.ErrorPolicy{
			Class: snakeCase(string(override.Class)),
			Scope: snakeCase(string(override.Scope)),
		}
	}

	return byCode
}

// snakeCase converts an enum value of the resource, such as ProcessTextMessage or RateLimited, to the receiver's name for
// it, process_text_message or rate_limited.
func snakeCase(camelCase string) string {
	var name strings.Builder
	for i, letter := range camelCase {
		if unicode.IsUpper(letter) && i > 0 {
			name.WriteByte('_')
		}

		name.WriteRune(unicode.ToLower(letter))
	}

	return name.String()
}

func enabled(state v1alpha1.State) *bool {
	if state == "" {
		return nil
	}

	return new(state == v1alpha1.Enabled)
}

func value(given *int32) int32 {
	if given == nil {
		return 0
	}

	return *given
}

func number(given *int32) *int {
	if given == nil {
		return nil
	}

	return new(int(*given))
}

func seconds(given int32) time.Duration {
	return time.Duration(given) * time.Second
}

func marshal(c config.Config) (string, error) {
	data, err := yaml.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("marshal receiver configuration: %w", err)
	}

	return string(data), nil
}
