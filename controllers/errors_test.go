// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
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
	errConflict  = &apply.NotOwnedError{Kind: "Service", Name: "sales"}
	errInvalid   = apierrors.NewInvalid(schema.GroupKind{Kind: "Service"}, "sales", field.ErrorList{field.Invalid(field.NewPath("spec", "ports"), "x", "must be a number\n@@ -1 +1 @@")})
	errForbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "sales", errors.New("exceeded quota: services=5"))
	errTimeout   = apierrors.NewServerTimeout(schema.GroupResource{Resource: "services"}, "patch", 1)
	errNetwork   = errors.New("dial tcp 192.0.2.1:443: connection refused")
)

func TestFailureMessages(t *testing.T) {
	t.Parallel()

	for want, err := range map[string]error{
		"Service sales exists and is not owned by this resource, so it stays unchanged: delete or rename it, or rename this resource":       errConflict,
		`Service sales was rejected by the API server: spec.ports: Invalid value: "x": must be a number; correct the spec of this resource`: errInvalid,
		`Service sales is forbidden: services "sales" is forbidden: exceeded quota: services=5; will retry`:                                 errForbidden,
		"Service sales: the API server returned ServerTimeout; will retry":                                                                  errTimeout,
		"Service sales: no response from the API server; will retry":                                                                        errNetwork,
	} {
		if got := newFailure("Service sales", fmt.Errorf("apply: %w", err)).message; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestResult(t *testing.T) {
	t.Parallel()

	terminating := apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "sales", errors.New("the namespace is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}

	tests := map[string]struct {
		errs []error
		want string
	}{
		"none":                      {nil, "done"},
		"name taken":                {[]error{errConflict}, "retry at a fixed interval"},
		"rejected":                  {[]error{errInvalid}, "no retry"},
		"rejected, and name taken":  {[]error{errInvalid, errConflict}, "retry at a fixed interval"},
		"rejected, and no response": {[]error{errInvalid, errNetwork}, "retry with backoff"},
		"forbidden":                 {[]error{errForbidden}, "retry with backoff"},
		"namespace terminating":     {[]error{terminating}, "done"},
	}
	for name, test := range tests {
		var fs failures
		for _, err := range test.errs {
			fs = append(fs, newFailure("Service sales", fmt.Errorf("apply: %w", err)))
		}

		result, err := fs.result(time.Minute)

		got := "done"
		switch {
		case err != nil && strings.HasPrefix(err.Error(), "terminal error"):
			got = "no retry"
		case err != nil:
			got = "retry with backoff"
		case result.RequeueAfter == time.Minute:
			got = "retry at a fixed interval"
		}

		if got != test.want {
			t.Errorf("%s: %s; want %s", name, got, test.want)
		}
	}
}
