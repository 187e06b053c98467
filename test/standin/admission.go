// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// AdmissionPath is the path on which an Admission validates Ingresses.
	AdmissionPath = "/validate"

	maxReview           = 8 << 20
	certificateValidity = 24 * time.Hour
)

// Admission stands in for the validating webhook of ingress-nginx: it denies an Ingress with a host and path that another
// Ingress has. It serves TLS with a certificate that it signs itself, which GET /_standin/authority returns.
type Admission struct {
	mux         *http.ServeMux
	certificate tls.Certificate

	mu     sync.Mutex
	owners map[string]string // by host and path: namespace and name of the Ingress
}

// NewAdmission returns an Admission for the DNS name of its Service, to serve over TLS with net/http.
func NewAdmission(name string) (*Admission, error) {
	certificate, err := selfSigned(name)
	if err != nil {
		return nil, err
	}

	a := &Admission{
		mux:         http.NewServeMux(),
		certificate: certificate,
		owners:      map[string]string{},
	}
	a.mux.HandleFunc("GET "+controlPath+"healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	a.mux.HandleFunc("GET "+controlPath+"authority", func(w http.ResponseWriter, _ *http.Request) {
		_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	})
	a.mux.HandleFunc("POST "+AdmissionPath, a.validate)

	return a, nil
}

// TLS returns the configuration of the server.
func (a *Admission) TLS() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.certificate}, MinVersion: tls.VersionTLS12}
}

// ServeHTTP implements http.Handler.
func (a *Admission) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *Admission) validate(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview

	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxReview)).Decode(&review)
	if err != nil || review.Request == nil {
		http.Error(w, "no AdmissionReview", http.StatusBadRequest)

		return
	}

	review.Response = a.review(review.Request)
	review.Response.UID = review.Request.UID
	review.Request = nil

	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review)
}

// review answers as ingress-nginx does, with 400 and BadRequest.
//
// Source: https://github.com/kubernetes/ingress-nginx/blob/main/internal/admission/controller/main.go
func (a *Admission) review(request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	raw := request.Object.Raw
	if request.Operation == admissionv1.Delete {
		raw = request.OldObject.Raw
	}

	var ingress networkingv1.Ingress
	if err := json.Unmarshal(raw, &ingress); err != nil {
		return denied("decode the Ingress: " + err.Error())
	}

	a.mu.Lock()
	defer a.mu.Unlock()

	owner := request.Namespace + "/" + request.Name
	places := placesOf(ingress)

	if request.Operation != admissionv1.Delete {
		for _, place := range places {
			if other, taken := a.owners[place.key()]; taken && other != owner {
				return denied(fmt.Sprintf("host %q and path %q is already defined in ingress %s", place.host, place.path, other))
			}
		}
	}

	if request.DryRun == nil || !*request.DryRun {
		a.remember(request.Operation, owner, places)
	}

	return &admissionv1.AdmissionResponse{Allowed: true}
}

// remember replaces the places of an Ingress.
func (a *Admission) remember(operation admissionv1.Operation, owner string, places []place) {
	for key, other := range a.owners {
		if other == owner {
			delete(a.owners, key)
		}
	}

	if operation == admissionv1.Delete {
		return
	}

	for _, place := range places {
		a.owners[place.key()] = owner
	}
}

// place is a host and path of an Ingress.
type place struct{ host, path string }

func (p place) key() string { return p.host + p.path }

func placesOf(ingress networkingv1.Ingress) []place {
	var places []place

	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}

		for _, path := range rule.HTTP.Paths {
			places = append(places, place{host: rule.Host, path: path.Path})
		}
	}

	return places
}

func denied(message string) *admissionv1.AdmissionResponse {
	return &admissionv1.AdmissionResponse{Result: &metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusBadRequest,
		Reason:  metav1.StatusReasonBadRequest,
		Message: message,
	}}
}

// selfSigned returns a certificate for a DNS name.
func selfSigned(name string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("generate a key: %w", err)
	}

	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(certificateValidity),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}

	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign a certificate: %w", err)
	}

	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
