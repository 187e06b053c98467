// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/apply"
)

// maxExplanation limits the API server's message about one object, in bytes: a condition may have to name several objects.
const maxExplanation = 400

// failureReasons are the reasons of all failures by priority: failures that a person has to fix come before temporary ones.
var failureReasons = []string{
	v1alpha1.ReasonNameConflict,
	v1alpha1.ReasonClaimInUse,
	v1alpha1.ReasonClaimMissing,
	v1alpha1.ReasonClaimTerminating,
	v1alpha1.ReasonAnotherOperator,
	v1alpha1.ReasonAdmissionDenied,
	v1alpha1.ReasonQuotaExceeded,
	v1alpha1.ReasonObjectRejected,
	v1alpha1.ReasonApplyFailed,
	v1alpha1.ReasonProgressing,
}

// failure is a failed step of a reconciliation.
type failure struct {
	reason  string // of the condition
	message string // of the condition
	retry   retryClass
	err     error
}

// newFailure classifies an error, for the condition and for the retry.
func newFailure(step string, err error) failure {
	if foreign, ok := errors.AsType[*apply.NotOwnedError](err); ok {
		return nameConflict(step, foreign)
	}

	if deleted, ok := errors.AsType[*apply.BeingDeletedError](err); ok {
		return beingDeleted(step, deleted)
	}

	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return failure{
			reason:  v1alpha1.ReasonProgressing,
			message: step + ": the namespace is being deleted, so nothing is created in it any more",
			err:     err,
		}
	}

	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return failure{
			reason:  v1alpha1.ReasonApplyFailed,
			message: step + ": no response from the API server; will retry",
			err:     err,
		}
	}

	f := answered(step, status.Status())
	f.err = err

	return f
}

func nameConflict(step string, foreign *apply.NotOwnedError) failure {
	fix := "rename this resource, or delete or rename that object"
	if foreign.Kind == "PersistentVolumeClaim" {
		fix = "rename this resource, or, if that claim is meant for it, name the claim in store.embedded.existingClaim"
	}

	return failure{
		reason:  v1alpha1.ReasonNameConflict,
		message: fmt.Sprintf("%s exists and belongs to %s, so the operator does not change it; %s", step, foreign.Owner, fix),
		retry:   retryConflict,
		err:     foreign,
	}
}

func beingDeleted(step string, deleted *apply.BeingDeletedError) failure {
	f := failure{
		reason:  v1alpha1.ReasonProgressing,
		message: step + " is still being deleted, and is created again once it is gone",
		retry:   retryConflict,
	}

	switch {
	case deleted.Former:
		f.message = step + " of a former resource is still being deleted"
	case deleted.Kind == "PersistentVolumeClaim":
		f = claimTerminating(step)
	}

	f.err = deleted

	return f
}

// The API server's own checks have no fixed texts, so admission plugins are recognized by theirs.
var (
	deniedByWebhook = regexp.MustCompile(`^admission webhook ".*" denied the request`)
	// deniedByPolicy matches a ValidatingAdmissionPolicy and a MutatingAdmissionPolicy.
	deniedByPolicy = regexp.MustCompile(`(?i)policy ['"].*denied request: `)
	deniedByQuota  = regexp.MustCompile(`(exceeded|failed|status unknown for) quota: |insufficient quota to `)
	// deniedByAuthorizer matches a missing right. The second form is for the right that an owner reference needs.
	deniedByAuthorizer = regexp.MustCompile(`User ".*" cannot |cannot set blockOwnerDeletion `)
	// frozenConfigMap matches a ConfigMap that somebody has made immutable, which cannot be undone.
	frozenConfigMap = regexp.MustCompile("^ConfigMap .* field is immutable when `immutable` is set")
	// deniedOwner matches the plugin OwnerReferencesPermissionEnforcement, which some distributions enable.
	deniedOwner = regexp.MustCompile(`cannot set an ownerRef on a resource you can't delete`)
)

