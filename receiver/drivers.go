// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/contract"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/flow"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/openai"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// drivers are the protocols that the receiver can ask the AI by.
var drivers = map[config.Protocol]assistant.Driver{
	config.ProtocolContract: contract.Driver{},
	config.ProtocolFlow:     flow.Driver{},
	config.ProtocolOpenAI:   openai.Driver{},
}
