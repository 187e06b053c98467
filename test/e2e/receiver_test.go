// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// oneConversation runs the path once: handshake, message, answer, statuses, and the same message again.
func (s *suite) oneConversation(t *testing.T) {
	ctx := t.Context()
	s.deliverTo(t, "sales")
	// A Service routes to a pod only some time after the pod is ready.
	s.eventually(t, func(ctx context.Context) error {
		answer, err := s.standins.Handshake(ctx, standins.VerifyToken, "1158201444")
		if err == nil && (answer.Status != http.StatusOK || answer.Body != "1158201444") {
			err = fmt.Errorf("the handshake is answered %+v", answer)
		}

		return err
	})

	answer, err := s.standins.Handshake(ctx, "a guess", "1158201444")
	if err != nil || answer.Status != http.StatusForbidden {
		t.Errorf("a handshake with a wrong token is answered %+v, %v", answer, err)
	}

	const person, question = "573001234567", "Do you open on Sundays?"

	id := standin.Wamid(t.Name())

	delivery := standin.TextDelivery(standins.PhoneNumberID, person, "Ana", id, question, time.Now())

	answer, err = s.standins.Deliver(ctx, "not the app secret", delivery)
	if err != nil || answer.Status != http.StatusUnauthorized {
		t.Errorf("a delivery with an invalid signature is answered %+v, %v", answer, err)
	}

	for range 3 {
		answer, err := s.standins.Deliver(ctx, standins.AppSecret, delivery)
		if err != nil || answer.Status != http.StatusOK {
			t.Fatalf("the delivery is answered %+v, %v", answer, err)
		}
	}

	logStep(t, "one message was delivered three times and answered 200")
	s.eventually(t, func(ctx context.Context) error {
		load, err := s.standins.Load(ctx)
		if err == nil && load.Statuses.Posted < 3 {
			err = fmt.Errorf("the receiver accepted %d statuses of its answer", load.Statuses.Posted)
		}

		return err
	})
	s.eventually(t, func(ctx context.Context) error {
		metrics, err := s.metrics(ctx, "sales")
		for _, want := range []string{
			`whatsapp_messages_received_total{type="text"} 1`,
			`whatsapp_duplicates_total{kind="message"} 2`,
			`whatsapp_statuses_total{status="read"} 1`,
		} {
			if err == nil && !strings.Contains(metrics, want) {
				err = fmt.Errorf("the metrics have no line %s", want)
			}
		}

		return err
	})

	sent, err := s.standins.Sent(ctx)
	if err != nil {
		t.Fatal(err)
	}

	if len(sent) != 1 || sent[0].To != "+"+person ||
		sent[0].Text != "You said: "+question || sent[0].ContextID != id {
		t.Fatalf("the person got %+v", sent)
	}

	asked, err := s.standins.Asked(ctx)
	if err != nil {
		t.Fatal(err)
	}

	methods := map[string]int{}
	for _, call := range asked {
		methods[call.Method]++
	}

	want := map[string]int{"process_text_message": 1, "notify_bird_status_change": 3}
	if !maps.Equal(want, methods) {
		t.Errorf("Bird got the requests %v, want %v", methods, want)
	}

	s.eventually(t, func(ctx context.Context) error {
		webhook, err := s.webhook(ctx, "sales")
		if err == nil && (webhook.Status.Pending == nil || *webhook.Status.Pending != 0) {
			err = errors.New("status.pending is not 0")
		}

		return err
	})
	r := &s.rows[len(s.rows)-1]
	r.acknowledged = 1
	r.stored = stored(asked)
	r.sent = len(sent)
	logStep(t, "the person got %q; Bird got the requests %v; status.pending is 0", sent[0].Text, methods)
}

func (s *suite) metrics(ctx context.Context, webhook string) (string, error) {
	pods, err := s.pods(ctx, webhook)
	if err != nil || len(pods) == 0 {
		return "", fmt.Errorf("%d pods: %w", len(pods), err)
	}

	raw, err := s.Call(ctx, http.MethodGet, "pods", namespace, pods[0].Name+":9090", "metrics", nil, nil)

	return string(raw), err
}

// receiverKilled kills the process several times under load.
func (s *suite) receiverKilled(t *testing.T) {
	s.underLoad(t, "sales", func() {
		for range 3 {
			before := s.pod(t, "sales")
			s.kill(t, before)
			logStep(t, "kill -9 of the receiver")
			s.eventually(t, func(ctx context.Context) error {
				pods, err := s.pods(ctx, "sales")
				if err == nil &&
					(len(pods) != 1 || restarts(pods[0]) == restarts(before) || !ready(pods[0])) {
					err = fmt.Errorf("the receiver has not restarted: %s", phases(pods))
				}

				return err
			})

			if now := s.pod(t, "sales"); now.UID != before.UID {
				t.Error("the pod was replaced")
			}

			logStep(t, "it has restarted in the same pod")
			s.waitForMessages(t)
		}
	})
}

// kill sends SIGKILL to the process of a pod's only container.
func (s *suite) kill(t *testing.T, pod corev1.Pod) {
	t.Helper()

	id := strings.TrimPrefix(pod.Status.ContainerStatuses[0].ContainerID, "containerd://")

	_, err := s.Node(
		t.Context(),
		"exec",
		"ctr",
		"--namespace=k8s.io",
		"tasks",
		"kill",
		"--signal=SIGKILL",
		id,
	)
	if err != nil {
		t.Fatal(err)
	}
}

func (s *suite) receiverRolled(t *testing.T) {
	s.underLoad(t, "sales", func() {
		before := s.pod(t, "sales")
		logStep(t, "kubectl rollout restart")
		s.kubectl(t, "rollout", "restart", "deployment/sales")
		s.anotherPod(t, "sales", before.UID)
		logStep(t, "a new pod is ready")
	})
}

