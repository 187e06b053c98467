// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package standins runs the stand-ins for Meta, the AI of each protocol, a desk and an ingress controller in a cluster, and
// reads their records.
package standins

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/kube"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/meta"
)

//go:embed standins.yaml
var manifest string

// The values of the stand-ins are those of config/samples/demo.
const (
	// PhoneNumberID is the business number.
	PhoneNumberID = "106540352242922"
	// AppSecret signs the deliveries.
	AppSecret = "demo-app-secret"
	// VerifyToken verifies the callback.
	VerifyToken = "demo-verify-token" //nolint:gosec // an invented secret
)

// The names of the Services of the stand-ins.
const (
	// Graph is the Service of the Graph API.
	Graph = "graph"
	// Bird is the Service of Bird.
	Bird = "bird"
	// Flow is the Service of a flow.
	Flow = "flow"
	// OpenAI is the Service of a model.
	OpenAI = "openai"
	// Desk is the Service of the software of people.
	Desk = "desk"
	// Ingress is the Service of the ingress controller, and the host of the Ingresses that it serves.
	Ingress = "ingress"

	metaService = "meta"
)

// StandIns are the stand-ins in one namespace.
type StandIns struct {
	cluster   *kube.Cluster
	namespace string
}

// Deploy creates the stand-ins in an existing namespace and waits until they are ready.
func Deploy(ctx context.Context, cluster *kube.Cluster, namespace string) (*StandIns, error) {
	if err := cluster.Apply(ctx, namespace, manifest); err != nil {
		return nil, err
	}

	_, err := cluster.Kubectl(
		ctx, "--namespace="+namespace, "rollout", "status", "deployment/standin", "--timeout=5m",
	)

	return &StandIns{cluster: cluster, namespace: namespace}, err
}

// Sent returns the messages that Graph accepted, oldest first.
func (s *StandIns) Sent(ctx context.Context) ([]standin.SentMessage, error) {
	var answer struct {
		Sent []standin.SentMessage `json:"sent"`
	}

	err := s.call(ctx, http.MethodGet, Graph, "sent", nil, nil, &answer)

	return answer.Sent, err
}

// Asked returns the requests to Bird, oldest first.
func (s *StandIns) Asked(ctx context.Context) ([]standin.BirdCall, error) {
	return s.AskedOf(ctx, Bird)
}

// AskedOf returns the requests to Bird, a flow or a desk, oldest first.
func (s *StandIns) AskedOf(ctx context.Context, service string) ([]standin.BirdCall, error) {
	var answer struct {
		Asked []standin.BirdCall `json:"asked"`
	}

	err := s.call(ctx, http.MethodGet, service, "asked", nil, nil, &answer)

	return answer.Asked, err
}

// Chats returns the requests to the model, oldest first.
func (s *StandIns) Chats(ctx context.Context) ([]standin.ChatCall, error) {
	var answer struct {
		Asked []standin.ChatCall `json:"asked"`
	}

	err := s.call(ctx, http.MethodGet, OpenAI, "asked", nil, nil, &answer)

	return answer.Asked, err
}

// SetIngress replaces the rules of the ingress controller.
func (s *StandIns) SetIngress(ctx context.Context, rules []standin.IngressRule) error {
	return s.call(ctx, http.MethodPut, Ingress, "ingress", nil, rules, nil)
}

// ResetRecords empties the records of all stand-ins.
func (s *StandIns) ResetRecords(ctx context.Context) error {
	for _, service := range []string{Graph, Bird, Flow, OpenAI, Desk} {
		if err := s.call(ctx, http.MethodDelete, service, "calls", nil, nil, nil); err != nil {
			return err
		}
	}

	return nil
}

// AddFault adds a fault to Graph or Bird, in the format of the stand-in's control API.
func (s *StandIns) AddFault(ctx context.Context, service string, fault map[string]any) error {
	return s.call(ctx, http.MethodPost, service, "faults", nil, fault, nil)
}

// ClearFaults removes the faults of Graph or Bird.
func (s *StandIns) ClearFaults(ctx context.Context, service string) error {
	return s.call(ctx, http.MethodDelete, service, "faults", nil, nil, nil)
}

// DeliverTo sets the target of Meta's deliveries.
func (s *StandIns) DeliverTo(ctx context.Context, to meta.Callback) error {
	return s.call(ctx, http.MethodPut, metaService, "callback", nil, to, nil)
}

// Deliver sends one delivery from inside the cluster, signed with an app secret.
func (s *StandIns) Deliver(ctx context.Context, appSecret string, body []byte) (meta.Answer, error) {
	var answer meta.Answer

	query := map[string]string{"appSecret": appSecret}
	err := s.call(ctx, http.MethodPost, metaService, "deliver", query, json.RawMessage(body), &answer)

	return answer, err
}

// Handshake verifies the callback as Meta does, from inside the cluster.
func (s *StandIns) Handshake(ctx context.Context, verifyToken, challenge string) (meta.Answer, error) {
	var answer meta.Answer

	query := map[string]string{"verifyToken": verifyToken, "challenge": challenge}
	err := s.call(ctx, http.MethodPost, metaService, "handshake", query, nil, &answer)

	return answer, err
}

// StartLoad starts a load.
func (s *StandIns) StartLoad(ctx context.Context, wanted meta.Load) error {
	return s.call(ctx, http.MethodPost, metaService, "load", nil, wanted, nil)
}

// EndLoad ends the load.
func (s *StandIns) EndLoad(ctx context.Context) error {
	return s.call(ctx, http.MethodDelete, metaService, "load", nil, nil, nil)
}

// Load returns the progress of the load.
func (s *StandIns) Load(ctx context.Context) (meta.Report, error) {
	var report meta.Report

	err := s.call(ctx, http.MethodGet, metaService, "load", nil, nil, &report)

	return report, err
}

func (s *StandIns) call(
	ctx context.Context,
	method, service, path string,
	query map[string]string,
	request, answer any,
) error {
	var body []byte
	if request != nil {
		var err error
		if body, err = json.Marshal(request); err != nil {
			return fmt.Errorf("encode the request to the stand-in %s: %w", service, err)
		}
	}

	raw, err := s.cluster.Call(
		ctx,
		method,
		"services",
		s.namespace,
		service+":http",
		"_standin/"+path,
		query,
		body,
	)
	if err != nil || answer == nil {
		return err
	}

	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("decode the answer of the stand-in %s: %w", service, err)
	}

	return nil
}
