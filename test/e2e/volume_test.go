// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wawebhook/whatsapp-webhook-operator/test/e2e/standins"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// volumeRetained deletes a resource whose volume stays, and goes on with that volume twice: with a resource of the same name,
// and with another one that refers to the claim. Both know the message that the first one answered.
func (s *suite) volumeRetained(t *testing.T) {
	s.reset(t)
	s.patch(t, "waw/sales", `{"spec":{"store":{"embedded":{"whenDeleted":"Retain"}}}}`)
	s.isReady(t, namespace, "sales")

	question := s.ask(t, "Is my order here?")
	claim := s.claim(t)

	s.kubectl(t, "delete", "waw/sales", "--wait")
	s.onlyTheClaimIsLeft(t)
	logStep(t, "the resource is deleted, its volume stays:\n%s", s.kubectl(t, "get", "pvc"))

	s.apply(t, "webhook.yaml")
	s.patch(t, "waw/sales", `{"spec":{"store":{"embedded":{"whenDeleted":"Retain"}}}}`)
	s.isReady(t, namespace, "sales")

	if again := s.claim(t); again != claim {
		t.Errorf("the claim is %s, want %s", again, claim)
	}

	s.knows(t, "sales", question)
	logStep(t, "a resource of the same name goes on with the volume")

	s.kubectl(t, "delete", "waw/sales", "--wait")
	s.onlyTheClaimIsLeft(t)
	s.apply(t, "restored.yaml")
	s.isReady(t, namespace, "restored")
	s.knows(t, "restored", question)
	s.kubectl(t, "delete", "waw/restored", "--wait")
	s.onlyTheClaimIsLeft(t)
	logStep(t, "another resource used the volume through existingClaim, and left it")

	s.apply(t, "webhook.yaml") // whenDeleted is Delete again
	s.isReady(t, namespace, "sales")
	s.knows(t, "sales", question)
	s.kubectl(t, "delete", "waw/sales", "--wait")
	s.nothingLeft(t)
	logStep(t, "with whenDeleted Delete the volume is deleted with the resource")

	s.apply(t, "webhook.yaml")
	s.isReady(t, namespace, "sales")
	s.deliverTo(t, "sales")
}

// ask delivers a question, waits for its answer and returns the delivery.
func (s *suite) ask(t *testing.T, text string) []byte {
	t.Helper()

	const person = "573001234599"

	delivery := standin.TextDelivery(standins.PhoneNumberID, person, "Ana", standin.Wamid(t.Name()), text, time.Now())

	s.deliverEventually(t, delivery)
	s.got(t, person, "You said: "+text)

	return delivery
}

// knows redelivers a question to a receiver, which must recognize it and not answer again.
func (s *suite) knows(t *testing.T, webhook string, question []byte) {
	t.Helper()
	s.deliverTo(t, webhook)
	s.deliverEventually(t, question)
	s.eventually(t, func(ctx context.Context) error {
		metrics, err := s.metrics(ctx, webhook)
		if err == nil && !strings.Contains(metrics, `whatsapp_duplicates_total{kind="message"} 1`) {
			err = fmt.Errorf("%s has not recognized the message", webhook)
		}

		return err
	})

	sent, err := s.standins.Sent(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if len(sent) != 1 {
		t.Errorf("%d answers were sent, want 1", len(sent))
	}
}

// deliverEventually delivers until it is answered 200: a Service routes to a pod only some time after the pod is ready.
func (s *suite) deliverEventually(t *testing.T, delivery []byte) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) error {
		answer, err := s.standins.Deliver(ctx, s.appSecret, delivery)
		if err == nil && answer.Status != http.StatusOK {
			err = fmt.Errorf("the delivery is answered %+v", answer)
		}

		return err
	})
}

// claim returns the UID of the claim of sales.
func (s *suite) claim(t *testing.T) types.UID {
	t.Helper()

	var claim corev1.PersistentVolumeClaim
	if err := s.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "sales-store"}, &claim); err != nil {
		t.Fatal(err)
	}

	return claim.UID
}

// onlyTheClaimIsLeft waits until the claim of sales and its volume are the only objects.
func (s *suite) onlyTheClaimIsLeft(t *testing.T) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) error {
		found, err := s.leftover(ctx)
		if err != nil {
			return err
		}

		rest := slices.DeleteFunc(found, func(name string) bool {
			return name == "PersistentVolumeClaim/sales-store" || strings.HasPrefix(name, "PersistentVolume/")
		})
		if len(rest) > 0 {
			return fmt.Errorf("objects still exist: %s", strings.Join(rest, ", "))
		}

		var claim corev1.PersistentVolumeClaim

		err = s.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "sales-store"}, &claim)
		if apierrors.IsNotFound(err) || (err == nil && claim.DeletionTimestamp != nil) {
			t.Fatal("the claim is deleted")
		}

		return err
	})
}
