// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/http"
	"reflect"
	"slices"
	"time"
)

// ai checks that there is one AI, and its settings.
func (p *problems) ai(c Config) {
	if c.OpenAI != nil {
		p.check(reflect.ValueOf(c.Bird).IsZero(), "bird", "must not be set beside openAI: there is one AI")
		p.openAI(*c.OpenAI)

		return
	}

	p.bird(c.Bird)

	needsURL := c.Bird.Media.Transport == TransportURL && c.Webhook.PublicURL == ""
	p.check(!needsURL, "bird.media.transport", "URL requires webhook.publicURL, with which the links start")
}

func (p *problems) bird(b Bird) {
	p.oneOf("bird.protocol", string(b.Protocol), string(ProtocolContract), string(ProtocolFlow))
	p.oneOf("bird.authScheme", string(b.AuthScheme),
		string(AuthAccessKey),
		string(AuthBearer),
		string(AuthAPIKey),
		string(AuthNone),
	)
	p.oneOf("bird.emptyAnswer", string(b.EmptyAnswer), string(EmptyNoReply), string(EmptyLater), string(EmptyFail))
	p.oneOf("bird.media.mode", string(b.Media.Mode), string(MediaProcess), string(MediaAnalyze))
	p.oneOf("bird.media.transport", string(b.Media.Transport),
		string(TransportAuto),
		string(TransportBase64),
		string(TransportMultipart),
		string(TransportURL),
	)
	p.circuitBreaker("bird.circuitBreaker", b.CircuitBreaker)

	if b.Protocol == ProtocolFlow {
		p.flow(b)
	} else {
		p.contract(b)
	}
}

func (p *problems) contract(b Bird) {
	p.url("bird.baseURL", b.BaseURL)
	p.check(b.AuthScheme != AuthNone, "bird.authScheme", "None requires bird.protocol Flow")
	p.check(b.Flow == Flow{}, "bird.flow", "requires bird.protocol Flow")

	for method, endpoint := range b.Endpoints {
		key := "bird.endpoints." + method
		p.check(isName(method), key, "must be a method such as process_text_message")

		if endpoint.Path != "" {
			p.path(key+".path", endpoint.Path)
		}

		inRange(p, key+".timeout", endpoint.Timeout, 0, 15*time.Minute)
	}
}

// flow checks the settings of a flow. It refuses settings that apply to the contract only.
func (p *problems) flow(b Bird) {
	p.urlWithQuery("bird.baseURL", b.BaseURL)
	inRange(p, "bird.flow.maxBodyBytes", b.Flow.MaxBodyBytes, 1<<10, 64<<20)
	inRange(p, "bird.flow.timeout", b.Flow.Timeout, time.Millisecond, 15*time.Minute)

	validHeader := b.Flow.SignatureHeader == "" || canSign(b.Flow.SignatureHeader)
	p.check(validHeader, "bird.flow.signatureHeader",
		"must be the name of a header that the receiver does not set itself, such as X-Signature")

	p.check(len(b.Endpoints) == 0, "bird.endpoints", "requires bird.protocol Contract: a flow has one URL")
	p.check(b.WorkspaceID == "", "bird.workspaceID", "requires bird.protocol Contract")
	p.check(b.AIEmployeeID == "", "bird.aiEmployeeID", "requires bird.protocol Contract")
	p.check(b.Media.Mode == MediaProcess, "bird.media.mode", "Analyze requires bird.protocol Contract")
	p.check(b.Media.Transport != TransportMultipart, "bird.media.transport",
		"Multipart requires bird.protocol Contract: a flow reads JSON")
}

// ownHeaders are the headers that a request has beside the signature.
var ownHeaders = []string{
	"Accept",
	"Authorization",
	"Connection",
	"Content-Length",
	"Content-Type",
	"Host",
	"Idempotency-Key",
	"Transfer-Encoding",
	"User-Agent",
	"X-Api-Key",
}

// canSign reports whether a header of this name can hold the signature.
func canSign(name string) bool {
	return headerName.MatchString(name) && !slices.Contains(ownHeaders, http.CanonicalHeaderKey(name))
}

func (p *problems) circuitBreaker(key string, b CircuitBreaker) {
	inRange(p, key+".failureThreshold", b.FailureThreshold, 1, 10_000)
	inRange(p, key+".openDuration", b.OpenDuration, 10*time.Millisecond, time.Hour)
}
