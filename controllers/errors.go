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

// failure is one step of a reconciliation that failed.
type failure struct {
	reason  string // of the condition
	message string // for a person, of what concerns objects rendered from the resource alone
	err     error
}

// newFailure classes an error once, for the condition and for when to try again alike.
func newFailure(step string, err error) failure {
	f := failure{reason: v1alpha1.ReasonApplyFailed, err: err}
	if _, ok := errors.AsType[*apply.NotOwnedError](err); ok {
		f.reason = v1alpha1.ReasonNameConflict
		f.message = step + " exists and does not belong to this resource, so it is left alone: delete or rename it, or give this resource another name"

		return f
	}

	var status apierrors.APIStatus
	switch {
	case !errors.As(err, &status):
		f.message = step + ": the API server could not be asked; this is tried again"
	case apierrors.IsInvalid(err) || apierrors.IsBadRequest(err):
		f.reason = v1alpha1.ReasonObjectRejected
		f.message = fmt.Sprintf("%s is refused by the API server: %s; correct the spec of this resource that it is made from", step, explain(status))
	case apierrors.IsForbidden(err):
		f.message = fmt.Sprintf("%s is forbidden: %s; this is tried again", step, status.Status().Message)
	default:
		f.message = fmt.Sprintf("%s: the API server answered %s; this is tried again", step, apierrors.ReasonForError(err))
	}

	return f
}

// explain names the fields at fault, or says all that the API server did where it names none.
func explain(status apierrors.APIStatus) string {
	details := status.Status().Details
	if details == nil || len(details.Causes) == 0 {
		return status.Status().Message
	}

	causes := make([]string, 0, len(details.Causes))
	for _, cause := range details.Causes {
		message, _, _ := strings.Cut(cause.Message, "\n") // a diff of the object may follow
		causes = append(causes, cause.Field+": "+message)
	}

	return strings.Join(causes, ", ")
}

type failures []failure

// because returns the messages of the failures with that reason, joined.
func (fs failures) because(reason string) (string, bool) {
	var messages []string
	for _, f := range fs {
		if f.reason == reason {
			messages = append(messages, f.message)
		}
	}

	return strings.Join(messages, "; "), len(messages) > 0
}

// result says when to try again: what may heal by itself with backoff; a name that is taken at a steady pace; what the
// API server refused not before the resource changes.
func (fs failures) result(conflictRetry time.Duration) (ctrl.Result, error) {
	var (
		transient, refused []error
		result             ctrl.Result
	)
	for _, f := range fs {
		switch {
		case apierrors.HasStatusCause(f.err, corev1.NamespaceTerminatingCause):
		case f.reason == v1alpha1.ReasonNameConflict:
			result.RequeueAfter = conflictRetry
		case f.reason == v1alpha1.ReasonObjectRejected:
			refused = append(refused, f.err)
		default:
			transient = append(transient, f.err)
		}
	}

	switch {
	case len(transient) > 0:
		return ctrl.Result{}, errors.Join(append(transient, refused...)...)
	case result.RequeueAfter > 0 || len(refused) == 0:
		return result, nil
	default:
		return ctrl.Result{}, reconcile.TerminalError(errors.Join(refused...))
	}
}
