// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

// Protocol returns the protocol by which the AI is asked.
func (c *Config) Protocol() Protocol {
	if c.OpenAI != nil {
		return ProtocolOpenAI
	}

	return c.Bird.Protocol
}

// AIBaseURL returns the URL of the AI.
func (c *Config) AIBaseURL() string {
	if c.OpenAI != nil {
		return c.OpenAI.BaseURL
	}

	return c.Bird.BaseURL
}

// CircuitBreaker returns the circuit breaker of the AI.
func (c *Config) CircuitBreaker() CircuitBreaker {
	if c.OpenAI != nil {
		return c.OpenAI.CircuitBreaker
	}

	return c.Bird.CircuitBreaker
}

// ReportsStatuses reports whether statuses are sent to the AI. By the contract they are by default, to a flow they are not,
// and Chat Completions have no request for them.
func (c *Config) ReportsStatuses() bool {
	switch c.Protocol() {
	case ProtocolFlow:
		return c.Bird.Flow.Statuses
	case ProtocolOpenAI:
		return false
	}

	enabled := c.Bird.Endpoints[NotifyStatus].Enabled

	return enabled == nil || *enabled
}
