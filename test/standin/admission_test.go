// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// TestAdmissionDeniesADuplicate has two Ingresses ask for one host and path, over TLS.
func TestAdmissionDeniesADuplicate(t *testing.T) {
	admission, err := NewAdmission("example.com") // the name that the client of httptest asks for
	if err != nil {
		t.Fatal(err)
	}

	server := httptest.NewUnstartedServer(admission)
	server.TLS = admission.TLS()
	server.StartTLS()
	t.Cleanup(server.Close)

	client := server.Client()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client.Transport.(*http.Transport).TLSClientConfig.RootCAs = roots
	client.Transport.(*http.Transport).TLSClientConfig.ServerName = "example.com"

	review := func(operation admissionv1.Operation, namespace string, dryRun bool) *admissionv1.AdmissionResponse {
		object := runtime.RawExtension{Raw: encode(t, networkingv1.Ingress{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sales"},
			Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
				Host: "hooks.example.com",
				IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
					Paths: []networkingv1.HTTPIngressPath{{Path: "/webhooks/whatsapp"}},
				}},
			}}},
		})}
		request := &admissionv1.AdmissionRequest{
			UID:       types.UID("1"),
			Namespace: namespace,
			Name:      "sales",
			Operation: operation,
			DryRun:    new(dryRun),
		}

		if operation == admissionv1.Delete {
			request.OldObject = object
		} else {
			request.Object = object
		}

		return post(t, client, server.URL+AdmissionPath, admissionv1.AdmissionReview{Request: request})
	}

	for _, step := range []struct {
		name      string
		operation admissionv1.Operation
		namespace string
		dryRun    bool
		allowed   bool
	}{
		{"tried by another namespace", admissionv1.Create, "new", true, true},
		{"created", admissionv1.Create, "old", false, true},
		{"updated", admissionv1.Update, "old", false, true},
		{"created again elsewhere", admissionv1.Create, "new", false, false},
		{"deleted", admissionv1.Delete, "old", false, true},
		{"created elsewhere", admissionv1.Create, "new", false, true},
	} {
		response := review(step.operation, step.namespace, step.dryRun)
		if response.Allowed != step.allowed || response.UID != "1" {
			t.Errorf("%s: %+v, want allowed %t", step.name, response, step.allowed)
		}

		if !step.allowed && (response.Result.Code != http.StatusBadRequest ||
			response.Result.Message != `host "hooks.example.com" and path "/webhooks/whatsapp" is already defined in ingress old/sales`) {
			t.Errorf("%s: denied with %+v", step.name, response.Result)
		}
	}
}

func encode(t *testing.T, value any) []byte {
	t.Helper()

	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}

	return data
}

func post(t *testing.T, client *http.Client, url string, review admissionv1.AdmissionReview) *admissionv1.AdmissionResponse {
	t.Helper()

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(encode(t, review)))
	if err != nil {
		t.Fatal(err)
	}

	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}

	var answered admissionv1.AdmissionReview
	if err := json.Unmarshal(data, &answered); err != nil {
		t.Fatalf("%d: %v: %s", response.StatusCode, err, data)
	}

	return answered.Response
}
