// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// term is the contract's default for a method.
type term struct {
	path    string
	timeout time.Duration
	off     bool
}

var terms = map[assistant.Method]term{
	assistant.ProcessText:        {path: "/v1/messages/text", timeout: 30 * time.Second},
	assistant.ProcessImage:       {path: "/v1/messages/image", timeout: 60 * time.Second},
	assistant.ProcessAudio:       {path: "/v1/messages/audio", timeout: 60 * time.Second},
	assistant.ProcessVideo:       {path: "/v1/messages/video", timeout: 90 * time.Second},
	assistant.ProcessDocument:    {path: "/v1/messages/document", timeout: 90 * time.Second},
	assistant.ProcessLocation:    {path: "/v1/messages/location", timeout: 30 * time.Second},
	assistant.ProcessContacts:    {path: "/v1/messages/contacts", timeout: 30 * time.Second},
	assistant.ProcessButton:      {path: "/v1/interactions/button", timeout: 30 * time.Second},
	assistant.ProcessList:        {path: "/v1/interactions/list", timeout: 30 * time.Second},
	assistant.ProcessFlow:        {path: "/v1/interactions/flow", timeout: 30 * time.Second},
	assistant.ProcessOrder:       {path: "/v1/messages/order", timeout: 30 * time.Second},
	assistant.ProcessEdit:        {path: "/v1/messages/edit", timeout: 30 * time.Second},
	assistant.ProcessRevoke:      {path: "/v1/messages/revoke", timeout: 30 * time.Second},
	assistant.ProcessUndelivered: {path: "/v1/messages/undelivered", timeout: 30 * time.Second},
	assistant.ProcessOther: {
		path:    "/v1/messages/other",
		timeout: 30 * time.Second,
		off:     true,
	},
	assistant.NotifyStatus:    {path: "/v1/statuses", timeout: 5 * time.Second},
	assistant.AnalyzeImage:    {path: "/v1/analysis/image", timeout: 60 * time.Second},
	assistant.TranscribeAudio: {path: "/v1/analysis/audio", timeout: 90 * time.Second},
	assistant.AnalyzeVideo:    {path: "/v1/analysis/video", timeout: 120 * time.Second},
	assistant.ParseDocument:   {path: "/v1/analysis/document", timeout: 120 * time.Second},
}

// endpoint returns the configuration of m, with the contract's defaults. Enabled is never nil.
func endpoint(settings config.Bird, m assistant.Method) config.Endpoint {
	contract := terms[m]

	e := settings.Endpoints[string(m)]
	if e.Path == "" {
		e.Path = contract.path
	}

	if e.Timeout == 0 {
		e.Timeout = contract.timeout
	}

	if e.Enabled == nil {
		e.Enabled = new(!contract.off)
	}

	return e
}

// Path returns the path of a method below bird.baseURL.
func Path(settings config.Bird, m assistant.Method) string { return endpoint(settings, m).Path }
