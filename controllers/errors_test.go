// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
)

var (
	errConflict = &apply.NotOwnedError{Kind: "Service", Name: "sales", Owner: "Deployment shop"}
	errInvalid  = apierrors.NewInvalid(schema.GroupKind{Kind: "Service"}, "sales", field.ErrorList{field.Invalid(field.NewPath("spec", "ports"), "x", "must be a number\n@@ -1 +1 @@")})
	errQuota    = forbidden("exceeded quota: services=5")
	errRight    = forbidden(`User "operator" cannot patch resource "services" in API group "" in the namespace "shop"`)
	errLimit    = forbidden("minimum storage usage per PersistentVolumeClaim is 10Gi, but request is 1Gi")
	errTimeout  = apierrors.NewServerTimeout(schema.GroupResource{Resource: "services"}, "patch", 1)
	errWebhook  = apierrors.NewInternalError(errors.New(`failed calling webhook "check.example.com": connection refused`))
	errNetwork  = errors.New("dial tcp 192.0.2.1:443: connection refused")
	// A webhook chooses the code and the reason.
	errDenied = status(http.StatusBadRequest, metav1.StatusReasonBadRequest, "admission webhook \"check.example.com\" denied the request: \n\nlabel:\n  team is required")
	errPolicy = status(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "services \"sales\" is forbidden: ValidatingAdmissionPolicy 'team' with binding 'team' denied request: no team")
)

func forbidden(message string) *apierrors.StatusError {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "sales", errors.New(message))
}

// terminating returns what the API server answers to the creation of an object in a namespace that is being deleted.
func terminating() *apierrors.StatusError {
	err := forbidden("the namespace is being terminated")
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}

	return err
}

func status(code int32, reason metav1.StatusReason, message string) *apierrors.StatusError {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    code,
		Reason:  reason,
		Message: message,
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Message: message}}}, // of a policy, without a field
	}}
}

func TestFailures(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		err             error
		reason, message string
	}{
		"name taken": {
			errConflict, "NameConflict",
			"Service sales exists and belongs to Deployment shop, so the operator does not change it; rename this resource, or delete or rename that object",
		},
		"being deleted": {
			&apply.BeingDeletedError{Kind: "Service", Name: "sales"}, "Progressing",
			"Service sales is still being deleted, and is created again once it is gone",
		},
		"being deleted with a former resource": {
			&apply.BeingDeletedError{
				Kind:   "PersistentVolumeClaim",
				Name:   "sales-store",
				Former: true,
			},
			"Progressing", "Service sales of a former resource is still being deleted",
		},
		"claim of another owner": {
			&apply.NotOwnedError{Kind: "PersistentVolumeClaim", Name: "sales-store", Owner: "the Helm release shop"}, "NameConflict",
			"Service sales exists and belongs to the Helm release shop, so the operator does not change it; rename this resource, or, if that claim " +
				"is meant for it, name the claim in store.embedded.existingClaim",
		},
		"namespace being deleted": {
			terminating(), "Progressing",
			"Service sales: the namespace is being deleted, so nothing is created in it any more",
		},
		"invalid": {
			errInvalid, "ObjectRejected",
			`Service sales was rejected by the API server: spec.ports: Invalid value: "x": must be a number; correct the spec of this resource`,
		},
		"invalid without a field": {
			status(http.StatusBadRequest, metav1.StatusReasonBadRequest, "no such version"), "ObjectRejected",
			"Service sales was rejected by the API server: no such version; correct the spec of this resource",
		},
		"webhook": {
			errDenied, "AdmissionDenied",
			`Service sales was denied: admission webhook "check.example.com" denied the request: label: team is required; change the named object or the policy; will retry`,
		},
		"policy": {
			errPolicy, "AdmissionDenied",
			`Service sales was denied: services "sales" is forbidden: ValidatingAdmissionPolicy 'team' with binding 'team' denied request: no team; change the named object or the policy; will retry`,
		},
		"admission plugin": {
			errLimit, "AdmissionDenied",
			`Service sales was denied: services "sales" is forbidden: minimum storage usage per PersistentVolumeClaim is 10Gi, but request is 1Gi; change the named object or the policy; will retry`,
		},
		"quota": {
			errQuota, "QuotaExceeded",
			`Service sales exceeds a quota of the namespace: services "sales" is forbidden: exceeded quota: services=5; raise the quota, or request less; will retry`,
		},
		"right": {
			errRight, "ApplyFailed",
			`Service sales: the operator lacks a right: services "sales" is forbidden: User "operator" cannot patch resource "services" in API group "" in the namespace "shop"; grant it the rights of its release; will retry`,
		},
		"webhook that does not answer": {
			errWebhook, "ApplyFailed",
			`Service sales: the API server returned InternalError: Internal error occurred: failed calling webhook "check.example.com": connection refused; will retry`,
		},
		"no response": {errNetwork, "ApplyFailed", "Service sales: no response from the API server; will retry"},
	}
	for name, test := range tests {
		got := newFailure("Service sales", fmt.Errorf("apply: %w", test.err))
		if got.reason != test.reason || got.message != test.message {
			t.Errorf("%s:\ngot  %s: %s\nwant %s: %s", name, got.reason, got.message, test.reason, test.message)
		}
	}

	long := newFailure("Service sales", status(http.StatusForbidden, metav1.StatusReasonForbidden, strings.Repeat("é", 5000)))
	if len(long.message) > 2*maxExplanation {
		t.Errorf("the message has %d bytes", len(long.message))
	}
}

func TestResult(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		errs    []error
		failing time.Duration
		want    string
	}{
		"none":                       {nil, 0, "done"},
		"name taken":                 {[]error{errConflict}, time.Hour, "30s"},
		"denied":                     {[]error{errDenied}, time.Second, "30s"},
		"denied for a while":         {[]error{errPolicy}, 2 * time.Minute, "2m0s"},
		"denied for long":            {[]error{errQuota}, time.Hour, "5m0s"},
		"right missing":              {[]error{errRight}, 0, "30s"},
		"rejected":                   {[]error{errInvalid}, 0, "5m0s"},
		"rejected for long":          {[]error{errInvalid}, time.Hour, "10m0s"},
		"rejected, and name taken":   {[]error{errInvalid, errConflict}, 0, "30s"},
		"rejected, and no response":  {[]error{errInvalid, errNetwork}, 0, "backoff"},
		"no response, and denied":    {[]error{errTimeout, errDenied}, 0, "backoff"},
		"webhook that does not work": {[]error{errWebhook}, 0, "backoff"},
		"namespace terminating":      {[]error{terminating()}, 0, "done"},
	}
	for name, test := range tests {
		var fs failures
		for _, err := range test.errs {
			fs = append(fs, newFailure("Service sales", fmt.Errorf("apply: %w", err)))
		}

		result, err := fs.result(defaultRetries, test.failing)

		got := "done"
		switch {
		case err != nil:
			got = "backoff"
		case result.RequeueAfter > 0:
			got = result.RequeueAfter.String()
		}

		if got != test.want {
			t.Errorf("%s: %s; want %s", name, got, test.want)
		}
	}
}
