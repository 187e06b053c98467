// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jonboulle/clockwork"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// progressing are the conditions of a resource without pods whose objects are all applied.
func progressing(others map[string]string) map[string]string {
	wanted := map[string]string{
		"Ready":       "False Progressing",
		"Reconciling": "True Progressing",
		"Available":   "False Progressing",
	}
	maps.Copy(wanted, others)

	return wanted
}

// stalled are the conditions of a resource that a person has to fix.
func stalled(reason string, others map[string]string) map[string]string {
	wanted := map[string]string{
		"Ready":     "False " + reason,
		"Stalled":   "True " + reason,
		"Available": "False Progressing",
	}
	maps.Copy(wanted, others)

	return wanted
}

// wantMessage fails the test if the message of Ready lacks one of the parts.
func wantMessage(t *testing.T, webhook *v1alpha1.WhatsAppWebhook, parts ...string) {
	t.Helper()

	for _, part := range parts {
		if message := readyMessage(webhook); !strings.Contains(message, part) {
			t.Errorf("the message lacks %q: %s", part, message)
		}
	}
}

// TestMovedHost moves a number to another namespace under an admission webhook that denies an Ingress whose host another
// one has, with the answer of ingress-nginx.
func TestMovedHost(t *testing.T) {
	t.Parallel()

	from := newWebhook(testCluster.NewNamespace(t), "sales")
	to := newWebhook(testCluster.NewNamespace(t), "sales")
	host := from.Namespace + ".example.com"
	from.Spec.Ingress.Host = host
	to.Spec.Ingress.Host = host

	denyWith(t, to.Namespace, func(request *admissionv1.AdmissionRequest) *metav1.Status {
		ingresses := &networkingv1.IngressList{}
		if err := testCluster.List(t.Context(), ingresses); err != nil {
			return &metav1.Status{Message: err.Error()}
		}

		for _, other := range ingresses.Items {
			if other.Namespace != request.Namespace && len(other.Spec.Rules) > 0 && other.Spec.Rules[0].Host == host {
				return &metav1.Status{
					Code:    http.StatusBadRequest,
					Reason:  metav1.StatusReasonBadRequest,
					Message: fmt.Sprintf("host %q and path %q is already defined in ingress %s/%s", host, "/webhooks/whatsapp", other.Namespace, other.Name),
				}
			}
		}

		return nil
	})

	exposed := map[string]string{"Exposed": "False AddressPending"}

	testCluster.MustCreate(t, from)
	apiserver.Eventually(t, wantConditions(t, from, progressing(exposed)))

	testCluster.MustCreate(t, to)
	apiserver.Eventually(t, wantConditions(t, to, stalled("AdmissionDenied", exposed)))
	wantMessage(t, to,
		fmt.Sprintf(`Ingress sales was denied: admission webhook "ingress.example.com" denied the request: host %q`, host),
		"is already defined in ingress "+from.Namespace+"/sales")

	if err := testCluster.Delete(t.Context(), from); err != nil {
		t.Fatal(err)
	}

	// Garbage collection does not run here. It would delete the Ingress with the resource, and once more if the operator applied
	// it again before its cache had the deletion of the resource.
	reconciled := wantConditions(t, to, progressing(exposed))

	apiserver.Eventually(t, func() error {
		err := testCluster.Delete(t.Context(), &networkingv1.Ingress{ObjectMeta: named(from, "sales")})

		return errors.Join(client.IgnoreNotFound(err), reconciled())
	})

	apiserver.MustGet(t, testCluster.Server, &networkingv1.Ingress{ObjectMeta: named(to, "sales")})
	apiserver.Eventually(t, wantEvents(t, to, "Warning AdmissionDenied"))
}

// denyWith registers an admission webhook for the Ingresses of a namespace. It denies with the status that deny returns.
func denyWith(t *testing.T, namespace string, deny func(*admissionv1.AdmissionRequest) *metav1.Status) {
	t.Helper()

	var called atomic.Bool

	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		review := &admissionv1.AdmissionReview{}
		if err := json.NewDecoder(r.Body).Decode(review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}

		called.Store(true)

		denial := deny(review.Request)
		review.Response = &admissionv1.AdmissionResponse{
			UID:     review.Request.UID,
			Allowed: denial == nil,
			Result:  denial,
		}

		_ = json.NewEncoder(w).Encode(review) // the API server reports an answer that it cannot read
	}))
	t.Cleanup(server.Close)

	create(t, &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "ingress.example.com",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				URL:      new(server.URL),
				CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
			},
			Rules:                   []admissionregistrationv1.RuleWithOperations{writes("networking.k8s.io", "v1", "ingresses")},
			NamespaceSelector:       onlyIn(namespace),
			SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
		}},
	})

	trial := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "trial"},
		Spec: networkingv1.IngressSpec{
			Rules: []networkingv1.IngressRule{{Host: "trial.example.com"}},
		},
	}
	apiserver.Eventually(t, func() error {
		_ = testCluster.Create(t.Context(), trial.DeepCopy(), client.DryRunAll)

		return want(called.Load(), true)
	})
}

