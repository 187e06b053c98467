// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var protocols = map[Protocol]Config{
	ProtocolContract: {Bird: Bird{BaseURL: "https://b.example.com"}},
	ProtocolFlow:     {Bird: Bird{Protocol: ProtocolFlow, BaseURL: "https://f.example.com"}},
	ProtocolOpenAI:   {OpenAI: &OpenAI{BaseURL: "https://o.example.com", Model: "small"}},
}

func TestProtocol(t *testing.T) {
	for want, c := range protocols {
		c = c.WithDefaults()
		if got := c.Protocol(); got != want {
			t.Errorf("Protocol() = %s, want %s", got, want)
		}

		breaker := CircuitBreaker{FailureThreshold: 10, OpenDuration: 30 * time.Second}
		if diff := cmp.Diff(breaker, c.CircuitBreaker()); diff != "" {
			t.Errorf("%s: CircuitBreaker() (-want +got):\n%s", want, diff)
		}

		if got := c.AIBaseURL(); !strings.HasPrefix(got, "https://") {
			t.Errorf("%s: AIBaseURL() = %q", want, got)
		}
	}
}

// A flow is billed for each run, and so gets statuses only on request.
func TestReportsStatuses(t *testing.T) {
	flow := protocols[ProtocolFlow].WithDefaults()
	flow.Bird.Flow.Statuses = true

	silent := protocols[ProtocolContract].WithDefaults()
	silent.Bird.Endpoints = map[string]Endpoint{NotifyStatus: {Enabled: new(false)}}

	for name, tc := range map[string]struct {
		config Config
		want   bool
	}{
		"contract":                     {protocols[ProtocolContract].WithDefaults(), true},
		"contract without that method": {silent, false},
		"flow":                         {protocols[ProtocolFlow].WithDefaults(), false},
		"flow with statuses":           {flow, true},
		"OpenAI":                       {protocols[ProtocolOpenAI].WithDefaults(), false},
	} {
		if got := tc.config.ReportsStatuses(); got != tc.want {
			t.Errorf("%s: ReportsStatuses() = %v, want %v", name, got, tc.want)
		}
	}
}

func TestDefaultsOfTheProtocols(t *testing.T) {
	flow := protocols[ProtocolFlow].WithDefaults().Bird
	if flow.AuthScheme != AuthBearer || flow.EmptyAnswer != EmptyLater || flow.Flow.MaxBodyBytes != 190_000 {
		t.Errorf("a flow has the defaults %+v", flow)
	}

	contract := protocols[ProtocolContract].WithDefaults().Bird
	if contract.AuthScheme != AuthAccessKey || contract.EmptyAnswer != EmptyNoReply || contract.Flow != (Flow{}) {
		t.Errorf("the contract has the defaults %+v", contract)
	}

	given := protocols[ProtocolOpenAI]
	if c := given.WithDefaults(); !*c.OpenAI.Tools || *c.OpenAI.Memory.Turns != 20 || c.Bird.Protocol != "" {
		t.Errorf("a model has the defaults %+v, beside %+v", c.OpenAI, c.Bird)
	}

	if given.OpenAI.Timeout != 0 {
		t.Error("WithDefaults() changed the settings that it was called on")
	}
}

// A role is required only if the configuration uses it, and none of the AI or the messages API for deliveries.
func TestRequiredRolesOfTheAI(t *testing.T) {
	meta := []string{RoleAccessToken, RoleAppSecret, RoleVerifyToken}

	for name, tc := range map[string]struct {
		adjust func(*Config)
		from   Protocol
		want   []string
	}{
		"contract": {from: ProtocolContract, want: []string{RoleBirdAccessKey}},
		"flow":     {from: ProtocolFlow, want: []string{RoleBirdAccessKey}},
		"signed flow without key": {
			from: ProtocolFlow,
			adjust: func(c *Config) {
				c.Bird.AuthScheme = AuthNone
				c.Bird.Flow.SignatureHeader = "X-Signature"
			},
			want: []string{RoleFlowSigningKey},
		},
		"model":             {from: ProtocolOpenAI, want: []string{RoleOpenAIKey}},
		"model without key": {from: ProtocolOpenAI, adjust: func(c *Config) { c.OpenAI = &OpenAI{AuthScheme: AuthNone} }},
		"messages API": {
			from:   ProtocolContract,
			adjust: func(c *Config) { c.MessagesAPI = &MessagesAPI{} },
			want:   []string{RoleBirdAccessKey, RoleAssistantKey},
		},
		"messages API of people": {
			from:   ProtocolContract,
			adjust: func(c *Config) { c.MessagesAPI = &MessagesAPI{Roles: []MessagesRole{MessagesDesk}} },
			want:   []string{RoleBirdAccessKey, RoleDeskKey},
		},
		"desk": {
			from:   ProtocolContract,
			adjust: func(c *Config) { c.Handoff.URL = "https://desk.example.com" },
			want:   []string{RoleBirdAccessKey, RoleHandoffKey},
		},
		"desk without key": {
			from: ProtocolContract,
			adjust: func(c *Config) {
				c.Handoff.URL = "https://desk.example.com"
				c.Handoff.AuthScheme = AuthNone
			},
			want: []string{RoleBirdAccessKey},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := protocols[tc.from]
			if tc.adjust != nil {
				tc.adjust(&c)
			}

			snapshot := Fixed(c, Secrets{}).Current()

			if diff := cmp.Diff(append(meta[:3:3], tc.want...), snapshot.Missing()); diff != "" {
				t.Errorf("Missing() (-want +got):\n%s", diff)
			}

			if diff := cmp.Diff(meta[1:], snapshot.MissingForDeliveries()); diff != "" {
				t.Errorf("MissingForDeliveries() (-want +got):\n%s", diff)
			}
		})
	}
}
