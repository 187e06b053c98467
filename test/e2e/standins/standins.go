// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package standins runs the stand-ins for Meta and Bird in a cluster, and asks them what they saw.
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

// The values that the stand-ins know, those of config/samples/demo.
const (
	PhoneNumberID = "106540352242922"
	AppSecret     = "demo-app-secret"
	VerifyToken   = "demo-verify-token" //nolint:gosec // secret to nobody
)

// The Services of the stand-ins.
const (
	Graph     = "graph"
	Bird      = "bird"
	metaCalls = "meta"
)

// StandIns are those in one namespace.
type StandIns struct {
	cluster   *kube.Cluster
	namespace string
}

// Deploy puts them into a namespace that exists, and waits until they serve.
func Deploy(ctx context.Context, cluster *kube.Cluster, namespace string) (*StandIns, error) {
	if err := cluster.Apply(ctx, namespace, manifest); err != nil {
		return nil, err
	}

	_, err := cluster.Kubectl(ctx, "--namespace="+namespace, "rollout", "status", "deployment/standin", "--timeout=2m")

	return &StandIns{cluster: cluster, namespace: namespace}, err
}

// Sent returns the messages that Graph took, oldest first.
func (s *StandIns) Sent(ctx context.Context) ([]standin.SentMessage, error) {
	var answer struct {
		Sent []standin.SentMessage `json:"sent"`
	}

	err := s.call(ctx, http.MethodGet, Graph, "sent", nil, nil, &answer)

	return answer.Sent, err
}

// Asked returns the questions that were put to Bird, oldest first.
func (s *StandIns) Asked(ctx context.Context) ([]standin.BirdCall, error) {
	var answer struct {
		Asked []standin.BirdCall `json:"asked"`
	}

	err := s.call(ctx, http.MethodGet, Bird, "asked", nil, nil, &answer)

	return answer.Asked, err
}

// Forget empties the records of Graph and Bird.
func (s *StandIns) Forget(ctx context.Context) error {
	for _, service := range []string{Graph, Bird} {
		if err := s.call(ctx, http.MethodDelete, service, "calls", nil, nil, nil); err != nil {
			return err
		}
	}

	return nil
}

// AddFault makes calls of Graph or Bird go wrong. The fault is as the stand-in's control API has it.
func (s *StandIns) AddFault(ctx context.Context, service string, fault map[string]any) error {
	return s.call(ctx, http.MethodPost, service, "faults", nil, fault, nil)
}

// Heal ends the faults of Graph or Bird.
func (s *StandIns) Heal(ctx context.Context, service string) error {
	return s.call(ctx, http.MethodDelete, service, "faults", nil, nil, nil)
}

// DeliverTo says where Meta's deliveries go and how they are signed.
func (s *StandIns) DeliverTo(ctx context.Context, to meta.Callback) error {
	return s.call(ctx, http.MethodPut, metaCalls, "callback", nil, to, nil)
}

// Deliver makes one delivery from inside the cluster, signed with an app secret.
func (s *StandIns) Deliver(ctx context.Context, appSecret string, body []byte) (meta.Answer, error) {
	var answer meta.Answer

	err := s.call(ctx, http.MethodPost, metaCalls, "deliver", map[string]string{"appSecret": appSecret}, json.RawMessage(body), &answer)

	return answer, err
}

// Handshake verifies the callback as Meta does, from inside the cluster.
func (s *StandIns) Handshake(ctx context.Context, verifyToken, challenge string) (meta.Answer, error) {
	var answer meta.Answer

	err := s.call(ctx, http.MethodPost, metaCalls, "handshake", map[string]string{"verifyToken": verifyToken, "challenge": challenge}, nil, &answer)

	return answer, err
}

// StartLoad lets people write.
func (s *StandIns) StartLoad(ctx context.Context, wanted meta.Load) error {
	return s.call(ctx, http.MethodPost, metaCalls, "load", nil, wanted, nil)
}

// EndLoad lets nobody write any more.
func (s *StandIns) EndLoad(ctx context.Context) error {
	return s.call(ctx, http.MethodDelete, metaCalls, "load", nil, nil, nil)
}

// Load tells what of the load was acknowledged.
func (s *StandIns) Load(ctx context.Context) (meta.Report, error) {
	var report meta.Report

	err := s.call(ctx, http.MethodGet, metaCalls, "load", nil, nil, &report)

	return report, err
}

func (s *StandIns) call(ctx context.Context, method, service, path string, query map[string]string, request, answer any) error {
	var body []byte
	if request != nil {
		var err error
		if body, err = json.Marshal(request); err != nil {
			return fmt.Errorf("write the request to the stand-in %s: %w", service, err)
		}
	}

	raw, err := s.cluster.Call(ctx, method, "services", s.namespace, service+":http", "_standin/"+path, query, body)
	if err != nil || answer == nil {
		return err
	}

	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("read the answer of the stand-in %s: %w", service, err)
	}

	return nil
}
