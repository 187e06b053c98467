// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bridgetest tests a bridge or a flow against the Bird contract, with the requests of the receiver's own drivers and
// the receiver's own reading of the answers.
package bridgetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/contract"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/flow"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

// placeholderKey is sent to a bridge whose key is not given, since the contract has no request without a key.
const placeholderKey = "bridge-test"

// Options select the tests.
type Options struct {
	URL        string
	Flow       bool              // one URL for everything, in place of the contract's paths
	Key        string            // empty: unknown
	AuthScheme config.AuthScheme // empty: the default of the protocol
	// SignatureHeader and SigningKey sign the requests to a flow. Both or neither are set.
	SignatureHeader string
	SigningKey      string
	// Authorities are certificate authorities, as PEM, that are trusted in addition to those of the system.
	Authorities string
	Methods     []assistant.Method // empty: all that are on by default
	Timeout     time.Duration      // of one request; 0: that of the contract
	// LaterURL is the address of the messages API as the bridge knows it. Empty: later answers are not tested.
	LaterURL string
	LaterKey string
	// LaterText is the text that the bridge answers later, LaterWithin the time for that.
	LaterText   string
	LaterWithin time.Duration
	// Done, if set, gets each check when it has ended.
	Done func(Check)
}

// Methods returns all methods.
func Methods() []assistant.Method { return slices.Concat(defaultMethods, offMethods) }

// defaultMethods are on unless a configuration disables them, offMethods are off unless it enables them.
var (
	defaultMethods = []assistant.Method{
		assistant.ProcessText,
		assistant.ProcessImage,
		assistant.ProcessAudio,
		assistant.ProcessVideo,
		assistant.ProcessDocument,
		assistant.ProcessLocation,
		assistant.ProcessContacts,
		assistant.ProcessButton,
		assistant.ProcessList,
		assistant.ProcessFlow,
		assistant.ProcessOrder,
		assistant.ProcessEdit,
		assistant.ProcessRevoke,
		assistant.ProcessUndelivered,
		assistant.NotifyStatus,
	}
	offMethods = []assistant.Method{
		assistant.ProcessOther,
		assistant.AnalyzeImage,
		assistant.TranscribeAudio,
		assistant.AnalyzeVideo,
		assistant.ParseDocument,
	}
)

// tester tests one bridge.
type tester struct {
	Options

	live     *config.Live
	client   *assistant.Client
	wire     *wire
	document *openapi.Document
	paths    map[string]string // of the document, by method
	spool    *media.Spool      // for files that answers link to
	person   *person
	report   *Report
	times    []time.Duration // of the answers to single requests
	blocked  string          // why the test cannot continue
}

// Run tests a bridge. An error means that the test could not run.
func Run(ctx context.Context, o Options) (*Report, error) {
	t, err := newTester(o)
	if err != nil {
		return nil, err
	}

	dir, err := os.MkdirTemp("", "whatsapp-bridge-test-")
	if err != nil {
		return nil, fmt.Errorf("create a folder for linked files: %w", err)
	}
	defer os.RemoveAll(dir)

	settings := t.live.Current().Config
	settings.Media.SpoolDir = dir
	t.live = config.Fixed(settings, t.live.Current().Secrets)

	if t.spool, err = media.Open(t.live, nil, clockwork.NewRealClock()); err != nil {
		return nil, fmt.Errorf("open a folder for linked files: %w", err)
	}
	defer t.spool.Close()

	defer t.client.Close()
	defer t.wire.next.CloseIdleConnections()

	for _, s := range t.steps() {
		t.run(ctx, s)

		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}

	t.report.Latency = newLatency(t.times)

	return t.report, nil
}

// CheckURL returns an error if a text is not the address of a bridge.
func CheckURL(text string) error {
	address, err := url.Parse(text)

	switch {
	case err != nil, address.Scheme != "http" && address.Scheme != "https", address.Host == "":
		return errors.New("the address of the bridge is not an http or https URL")
	case address.User != nil, address.Fragment != "":
		return errors.New("the address of the bridge has a user or a fragment, which a configuration must not have")
	}

	return nil
}

