// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

var aiFaults = map[string]fault{
	"the bridge is down": {
		provoke: func(h *harness) { h.reconfigure(func(c *config.Config) { c.Bird.BaseURL = "http://127.0.0.1:1" }) },
		checks:  []string{"ai"},
		state:   doctor.Failure,
		detail:  "the connection is refused",
		fix:     "NetworkPolicies",
	},
	"the bridge refuses the key": {
		provoke: func(h *harness) { h.setSecret(config.RoleBirdAccessKey, "wrong") },
		checks:  []string{"ai"},
		state:   doctor.Failure,
		detail:  "HTTP 401: the bridge refuses the key",
		fix:     "bird-access-key",
	},
	"another path": {
		provoke: func(h *harness) { h.reconfigure(func(c *config.Config) { c.Bird.BaseURL += "/wrong" }) },
		checks:  []string{"ai"},
		state:   doctor.Failure,
		detail:  "HTTP 404",
		fix:     "bird.baseURL",
	},
	"a web page": {
		provoke: func(h *harness) { h.bridge(http.StatusOK, "text/html", "<html>") },
		checks:  []string{"ai"},
		state:   doctor.Failure,
		detail:  "a web page",
		fix:     "bird.baseURL",
	},
	"a proxy whose bridge is down": {
		provoke: func(h *harness) { h.bridge(http.StatusServiceUnavailable, "text/plain", "no endpoints") },
		checks:  []string{"ai"},
		state:   doctor.Failure,
		detail:  "HTTP 503: the bridge is down",
		fix:     "check that it runs",
	},
	"a slow bridge": {
		provoke: func(h *harness) { h.Bird.Faults.Add(standin.Fault{Delay: 2100 * time.Millisecond}) },
		checks:  []string{"ai"},
		state:   doctor.Warning,
		detail:  "the bridge answers in",
		fix:     "People wait",
	},
	"a model that refuses the key": {
		prepare: withModel,
		provoke: func(h *harness) { h.setSecret(config.RoleOpenAIKey, "wrong") },
		checks:  []string{"ai"},
		state:   doctor.Failure,
		detail:  "refuses the key",
		fix:     "openai-key",
	},
	"a model that is not listed": {
		prepare: withModel,
		provoke: func(h *harness) { h.reconfigure(func(c *config.Config) { c.OpenAI.Model = "gpt-none" }) },
		checks:  []string{"ai"},
		state:   doctor.Warning,
		detail:  "gpt-none",
		fix:     "openAI.model",
	},
	"a wrong address of the model": {
		prepare: withModel,
		provoke: func(h *harness) { h.reconfigure(func(c *config.Config) { c.OpenAI.BaseURL += "/wrong" }) },
		checks:  []string{"ai"},
		state:   doctor.Failure,
		detail:  "nothing is served at /chat/completions",
		fix:     "/v1",
	},
	"a flow that is not reached": {
		prepare: withFlow,
		provoke: func(h *harness) { h.reconfigure(func(c *config.Config) { c.Bird.BaseURL = "http://127.0.0.1:1/flow" }) },
		checks:  []string{"ai"},
		state:   doctor.Failure,
		detail:  "the server of the flow is not reached",
		fix:     "its address",
	},
}

func withModel(h *harness) {
	h.options.Config.Bird = config.Bird{}
	h.options.Config.OpenAI = &config.OpenAI{}
	h.options.OpenAI.Keys = []string{folder.OpenAIKey}
}

func withFlow(h *harness) {
	h.options.Config.Bird.Protocol = config.ProtocolFlow
}

// bridge puts a server that answers everything in the same way in place of the bridge.
func (h *harness) bridge(status int, contentType, body string) {
	address := h.server(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
	h.reconfigure(func(c *config.Config) { c.Bird.BaseURL = address })
}

// TestOtherProtocolsAreHealthy checks that a model, also without a list of models, and a flow are reached.
func TestOtherProtocolsAreHealthy(t *testing.T) {
	for name, prepare := range map[string]func(*harness){
		"model": withModel,
		"model without a list": func(h *harness) {
			withModel(h)
			h.options.OpenAI.NoModelList = true
		},
		"flow": withFlow,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			prepare(h)
			h.start()
			h.request.Only = []string{"ai"}

			report := h.run()
			if len(report.Checks) != 1 || report.Checks[0].State != doctor.OK {
				t.Errorf("Run() = %+v, want that the AI is reached", report.Checks)
			}

			if asked := len(h.OpenAI.Asked()) + len(h.Flow.Asked()); asked != 0 {
				t.Errorf("the AI was asked %d times, want none", asked)
			}
		})
	}
}