func writes(group, version, resource string) admissionregistrationv1.RuleWithOperations {
	return admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
		Rule: admissionregistrationv1.Rule{
			APIGroups:   []string{group},
			APIVersions: []string{version},
			Resources:   []string{resource},
		},
	}
}

func onlyIn(namespace string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}
}

// create creates an object outside the test's namespace, and deletes it when the test ends.
func create(t *testing.T, object client.Object) {
	t.Helper()

	testCluster.MustCreate(t, object)
	t.Cleanup(func() {
		err := testCluster.Delete(context.WithoutCancel(t.Context()), object)
		if client.IgnoreNotFound(err) != nil {
			t.Errorf("delete %s: %v", object.GetName(), err)
		}
	})
}

func TestDenialByPolicyEnds(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")

	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: webhook.Namespace},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{
				NamespaceSelector: onlyIn(webhook.Namespace),
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{
					{RuleWithOperations: writes("", "v1", "services")},
					{RuleWithOperations: writes("apps", "v1", "deployments")},
				},
			},
			Validations: []admissionregistrationv1.Validation{{
				Expression: "has(object.metadata.labels) && 'team' in object.metadata.labels",
				Message:    "label team is required",
			}},
		},
	}
	create(t, policy)
	create(t, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: policy.Name},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName:        policy.Name,
			ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	})

	trial := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: "trial"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}},
	}
	apiserver.Eventually(t, func() error {
		return want(testCluster.Create(t.Context(), trial.DeepCopy(), client.DryRunAll) != nil, true)
	})

	testCluster.MustCreate(t, webhook)
	apiserver.Eventually(t, wantConditions(t, webhook, stalled("AdmissionDenied", nil)))
	wantMessage(t, webhook, "Deployment sales was denied: ", "denied request: label team is required;")

	if strings.Contains(readyMessage(webhook), ": :") {
		t.Errorf("the message has an empty part: %s", readyMessage(webhook))
	}

	if err := testCluster.Delete(t.Context(), policy); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
}

func TestExceededQuota(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(testCluster.NewNamespace(t), "sales")

	quota := limitStorage(t, webhook.Namespace, "5Gi")
	testCluster.MustCreate(t, webhook)
	apiserver.Eventually(t, wantConditions(t, webhook, stalled("QuotaExceeded", nil)))
	wantMessage(t, webhook,
		"PersistentVolumeClaim sales-store exceeds a quota of the namespace: ",
		"exceeded quota: storage, requested: requests.storage=10Gi, used: requests.storage=0, limited: requests.storage=5Gi")

	if err := testCluster.Delete(t.Context(), quota); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, wantConditions(t, webhook, progressing(nil)))
}

// limitStorage creates a quota for the volumes of a namespace, and waits until it is enforced.
func limitStorage(t *testing.T, namespace, size string) *corev1.ResourceQuota {
	t.Helper()

	limit := corev1.ResourceList{corev1.ResourceRequestsStorage: resource.MustParse(size)}
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "storage"},
		Spec:       corev1.ResourceQuotaSpec{Hard: limit},
	}
	testCluster.MustCreate(t, quota)

	// The controller that fills in the status does not run here.
	quota.Status = corev1.ResourceQuotaStatus{
		Hard: limit,
		Used: corev1.ResourceList{corev1.ResourceRequestsStorage: resource.MustParse("0")},
	}
	if err := testCluster.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, func() error {
		err := testCluster.Create(t.Context(), claim(namespace, "trial", "1Ti"), client.DryRunAll)

		return want(err != nil && strings.Contains(err.Error(), "exceeded quota"), true)
	})

	return quota
}

func claim(namespace, name, size string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)},
			},
		},
	}
}

// TestMissingRight applies an object as a user who has no rights.
func TestMissingRight(t *testing.T) {
	t.Parallel()

	user, err := testCluster.Environment.AddUser(envtest.User{Name: "powerless"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	powerless, err := client.New(user.Config(), client.Options{Scheme: testCluster.Scheme()})
	if err != nil {
		t.Fatal(err)
	}

	webhook := newWebhook(testCluster.NewNamespace(t), "sales")
	webhook.UID = "b7a4f1a0-4f2c-4f57-9d1e-5f0f7b1a9a11"

	_, err = applyWith(t, apply.New(powerless, testCluster.Client, clockwork.NewRealClock()), webhook, rendered(t, webhook, "Service", "sales"))

	got := newFailure("Service sales", err)
	if got.reason != v1alpha1.ReasonApplyFailed || !strings.Contains(got.message, `the operator lacks a right: `) ||
		!strings.Contains(got.message, `User "powerless" cannot get resource "services"`) {
		t.Errorf("%s: %s", got.reason, got.message)
	}
}
