// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

type settings struct {
	listen   map[string]*string // the address of each stand-in
	graph    standin.GraphOptions
	bird     standin.BirdOptions
	flow     standin.FlowOptions
	openAI   standin.OpenAIOptions
	desk     standin.DeskOptions
	chatwoot standin.ChatwootOptions

	callbackURL string
	statuses    []string
	messages    standin.MessagesAPI // of the AI
	deskKey     string              // for the same API
	agentURL    string

	admissionName string
}

func parse(args []string) (settings, error) {
	s := settings{listen: map[string]*string{}}

	flags := flag.NewFlagSet("standin", flag.ContinueOnError)
	for _, part := range []struct{ name, address, what string }{
		{"graph", ":8081", "the Graph API"},
		{"bird", ":8082", "Bird"},
		{"meta", "", "the control API of Meta's deliveries"},
		{"flow", "", "the Flow"},
		{"openai", "", "the OpenAI-compatible server"},
		{"desk", "", "the desk"},
		{"chatwoot", "", "Chatwoot"},
		{"ingress", "", "the ingress controller"},
		{"admission", "", "the validating webhook of the ingress controller, over TLS"},
	} {
		s.listen[part.name] = flags.String(part.name+"-listen", part.address,
			"`ADDRESS` of "+part.what+"; empty does not serve it")
	}

	s.defineMeta(flags)
	s.defineAssistants(flags)

	keep := flags.Int("keep", 10_000, "how many calls and messages are retained; negative only counts them")
	if err := flags.Parse(args); err != nil {
		return s, err
	}

	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: everything is set by flags", flags.Arg(0))
	}

	serves := false
	for _, address := range s.listen {
		serves = serves || *address != ""
	}

	if !serves {
		return s, errors.New("nothing to serve: set -graph-listen, -bird-listen or another address")
	}

	if s.callbackURL != "" && s.graph.AppSecret == "" {
		return s, errors.New("-callback-url needs -app-secret to sign with")
	}

	if s.statuses == nil {
		s.statuses = []string{"sent", "delivered", "read"}
	}

	for _, option := range []*int{
		&s.graph.Keep, &s.bird.Keep, &s.flow.Keep, &s.openAI.Keep, &s.desk.Keep, &s.chatwoot.Keep,
	} {
		*option = *keep
	}

	return s, nil
}

// defineMeta defines the flags of Meta's side.
func (s *settings) defineMeta(flags *flag.FlagSet) {
	list(flags, &s.graph.AccessTokens, "access-tokens",
		"access tokens that the Graph API accepts, separated by commas; empty accepts any")
	list(flags, &s.graph.PhoneNumberIDs, "phone-number-ids",
		"phone number ids that exist, separated by commas; empty means all")
	flags.StringVar(&s.graph.AppID, "app-id", "", "id of the app; empty accepts any")
	flags.StringVar(&s.graph.AppSecret, "app-secret", "",
		"secret of the app: part of its access token, and signs deliveries to -callback-url")
	flags.StringVar(&s.graph.PublicURL, "graph-url", "", "scheme and host of media URLs; empty uses those of the request")
	flags.DurationVar(&s.graph.MediaURLLifetime, "media-url-lifetime", 5*time.Minute, "how long a media URL is valid")
	flags.StringVar(&s.callbackURL, "callback-url", "", "URL of the receiver for deliveries and statuses; empty sends none")
	list(flags, &s.statuses, "statuses",
		"statuses to deliver for each sent message, separated by commas (default sent,delivered,read)")
}

// defineAssistants defines the flags of the AI and of the people.
func (s *settings) defineAssistants(flags *flag.FlagSet) {
	list(flags, &s.bird.AccessKeys, "access-keys", "access keys that Bird accepts, separated by commas; empty accepts any")
	flags.StringVar(&s.flow.Path, "flow-path", standin.FlowPath, "the one path of the Flow")
	list(flags, &s.flow.Keys, "flow-keys", "keys that the Flow accepts as Bearer, separated by commas; empty needs none")
	list(flags, &s.flow.SigningKeys, "flow-signing-keys",
		"keys of the Flow's signature, separated by commas; empty needs none")
	flags.StringVar(&s.flow.SignatureHeader, "flow-signature-header", "X-Signature", "header of the Flow's signature")
	list(flags, &s.openAI.Keys, "openai-keys", "keys that the model accepts, separated by commas; empty accepts any")
	list(flags, &s.openAI.Models, "openai-models", "models that exist, separated by commas (default "+standin.OpenAIModel+")")
	list(flags, &s.desk.Keys, "desk-keys", "keys that the desk accepts, separated by commas; empty accepts any")
	flags.StringVar(&s.messages.URL, "messages-url", "", "address of the receiver's messages API; empty answers nothing later")
	flags.StringVar(&s.messages.Key, "messages-key", "", "the AI's key for it")
	flags.StringVar(&s.deskKey, "messages-desk-key", "", "the desk's key for it")
	flags.StringVar(&s.admissionName, "admission-name", "admission.standins.svc", "DNS name of the validating webhook")
	flags.StringVar(&s.agentURL, "chatwoot-webhook-url", "", "URL that gets what agents write in Chatwoot")
}

// connect lets the stand-ins of the AI and of the people answer through the messages API.
func (s *settings) connect(client *http.Client) {
	s.chatwoot.WebhookURL = func() string { return s.agentURL }
	s.chatwoot.Client = client

	if s.messages.URL == "" {
		return
	}

	ai := s.messages
	ai.Client = client
	desk := ai
	desk.Key = s.deskKey

	s.bird.Messages = func() standin.MessagesAPI { return ai }
	s.flow.Messages = s.bird.Messages
	s.desk.Messages = func() standin.MessagesAPI { return desk }
	s.desk.Reply = standin.EchoDesk
}

// list defines a flag of comma-separated values.
func list(flags *flag.FlagSet, into *[]string, name, usage string) {
	flags.Func(name, usage, func(value string) error {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				*into = append(*into, item)
			}
		}

		return nil
	})
}
