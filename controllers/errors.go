// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
)

// failure is a failed step of a reconciliation.
type failure struct {
	reason  string // of the condition
	message string // of the condition
	err     error
}

// newFailure classifies an error, for the condition and for the retry.
func newFailure(step string, err error) failure {
	f := failure{reason: v1alpha1.ReasonApplyFailed, err: err}
	if _, ok := errors.AsType[*apply.NotOwnedError](err); ok {
		f.reason = v1alpha1.ReasonNameConflict
		f.message = step + " exists and is not owned by this resource, so it stays unchanged: delete or rename it, or rename this resource"

		return f
	}

	var status apierrors.APIStatus
	switch {
	case !errors.As(err, &status):
		f.message = step + ": no response from the API server; will retry"
	case apierrors.IsInvalid(err) || apierrors.IsBadRequest(err):
		f.reason = v1alpha1.ReasonObjectRejected
		f.message = fmt.Sprintf("%s was rejected by the API server: %s; correct the spec of this resource", step, causes(status))
	case apierrors.IsForbidden(err):
		f.message = fmt.Sprintf("%s is forbidden: %s; will retry", step, status.Status().Message)
	default:
		f.message = fmt.Sprintf("%s: the API server returned %s; will retry", step, apierrors.ReasonForError(err))
	}

	return f
}

// causes returns the fields at fault with their messages, or else the API server's whole message.
func causes(status apierrors.APIStatus) string {
	details := status.Status().Details
	if details == nil || len(details.Causes) == 0 {
		return status.Status().Message
	}

	messages := make([]string, 0, len(details.Causes))
	for _, cause := range details.Causes {
		message, _, _ := strings.Cut(cause.Message, "\n") // a diff of the object may follow
		messages = append(messages, cause.Field+": "+message)
	}

	return strings.Join(messages, ", ")
}

type failures []failure

// messages returns the joined messages of the failures with the reason, and whether there are any.
func (fs failures) messages(reason string) (string, bool) {
	var messages []string
	for _, f := range fs {
		if f.reason == reason {
			messages = append(messages, f.message)
		}
	}

	return strings.Join(messages, "; "), len(messages) > 0
}

// result returns when to retry: transient errors with backoff, a name conflict at a fixed interval, and an object that the
// API server rejected only when the resource changes.
func (fs failures) result(conflictRetry time.Duration) (ctrl.Result, error) {
	var (
		transient, rejected []error
		result              ctrl.Result
	)
	for _, f := range fs {
		switch {
		case apierrors.HasStatusCause(f.err, corev1.NamespaceTerminatingCause):
		case f.reason == v1alpha1.ReasonNameConflict:
			result.RequeueAfter = conflictRetry
		case f.reason == v1alpha1.ReasonObjectRejected:
			rejected = append(rejected, f.err)
		default:
			transient = append(transient, f.err)
		}
	}

	switch {
	case len(transient) > 0:
		return ctrl.Result{}, errors.Join(append(transient, rejected...)...)
	case result.RequeueAfter > 0 || len(rejected) == 0:
		return result, nil
	default:
		return ctrl.Result{}, reconcile.TerminalError(errors.Join(rejected...))
	}
}
