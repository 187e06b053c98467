// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"time"
)

// OpenAI configures a model that is asked by OpenAI's Chat Completions API. Its key is a secret: see the role openai-key.
type OpenAI struct {
	// BaseURL is the URL to which /chat/completions is appended, such as https://api.openai.com/v1. A query, such as the
	// api-version of Azure, stays in place.
	BaseURL    string     `yaml:"baseURL"`
	Model      string     `yaml:"model"`
	AuthScheme AuthScheme `yaml:"authScheme,omitempty"` // Bearer, APIKey or None
	// InstructionsFile is the file with the instructions for the model. It is read again when it changes.
	InstructionsFile string `yaml:"instructionsFile,omitempty"`
	Memory           Memory `yaml:"memory,omitempty"`
	// TranscriptionModel transcribes voice messages, by /audio/transcriptions. Without it the model gets a placeholder for a
	// voice message.
	TranscriptionModel string         `yaml:"transcriptionModel,omitempty"`
	MaxOutputTokens    int            `yaml:"maxOutputTokens,omitempty"` // of one answer; 0: the limit of the model
	Timeout            time.Duration  `yaml:"timeout,omitempty"`         // of one call
	Images             *bool          `yaml:"images,omitempty"`          // whether the model gets pictures
	Documents          *bool          `yaml:"documents,omitempty"`       // whether the model gets PDF files
	Tools              *bool          `yaml:"tools,omitempty"`           // whether the model can hand off and offer choices
	CircuitBreaker     CircuitBreaker `yaml:"circuitBreaker,omitempty"`
}

// Memory limits the earlier messages of a conversation that the model gets with each question.
type Memory struct {
	Turns      *int          `yaml:"turns,omitempty"` // the last messages of the person, with their answers; 0: none
	Duration   time.Duration `yaml:"duration,omitempty"`
	Characters int           `yaml:"characters,omitempty"`
}

func (o OpenAI) withDefaults() OpenAI {
	o.AuthScheme = cmp.Or(o.AuthScheme, AuthBearer)
	o.Memory.Turns = cmp.Or(o.Memory.Turns, new(20))
	o.Memory.Duration = cmp.Or(o.Memory.Duration, 24*time.Hour)
	o.Memory.Characters = cmp.Or(o.Memory.Characters, 24_000)
	o.Timeout = cmp.Or(o.Timeout, time.Minute)
	o.Images = cmp.Or(o.Images, new(true))
	o.Documents = cmp.Or(o.Documents, new(true))
	o.Tools = cmp.Or(o.Tools, new(true))
	o.CircuitBreaker = o.CircuitBreaker.withDefaults()

	return o
}

func (p *problems) openAI(o OpenAI) {
	p.urlWithQuery("openAI.baseURL", o.BaseURL)
	p.check(o.Model != "" && len(o.Model) <= 256, "openAI.model", "must have 1 to 256 characters")
	p.check(len(o.TranscriptionModel) <= 256, "openAI.transcriptionModel", "must have at most 256 characters")
	p.oneOf("openAI.authScheme", string(o.AuthScheme), string(AuthBearer), string(AuthAPIKey), string(AuthNone))

	if o.InstructionsFile != "" {
		p.absolutePath("openAI.instructionsFile", o.InstructionsFile)
	}

	inRange(p, "openAI.memory.turns", *o.Memory.Turns, 0, 200)
	inRange(p, "openAI.memory.duration", o.Memory.Duration, time.Millisecond, 30*24*time.Hour)
	inRange(p, "openAI.memory.characters", o.Memory.Characters, 100, 1_000_000)
	inRange(p, "openAI.maxOutputTokens", o.MaxOutputTokens, 0, 1_000_000)
	inRange(p, "openAI.timeout", o.Timeout, time.Millisecond, 15*time.Minute)
	p.circuitBreaker("openAI.circuitBreaker", o.CircuitBreaker)
}
