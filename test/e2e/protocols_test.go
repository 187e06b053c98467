// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/meta"
)

// everyProtocol runs one resource of each protocol beside the first one, and lets the AI and the desk call the messages API
// through the paths of an Ingress.
func (s *suite) everyProtocol(t *testing.T) {
	s.reset(t)
	s.apply(t, "protocols.yaml")

	webhooks := []string{"waw/bakery", "waw/library", "waw/housing"}
	s.kubectl(t, append(append([]string{"wait", "--for=condition=Ready"}, webhooks...), "--timeout=5m")...)
	logStep(t, "a flow, a model and a bridge are ready:\n%s", s.kubectl(t, "get", "waw,ingress,service"))

	s.answersOfAFlow(t)
	s.answersOfAModel(t)
	s.answersOfPeople(t)
	s.protocolChanged(t)

	s.kubectl(t, append(append([]string{"delete"}, webhooks...), "secret/protocols", "configmap/library", "--wait")...)
	s.reset(t)
	s.deliverTo(t, "sales")
}

// answersOfAFlow gets one answer with the response, and one later.
func (s *suite) answersOfAFlow(t *testing.T) {
	t.Helper()
	s.publish(t, "bakery")

	s.write(t, "573001110001", "Is there bread?")
	s.got(t, "573001110001", "You said: Is there bread?")
	s.write(t, "573001110001", "Tell me later please")
	s.got(t, "573001110001", "You said: Tell me later please")

	asked, err := s.standins.AskedOf(t.Context(), standins.Flow)
	if err != nil {
		t.Fatal(err)
	}

	if len(asked) != 2 || asked[0].Payload["text"] != "Is there bread?" {
		t.Errorf("the flow got %d requests, the first %v", len(asked), asked)
	}

	logStep(t, "the flow answered one message at once, and one by the path /v1/ of the Ingress")
}

// answersOfAModel asks a model with its memory. The first message waits for the instructions, which come without a restart.
func (s *suite) answersOfAModel(t *testing.T) {
	t.Helper()
	s.publish(t, "library")

	const person, instructions = "573001110002", "You are the librarian of the town."

	before := s.pod(t, "library")

	s.write(t, person, "My name is Ana")
	s.eventually(t, func(ctx context.Context) error {
		reported, err := s.status(ctx, "library")
		if err == nil && len(reported.Problems) == 0 {
			err = errors.New("the receiver does not report that the instructions are missing")
		}

		return err
	})

	s.kubectl(t, "create", "configmap", "library", "--from-literal=prompt.md="+instructions)
	// The kubelet updates volumes about once a minute, and whenever a pod changes.
	s.kubectl(t, "annotate", "pod/"+before.Name, "example.com/changed=true")
	s.got(t, person, "You said: My name is Ana")
	s.write(t, person, "Who am I?")
	s.got(t, person, "You said: Who am I?")

	chats, err := s.standins.Chats(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	last := chats[len(chats)-1].Messages
	for role, text := range map[string]string{"system": instructions, "assistant": "My name is Ana"} {
		has := func(m standin.ChatMessage) bool { return m.Role == role && strings.Contains(m.Text, text) }
		if !slices.ContainsFunc(last, has) {
			t.Errorf("the model got %+v; want %q of the role %s in it", last, text, role)
		}
	}

	s.sameProcess(t, "library", before)
	logStep(t, "the model has its instructions without a restart, and remembers the conversation")
}

// answersOfPeople hands a conversation over, and lets the desk answer by the path /v1/ of the Ingress.
func (s *suite) answersOfPeople(t *testing.T) {
	t.Helper()
	s.publish(t, "housing")

	const person = "573001110003"

	s.write(t, person, "A person please")
	s.got(t, person, "One moment, a colleague will write to you.")
	s.write(t, person, "My heating is cold")
	s.got(t, person, "A colleague says: My heating is cold")

	asked, err := s.standins.AskedOf(t.Context(), standins.Desk)
	if err != nil {
		t.Fatal(err)
	}

	methods := map[string]int{}
	for _, call := range asked {
		methods[call.Method]++
	}

	if methods[standin.HandedOff] != 1 || methods[standin.HumanMessage] != 1 {
		t.Errorf("the desk got the requests %v", methods)
	}

	logStep(t, "the desk got the conversation and answered: %v", methods)
}

// protocolChanged goes from a bridge that refuses its key to a flow. The flow answers the message that waits.
func (s *suite) protocolChanged(t *testing.T) {
	t.Helper()

	fault := map[string]any{"pathPrefix": "/v1/messages/", "status": http.StatusUnauthorized}
	if err := s.standins.AddFault(t.Context(), standins.Bird, fault); err != nil {
		t.Fatal(err)
	}

	const person, question = "573001110004", "Who answers this?"

	before := s.pod(t, "housing")

	s.write(t, person, question)
	s.patch(t, "waw/housing", `{"spec":{"bird":{
		"protocol": "Flow",
		"baseURL": "http://flow.standins.svc/webhooks/5f0c1e9a/f81d4fae",
		"accessKeySecretRef": {"name": "protocols", "key": "flow"},
		"flow": {"signingKeySecretRef": {"name": "protocols", "key": "flow-signing"}}
	}}}`)
	s.anotherPod(t, "housing", before.UID)
	s.got(t, person, "You said: "+question)

	if err := s.standins.ClearFaults(t.Context(), standins.Bird); err != nil {
		t.Fatal(err)
	}

	logStep(t, "the flow answered a message that the bridge had not")
}

// publish has the ingress controller serve the Ingress of a WhatsAppWebhook, and Meta deliver to it.
func (s *suite) publish(t *testing.T, webhook string) {
	t.Helper()

	var ingress networkingv1.Ingress
	if err := s.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: webhook}, &ingress); err != nil {
		t.Fatal(err)
	}

	var rules []standin.IngressRule

	rule := ingress.Spec.Rules[0]
	for _, path := range rule.HTTP.Paths {
		rules = append(rules, standin.IngressRule{
			Host:    rule.Host,
			Path:    path.Path,
			Prefix:  *path.PathType == networkingv1.PathTypePrefix,
			Backend: s.backend(t, path.Backend.Service),
		})
	}

	if err := s.standins.SetIngress(t.Context(), rules); err != nil {
		t.Fatal(err)
	}

	to := meta.Callback{
		URL:       "http://" + rule.Host + "/webhooks/" + webhook,
		AppSecret: s.appSecret,
	}
	if err := s.standins.DeliverTo(t.Context(), to); err != nil {
		t.Fatal(err)
	}

	// A Service routes to a pod only some time after the pod is ready.
	s.answered(t, s.appSecret, http.StatusOK)
}