// answered classifies an error that the API server returned. A webhook or policy chooses the code of its denial, and
// often chooses the code of an invalid object.
func answered(step string, status metav1.Status) failure {
	whole := bounded(status.Message)
	forbidden := status.Reason == metav1.StatusReasonForbidden
	invalid := status.Reason == metav1.StatusReasonInvalid || status.Reason == metav1.StatusReasonBadRequest

	switch {
	case deniedByWebhook.MatchString(status.Message) || deniedByPolicy.MatchString(status.Message):
		return denied(step, whole)
	case forbidden && deniedByQuota.MatchString(status.Message):
		return failure{
			reason:  v1alpha1.ReasonQuotaExceeded,
			message: fmt.Sprintf("%s exceeds a quota of the namespace: %s; raise the quota, or request less; will retry", step, whole),
			retry:   retryDenied,
		}
	case forbidden && deniedByAuthorizer.MatchString(status.Message):
		return failure{
			reason:  v1alpha1.ReasonApplyFailed,
			message: fmt.Sprintf("%s: the operator lacks a right: %s; grant it the rights of its release; will retry", step, whole),
			retry:   retryDenied,
		}
	case forbidden && deniedOwner.MatchString(status.Message):
		return failure{
			reason: v1alpha1.ReasonApplyFailed,
			message: step + ": this cluster lets only users who may delete an object change its owner, and the operator may not delete " +
				"PersistentVolumeClaims; set or remove the owner reference yourself (docs/volumes.md); will retry",
			retry: retryDenied,
		}
	case forbidden: // by an admission plugin of the API server, such as those for limits and for the size of volumes
		return denied(step, whole)
	case invalid && frozenConfigMap.MatchString(status.Message):
		return failure{
			reason:  v1alpha1.ReasonObjectRejected,
			message: fmt.Sprintf("%s was made immutable: %s; delete it, and the operator creates it again", step, bounded(causes(status))),
			retry:   retryRejected,
		}
	case invalid:
		return failure{
			reason:  v1alpha1.ReasonObjectRejected,
			message: fmt.Sprintf("%s was rejected by the API server: %s; correct the spec of this resource", step, bounded(causes(status))),
			retry:   retryRejected,
		}
	default:
		return failure{
			reason:  v1alpha1.ReasonApplyFailed,
			message: fmt.Sprintf("%s: the API server returned %s: %s; will retry", step, status.Reason, whole),
		}
	}
}

func denied(step, explanation string) failure {
	return failure{
		reason:  v1alpha1.ReasonAdmissionDenied,
		message: fmt.Sprintf("%s was denied: %s; change the named object or the policy; will retry", step, explanation),
		retry:   retryDenied,
	}
}

// contestOf returns the failure of a resource that another operator serves too.
func contestOf(object string) failure {
	return failure{
		reason: v1alpha1.ReasonAnotherOperator,
		message: "another operator writes the same objects with the same field manager, most recently " + object + "; give each operator " +
			"its own namespaces or label selector, or remove one; its changes are reverted at most every 5 minutes",
		retry: retryContest,
	}
}

// causes returns the fields at fault with their messages, or else the API server's whole message.
func causes(status metav1.Status) string {
	if status.Details == nil || len(status.Details.Causes) == 0 {
		return status.Message
	}

	messages := make([]string, 0, len(status.Details.Causes))
	for _, cause := range status.Details.Causes {
		message, _, _ := strings.Cut(cause.Message, "\n") // a diff of the object may follow
		if cause.Field != "" {
			message = cause.Field + ": " + message
		}

		messages = append(messages, message)
	}

	return strings.Join(messages, ", ")
}

// bounded returns the explanation on one line, of limited length.
func bounded(explanation string) string {
	explanation = strings.Join(strings.Fields(explanation), " ")
	if len(explanation) <= maxExplanation {
		return explanation
	}

	return strings.ToValidUTF8(explanation[:maxExplanation], "") + "…"
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