func newTester(o Options) (*tester, error) {
	if err := CheckURL(o.URL); err != nil {
		return nil, err
	}

	if o.LaterURL != "" && o.LaterKey == "" {
		return nil, errors.New("the messages API has an address and no key")
	}

	t := &tester{
		Options: o,
		person:  newPerson(),
		report:  &Report{URL: o.URL, Protocol: string(config.ProtocolContract), Passed: true, Checks: []Check{}},
	}

	if o.Flow {
		t.report.Protocol = string(config.ProtocolFlow)
	}

	var err error

	if t.wire, err = newWire(o.Authorities); err != nil {
		return nil, err
	}

	if t.document, err = openapi.Load(openapi.BirdBridge); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}

	t.paths = t.document.Paths()
	if o.Flow {
		t.document = t.document.Webhook("flow")
	}

	t.live = config.Fixed(t.configuration(), t.secrets())
	t.client = assistant.NewClient(map[config.Protocol]assistant.Driver{
		config.ProtocolContract: contract.Driver{},
		config.ProtocolFlow:     flow.Driver{},
	}, nil, concurrent, clockwork.NewRealClock())
	t.client.Intercept(t.wire)

	return t, nil
}

// configuration returns that of a receiver in front of the bridge.
func (t *tester) configuration() config.Config {
	bird := config.Bird{BaseURL: t.URL, AuthScheme: t.AuthScheme}

	if t.Flow {
		bird.Protocol = config.ProtocolFlow
		bird.Flow = config.Flow{SignatureHeader: t.SignatureHeader, Timeout: t.Timeout}
		bird.Flow.Statuses = slices.Contains(t.Methods, assistant.NotifyStatus)

		return config.Config{Bird: bird}
	}

	bird.Endpoints = map[string]config.Endpoint{}
	for _, m := range Methods() {
		bird.Endpoints[string(m)] = config.Endpoint{Timeout: t.Timeout, Enabled: new(true)}
	}

	return config.Config{Bird: bird}
}

func (t *tester) secrets() config.Secrets {
	key := t.Key
	if key == "" {
		key = placeholderKey
	}

	return config.Secrets{
		BirdAccessKey:  key,
		FlowSigningKey: t.SigningKey,
		AICA:           t.Authorities,
	}
}

// with returns the AI of a changed configuration.
func (t *tester) with(change func(*config.Config, *config.Secrets)) assistant.AI {
	settings := t.live.Current().Config
	secrets := t.live.Current().Secrets

	if change != nil {
		change(&settings, &secrets)
	}

	return t.client.Of(config.Fixed(settings, secrets).Current())
}

// step is a check to make.
type step struct {
	name string
	// method is that of its requests.
	method assistant.Method
	run    func(context.Context, *Check)
}

// run makes a check and adds it to the report.
func (t *tester) run(ctx context.Context, s step) {
	check := Check{Name: s.name}

	if t.blocked != "" {
		check.note(OK, t.blocked, "")
		check.State = Skipped
	} else {
		s.run(ctx, &check)
	}

	check = t.report.add(check)
	if t.Done != nil && ctx.Err() == nil {
		t.Done(check)
	}
}

// wants reports whether a method is tested.
func (t *tester) wants(m assistant.Method) bool {
	if len(t.Methods) > 0 {
		return slices.Contains(t.Methods, m)
	}

	return slices.Contains(defaultMethods, m) && t.with(nil).Enabled(m)
}

// ParseMethod returns the method with a name, which may lack the parts that all names have.
func ParseMethod(name string) (assistant.Method, bool) {
	for _, m := range Methods() {
		short := strings.TrimSuffix(strings.TrimPrefix(string(m), "process_"), "_message")
		if name == string(m) || name == short {
			return m, true
		}
	}

	return "", false
}