// backend returns the URL of a Service that an Ingress names, with the number of its port.
func (s *suite) backend(t *testing.T, to *networkingv1.IngressServiceBackend) string {
	t.Helper()

	port := s.kubectl(t, "get", "service/"+to.Name, "--output=jsonpath={.spec.ports[?(@.name=='"+to.Port.Name+"')].port}")
	if port == "" {
		t.Fatalf("the Service %s has no port %s", to.Name, to.Port.Name)
	}

	return "http://" + to.Name + "." + namespace + ".svc:" + port
}

// write delivers a text of a person.
func (s *suite) write(t *testing.T, person, text string) {
	t.Helper()

	if err := s.tryWrite(t.Context(), person, text); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) tryWrite(ctx context.Context, person, text string) error {
	now := time.Now()
	id := standin.Wamid(fmt.Sprint(person, text, now.UnixNano()))

	answer, err := s.standins.Deliver(ctx, s.appSecret, standin.TextDelivery(standins.PhoneNumberID, person, "Ana", id, text, now))
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("the delivery is answered %+v", answer)
	}

	return err
}

// got waits until a person has got a text, and fails the test if it came twice.
func (s *suite) got(t *testing.T, person, text string) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) error {
		sent, err := s.standins.Sent(ctx)
		if err != nil {
			return err
		}

		var texts []string
		for _, message := range sent {
			if message.To == "+"+person {
				texts = append(texts, message.Text)
			}
		}

		switch n := count(texts, text); {
		case n == 0:
			return fmt.Errorf("the person got %q, want %q", texts, text)
		case n > 1:
			t.Fatalf("the person got %q %d times", text, n)
		}

		return nil
	})
}

func count(texts []string, text string) int {
	n := 0
	for _, one := range texts {
		if one == text {
			n++
		}
	}

	return n
}

// reset empties the records of the stand-ins.
func (s *suite) reset(t *testing.T) {
	t.Helper()

	if err := s.standins.ResetRecords(t.Context()); err != nil {
		t.Fatal(err)
	}
}
