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

// The layout of the pod, which the configuration and the Deployment agree on.
const (
	portWebhook = 8080
	portAdmin   = 9090

	configDir  = "/etc/whatsapp-webhook"
	configFile = "receiver.yaml"
	storeDir   = "/var/lib/whatsapp-webhook"
	storeFile  = "inbox.db"
)

// Config is the receiver's configuration: what the user chose, and what the layout of the pod asks for. All else is
// left to the receiver's own defaults.
func Config(webhook *v1alpha1.WhatsAppWebhook) config.Config {
	spec := webhook.Spec
	return config.Config{
		Listen: config.Listen{
			Webhook: fmt.Sprintf(":%d", portWebhook),
			Admin:   fmt.Sprintf(":%d", portAdmin),
		},
		Webhook:    config.Webhook{Path: spec.Ingress.Path},
		SecretsDir: config.Config{}.WithDefaults().SecretsDir,
		CloudAPI: config.CloudAPI{
			BaseURL:           spec.CloudAPI.BaseURL,
			Version:           spec.CloudAPI.Version,
			PhoneNumberIDs:    spec.CloudAPI.PhoneNumberIDs,
			MessagesPerSecond: int(spec.CloudAPI.MessagesPerSecond),
		},
		Bird: config.Bird{
			BaseURL:      spec.Bird.BaseURL,
			AuthScheme:   config.AuthScheme(spec.Bird.AuthScheme),
			WorkspaceID:  spec.Bird.WorkspaceID,
			AIEmployeeID: spec.Bird.AIEmployeeID,
			Endpoints:    endpoints(spec.Bird.Endpoints),
		},
		Processing: config.Processing{
			Concurrency: int(spec.Processing.Concurrency),
			Retry: config.Retry{
				MaxRetries: number(spec.Processing.Retry.MaxRetries),
				BaseDelay:  seconds(spec.Processing.Retry.BaseDelaySeconds),
				MaxDelay:   seconds(spec.Processing.Retry.MaxDelaySeconds),
			},
			TypingIndicator: enabled(spec.Processing.TypingIndicator),
		},
		Store: config.Store{
			Embedded:      &config.EmbeddedStore{Path: storeDir + "/" + storeFile},
			RetentionDays: int(spec.Store.RetentionDays),
		},
		Log: config.Log{Level: strings.ToLower(string(spec.Receiver.LogLevel))},
	}
}

func endpoints(overrides []v1alpha1.BirdEndpoint) map[string]config.Endpoint {
	if len(overrides) == 0 {
		return nil
	}
	byMethod := make(map[string]config.Endpoint, len(overrides))
	for _, override := range overrides {
		byMethod[snakeCase(string(override.Method))] = config.Endpoint{
			Path:    override.Path,
			Timeout: seconds(override.TimeoutSeconds),
			Enabled: enabled(override.State),
		}
	}
	return byMethod
}

// snakeCase turns the resource's name of a method, ProcessTextMessage, into the contract's, process_text_message.
func snakeCase(method string) string {
	var name strings.Builder
	for i, letter := range method {
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
		return "", fmt.Errorf("marshal the receiver's configuration: %w", err)
	}
	return string(data), nil
}
