// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// checkClaims holds the Deployment back if a claim of the user's is missing, if a claim is being deleted, or if another resource
// uses the claim of the store.
func (r *WhatsAppWebhookReconciler) checkClaims(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	p *plan,
	seen *observation,
) {
	r.checkUser(ctx, webhook, p, seen)
	p.checkStays(seen)
	r.checkExists(ctx, webhook, resources.ExistingClaim(webhook), "store.embedded.existingClaim", p, seen)

	// A pod that waits for the volume of the backups would have replaced the running one.
	r.checkExists(ctx, webhook, resources.BackupClaim(webhook), "store.embedded.backup.volume.existingClaim", p, seen)
}

// checkUser holds the Deployment back if another resource uses the claim of the store: ReadWriteOnce lets two pods of one node
// write to a volume.
func (r *WhatsAppWebhookReconciler) checkUser(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	p *plan,
	seen *observation,
) {
	claim := resources.Reference{Kind: "PersistentVolumeClaim", Name: resources.ClaimName(webhook)}
	if claim.Name == "" {
		return
	}

	user, mounted, err := r.otherUser(ctx, webhook, claim.Name)
	if err == nil && mounted {
		err = r.endPods(ctx, webhook)
	}

	if err != nil {
		p.failures[claim] = seen.fail("looking up who uses "+claim.String(), err)

		return
	}

	if user != nil {
		p.hold(claim, seen, claimInUse(claim.String(), user))
	}
}

// claimInUse returns the failure of a claim that another resource uses.
func claimInUse(claim string, user *v1alpha1.WhatsAppWebhook) failure {
	fix := "delete that resource"
	if resources.DeletesClaim(user) {
		fix += ", with store.embedded.whenDeleted set to Retain before: otherwise the claim is deleted with it"
	}

	return failure{
		reason: v1alpha1.ReasonClaimInUse,
		message: fmt.Sprintf("%s is used by WhatsAppWebhook %s, and a volume has one writer; name another claim in store.embedded.existingClaim, or %s",
			claim, user.Name, fix),
		retry: retryConflict,
	}
}

// checkStays holds the Deployment back if the operator's claim is being deleted.
func (p *plan) checkStays(seen *observation) {
	claim := resources.Reference{Kind: "PersistentVolumeClaim", Name: resources.ClaimName(p.webhook)}

	target := p.targets[claim]
	if p.failed(claim) || target == nil || target.Live == nil || target.Live.GetDeletionTimestamp() == nil {
		return
	}

	p.hold(claim, seen, claimTerminating(claim.String()))
	seen.record(target.Live)
}

// claimTerminating returns the failure of a claim that is being deleted. It stays as long as a pod uses it, so the pod that runs
// must not be replaced.
func claimTerminating(claim string) failure {
	return failure{
		reason: v1alpha1.ReasonClaimTerminating,
		message: claim + " is being deleted, which cannot be undone: it is gone as soon as the pod that uses it ends, and so is its volume, unless " +
			"the reclaim policy of that is Retain; so the pod is not replaced. Back up what the volume holds, then delete the pod (docs/volumes.md)",
		retry: retryConflict,
	}
}

// checkExists holds the Deployment back if the claim that a field names is missing or is being deleted. It does nothing without a
// name, or if the claim has a failure already.
func (r *WhatsAppWebhookReconciler) checkExists(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	name, field string,
	p *plan,
	seen *observation,
) {
	claim := resources.Reference{Kind: "PersistentVolumeClaim", Name: name}
	if _, failed := p.failures[claim]; failed || name == "" {
		return
	}

	// Claims of others are not in the cache.
	live := claimMetadata()

	err := r.live.Get(ctx, client.ObjectKey{Namespace: webhook.Namespace, Name: name}, live)
	switch {
	case apierrors.IsNotFound(err):
		p.hold(claim, seen, failure{
			reason:  v1alpha1.ReasonClaimMissing,
			message: fmt.Sprintf("%s of %s does not exist; create it", claim, field),
			retry:   retryConflict,
		})
	case err != nil:
		p.failures[claim] = seen.fail(claim.String(), err)
	case live.DeletionTimestamp != nil:
		p.hold(claim, seen, claimTerminating(claim.String()))
	}
}

// hold records a failure of an object, for which the objects that refer to it are held back.
func (p *plan) hold(object resources.Reference, seen *observation, f failure) {
	p.failures[object] = f
	seen.failures = append(seen.failures, f)
}

func claimMetadata() *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"}}
}

// otherUser returns another resource that has precedence for the claim, or nil. The resource whose pods mount the claim has
// precedence, then the older one. Another operator may reconcile it. otherUser also reports whether the pods of both mount the
// claim, which requires two simultaneous changes.
func (r *WhatsAppWebhookReconciler) otherUser(
	ctx context.Context,
	webhook *v1alpha1.WhatsAppWebhook,
	claim string,
) (user *v1alpha1.WhatsAppWebhook, both bool, err error) {
	webhooks := &v1alpha1.WhatsAppWebhookList{}
	if err := r.all.List(ctx, webhooks, client.InNamespace(webhook.Namespace), client.MatchingFields{claimIndex: claim}); err != nil {
		return nil, false, fmt.Errorf("list WhatsAppWebhooks: %w", err)
	}

	for i := range webhooks.Items {
		other := &webhooks.Items[i]
		if other.Name == webhook.Name {
			continue
		}

		mine, err := r.podsMount(ctx, webhook, claim)
		if err != nil {
			return nil, false, err
		}

		theirs, err := r.podsMount(ctx, other, claim)
		if err != nil {
			return nil, false, err
		}

		if theirs && !mine || theirs == mine && isOlder(other, webhook) {
			return other, theirs && mine, nil
		}
	}

	return nil, false, nil
}

// endPods deletes the Deployment of a resource, because two pods that write to a volume damage the file.
func (r *WhatsAppWebhookReconciler) endPods(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook) error {
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: webhook.Namespace, Name: resources.Name(webhook.Name)}}

	err := r.client.Delete(ctx, deployment, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete the Deployment: %w", err)
	}

	return nil
}

// podsMount reports whether the pods of a resource use the claim. The cached Deployment has no pod template.
func (r *WhatsAppWebhookReconciler) podsMount(ctx context.Context, webhook *v1alpha1.WhatsAppWebhook, claim string) (bool, error) {
	deployment := &appsv1.Deployment{}

	err := r.live.Get(ctx, client.ObjectKey{Namespace: webhook.Namespace, Name: resources.Name(webhook.Name)}, deployment)
	if err != nil {
		return false, client.IgnoreNotFound(err)
	}

	if !metav1.IsControlledBy(deployment, webhook) {
		return false, nil
	}

	for _, volume := range deployment.Spec.Template.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName == claim {
			return true, nil
		}
	}

	return false, nil
}

func isOlder(a, b *v1alpha1.WhatsAppWebhook) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}

	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}
