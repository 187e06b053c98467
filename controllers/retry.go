// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// The limits of the backoff after a temporary failure. It doubles each time.
const (
	minBackoff = 5 * time.Millisecond
	maxBackoff = 5 * time.Minute
)

// retryClass says how soon a failed step is tried again. No failure is final: each may depend on other objects of the
// cluster, which are not watched.
type retryClass int

const (
	// retryBackoff is for failures that may pass by themselves, such as an API server that does not respond.
	retryBackoff retryClass = iota
	// retryConflict is for an object of another owner, which a person has to rename or delete.
	retryConflict
	// retryDenied is for a denial by a policy, a quota or a missing right.
	retryDenied
	// retryContest is for objects that another operator writes too.
	retryContest
	// retryRejected is for an invalid object, which the API server rejects until the spec or its own version changes.
	retryRejected
)

// retryInterval grows with the time for which a resource has been failing.
type retryInterval struct{ first, longest time.Duration }

func (i retryInterval) after(failing time.Duration) time.Duration {
	return min(max(failing, i.first), i.longest)
}

var defaultRetries = map[retryClass]retryInterval{
	retryConflict: {30 * time.Second, 30 * time.Second},
	retryDenied:   {30 * time.Second, 5 * time.Minute},
	retryContest:  {time.Minute, time.Minute},
	retryRejected: {5 * time.Minute, 10 * time.Minute},
}

// result returns when to retry: with the queue's backoff if that may be soon enough for every failure, and otherwise after
// the shortest interval.
func (fs failures) result(retries map[retryClass]retryInterval, failing time.Duration) (ctrl.Result, error) {
	var (
		errs   []error
		result ctrl.Result
	)
	for _, f := range fs {
		switch next := retries[f.retry].after(failing); {
		case apierrors.HasStatusCause(f.err, corev1.NamespaceTerminatingCause): // nothing can be created there any more
		case f.retry == retryBackoff:
			errs = append(errs, f.err)
		case result.RequeueAfter == 0 || next < result.RequeueAfter:
			result.RequeueAfter = next
		}
	}

	if len(errs) > 0 {
		return ctrl.Result{}, errors.Join(errs...)
	}

	return result, nil
}

// failingFor returns for how long the resource has not been as its spec wants it.
func failingFor(webhook *v1alpha1.WhatsAppWebhook) time.Duration {
	var failing time.Duration
	for _, kind := range []string{v1alpha1.ConditionStalled, v1alpha1.ConditionReconciling} {
		if condition := meta.FindStatusCondition(webhook.Status.Conditions, kind); condition != nil {
			failing = time.Since(condition.LastTransitionTime.Time)
		}
	}

	return failing
}