// appSecretRotated rotates the app secret as documented. The running receiver reloads it.
func (s *suite) appSecretRotated(t *testing.T) {
	const next = "the-next-app-secret"

	old := s.appSecret
	before := s.pod(t, "sales")
	load := s.underLoad(t, "sales", func() {
		patch := func(key, value string) {
			s.patch(t, "secret/sales-whatsapp", fmt.Sprintf(`{"stringData":{%q:%q}}`, key, value))
		}
		patch("next-app-secret", next)
		logStep(t, "the next app secret is in the Secret")
		s.answered(t, next, http.StatusOK)
		s.answered(t, old, http.StatusOK)
		logStep(t, "the receiver accepts both; Meta now signs with the next one")

		s.appSecret = next
		s.deliverTo(t, "sales")
		patch("app-secret", next)
		logStep(t, "the old one is removed")
		s.answered(t, old, http.StatusUnauthorized)
		logStep(t, "the receiver rejects the old one")
	})
	s.sameProcess(t, "sales", before)
	refusedNothing(t, load, "during the rotation")
}

// answered waits until an empty delivery, signed with an app secret, is answered with a status.
func (s *suite) answered(t *testing.T, appSecret string, want int) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) error {
		answer, err := s.standins.Deliver(
			ctx,
			appSecret,
			[]byte(`{"object":"whatsapp_business_account","entry":[]}`),
		)
		if err == nil && answer.Status != want {
			err = fmt.Errorf("a delivery is answered %d, want %d", answer.Status, want)
		}

		return err
	})
}

// configurationChanged changes a setting that the running receiver takes over, and a setting that it reads at start.
func (s *suite) configurationChanged(t *testing.T) {
	s.underLoad(t, "sales", func() {
		before := s.pod(t, "sales")
		logStep(t, "change processing.retry.maxRetries")
		s.patch(t, "waw/sales", `{"spec":{"processing":{"retry":{"maxRetries":5}}}}`)
		s.conditions(t, "sales", map[string]string{v1alpha1.ConditionReady: "True/" + v1alpha1.ReasonReady})
		s.sameProcess(t, "sales", before)
		logStep(t, "the receiver runs on; change receiver.logLevel")
		s.patch(t, "waw/sales", `{"spec":{"receiver":{"logLevel":"Debug"}}}`)
		s.anotherPod(t, "sales", before.UID)
		s.conditions(t, "sales", map[string]string{v1alpha1.ConditionReady: "True/" + v1alpha1.ReasonReady})
		logStep(t, "a new pod is ready, with the changes")
	})
}

// birdDown has Bird fail for a minute. Messages are acknowledged meanwhile, and answered when Bird works again.
func (s *suite) birdDown(t *testing.T) {
	load := s.underLoad(t, "sales", func() {
		if err := s.standins.ClearFaults(t.Context(), standins.Bird); err != nil {
			t.Fatal(err)
		}

		fault := map[string]any{"status": http.StatusServiceUnavailable}
		if err := s.standins.AddFault(t.Context(), standins.Bird, fault); err != nil {
			t.Fatal(err)
		}

		logStep(t, "Bird answers 503")

		select {
		case <-time.After(time.Minute):
		case <-t.Context().Done():
		}

		reported, err := s.status(t.Context(), "sales")
		if err != nil {
			t.Fatal(err)
		}

		logStep(t, "a minute later %d events are pending; Bird works again, without delay", reported.Pending)

		if err := s.standins.ClearFaults(t.Context(), standins.Bird); err != nil {
			t.Fatal(err)
		}
	})
	refusedNothing(t, load, "while Bird was down")
}

func (s *suite) kubeletRestarted(t *testing.T) {
	before := s.pod(t, "sales")
	s.underLoad(t, "sales", func() {
		if _, err := s.Node(t.Context(), "restart", "kubelet"); err != nil {
			t.Fatal(err)
		}

		logStep(t, "kubelet is restarted")
		s.kubectl(t, "wait", "--for=condition=Ready", "node", "--all", "--timeout=5m")
	})
	s.sameProcess(t, "sales", before)
}

func (s *suite) scaledToZero(t *testing.T) {
	s.underLoad(t, "sales", func() {
		s.kubectl(t, "scale", "waw/sales", "--replicas=0")
		s.conditions(
			t,
			"sales",
			map[string]string{v1alpha1.ConditionReady: "False/" + v1alpha1.ReasonScaledToZero},
		)
		s.eventually(t, func(ctx context.Context) error {
			pods, err := s.pods(ctx, "sales")
			if err == nil && len(pods) > 0 {
				err = fmt.Errorf("pods still exist: %s", phases(pods))
			}

			return err
		})
		logStep(t, "scaled to zero")
		s.kubectl(t, "scale", "waw/sales", "--replicas=1")
		s.pod(t, "sales")
		logStep(t, "scaled to one")
	})
}

// deletedAndApplied deletes the resource with its volume after all events are processed, and applies it again. Messages
// written in between are answered too, since Meta redelivers them.
func (s *suite) deletedAndApplied(t *testing.T) {
	s.kubectl(t, "delete", "waw/sales", "--wait")
	s.nothingLeft(t)
	logStep(t, "the resource and its objects are deleted")
	s.startWriting(t, "sales")
	s.apply(t, "webhook.yaml")
	s.kubectl(t, "wait", "--for=condition=Ready", "waw/sales", "--timeout=5m")
	logStep(t, "applied again and ready")
	s.waitForMessages(t)
	s.verify(t, "sales")
}
