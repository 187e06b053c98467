// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

func bird(wanted v1alpha1.BirdSpec) config.Bird {
	return config.Bird{
		Protocol:     config.Protocol(wanted.Protocol),
		BaseURL:      wanted.BaseURL,
		AuthScheme:   config.AuthScheme(wanted.AuthScheme),
		EmptyAnswer:  config.EmptyAnswer(wanted.EmptyAnswer),
		Flow:         flow(wanted.Flow),
		WorkspaceID:  wanted.WorkspaceID,
		AIEmployeeID: wanted.AIEmployeeID,
		Endpoints:    endpoints(wanted.Endpoints),
		Media: config.BirdMedia{
			Mode:      config.MediaMode(wanted.Media.Mode),
			Transport: config.MediaTransport(wanted.Media.Transport),
		},
		CircuitBreaker: circuitBreaker(wanted.CircuitBreaker),
	}
}

// flow names the header of the signature only if there is a key: for the receiver the header is what asks for a signature.
func flow(wanted v1alpha1.FlowSpec) config.Flow {
	rendered := config.Flow{
		MaxBodyBytes: int64(wanted.MaxBodyBytes),
		Timeout:      seconds(wanted.TimeoutSeconds),
		Statuses:     wanted.Statuses == v1alpha1.Enabled,
	}
	if wanted.SigningKeySecretRef.Name != "" {
		rendered.SignatureHeader = cmp.Or(wanted.SignatureHeader, "X-Signature")
	}

	return rendered
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

func openAI(wanted v1alpha1.OpenAISpec) *config.OpenAI {
	if wanted.BaseURL == "" {
		return nil
	}

	rendered := &config.OpenAI{
		BaseURL:    wanted.BaseURL,
		Model:      wanted.Model,
		AuthScheme: config.AuthScheme(wanted.AuthScheme),
		Memory: config.Memory{
			Turns:      number(wanted.Memory.Turns),
			Duration:   time.Duration(wanted.Memory.Hours) * time.Hour,
			Characters: int(wanted.Memory.Characters),
		},
		TranscriptionModel: wanted.TranscriptionModel,
		MaxOutputTokens:    int(wanted.MaxOutputTokens),
		Timeout:            seconds(wanted.TimeoutSeconds),
		Images:             enabled(wanted.Images),
		Documents:          enabled(wanted.Documents),
		Tools:              enabled(wanted.Tools),
		CircuitBreaker:     circuitBreaker(wanted.CircuitBreaker),
	}
	if wanted.InstructionsConfigMapRef.Name != "" {
		rendered.InstructionsFile = instructionsDir + "/" + instructionsFile
	}

	return rendered
}

func circuitBreaker(wanted v1alpha1.CircuitBreakerSpec) config.CircuitBreaker {
	return config.CircuitBreaker{
		FailureThreshold: int(wanted.FailureThreshold),
		OpenDuration:     seconds(wanted.OpenSeconds),
	}
}

// messagesAPI names each role that has a key, so that the receiver reports a missing one.
func messagesAPI(wanted v1alpha1.MessagesAPISpec) *config.MessagesAPI {
	if len(wanted.Keys) == 0 {
		return nil
	}

	rendered := &config.MessagesAPI{}
	for _, role := range []v1alpha1.MessagesAPIRole{v1alpha1.MessagesAPIRoleAssistant, v1alpha1.MessagesAPIRoleDesk} {
		if len(messagesKeys(wanted, role)) > 0 {
			rendered.Roles = append(rendered.Roles, config.MessagesRole(role))
		}
	}

	return rendered
}

// messagesKeys returns the references to the keys of a role.
func messagesKeys(wanted v1alpha1.MessagesAPISpec, role v1alpha1.MessagesAPIRole) []v1alpha1.SecretKeyReference {
	var refs []v1alpha1.SecretKeyReference
	for _, key := range wanted.Keys {
		if cmp.Or(key.Role, v1alpha1.MessagesAPIRoleAssistant) == role {
			refs = append(refs, key.SecretRef)
		}
	}

	return refs
}

// messagesAddress returns no address without the messages API, so that a receiver of an older release accepts the
// configuration.
func messagesAddress(wanted v1alpha1.MessagesAPISpec) string {
	if len(wanted.Keys) == 0 {
		return ""
	}

	return fmt.Sprintf(":%d", PortMessages)
}

func handoff(wanted v1alpha1.HandoffSpec) config.Handoff {
	rendered := config.Handoff{URL: wanted.URL}
	if wanted.URL != "" && wanted.KeySecretRef.Name == "" {
		rendered.AuthScheme = config.AuthNone
	}

	return rendered
}
