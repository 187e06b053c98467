// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"cmp"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// conflicts returns the findings about resources that exclude each other. The second one in the order of the files has the
// finding.
func conflicts(all []resource) []Finding {
	var findings []Finding

	first := map[string]resource{}

	// claim records what only one resource may have.
	claim := func(r resource, what, field string, level Level, message, fix string) {
		other, taken := first[what]
		if !taken {
			first[what] = r
			return
		}

		finding := r.at(field, level, fmt.Sprintf(message, other.name(), fmt.Sprintf("%s:%d", other.file, other.line)))
		finding.Fix = fix
		findings = append(findings, finding)
	}

	// The claims that the operator creates come first, so that the finding is about the existingClaim that names one of them.
	for _, r := range all {
		if created := resources.ClaimName(r.webhook); created != "" && resources.ExistingClaim(r.webhook) == "" {
			first["claim "+r.namespace()+"/"+created] = r
		}
	}

	for _, r := range all {
		if r.metadata("name") != "" {
			claim(r, "name "+r.name(), "metadata.name", LevelError,
				"the resource %s is in %s too, and only one of them can be applied", "rename or remove one of them")
		}

		if existing := resources.ExistingClaim(r.webhook); existing != "" {
			claim(r, "claim "+r.namespace()+"/"+existing, "spec.store.embedded.existingClaim", LevelError,
				"the resource %s in %s uses this PersistentVolumeClaim too, and a volume has one writer", "name another claim")
		}

		if copies := copiesOf(r); copies.what != "" {
			claim(r, copies.what, copies.field, LevelError,
				"the resource %s in %s keeps its backups in the same folder, and each deletes the other's", copies.fix)
		}

		if address := resources.URL(r.webhook); address != "" {
			field := "spec.cloudAPI.subscription.callbackURL"
			if cmp.Or(r.webhook.Spec.Ingress.Host, r.webhook.Spec.Gateway.Host) != "" {
				field = "spec"
			}

			claim(r, "address "+address, field, LevelWarning,
				"the resource %s in %s has the address "+address+" too, and only one of them gets Meta's deliveries", "set another host or path")
		}

		for _, callback := range callbacks(r.webhook) {
			claim(r, callback.what, callback.field, LevelWarning,
				"the resource %s in %s sets the callback of "+callback.what+" too, and each overwrites the other's", callback.fix)
		}
	}

	return findings
}

// exclusive is what only one resource may have.
type exclusive struct{ what, field, fix string }

// copiesOf returns the folder of a resource's backups, or nothing if it makes none.
func copiesOf(r resource) exclusive {
	embedded := r.webhook.Spec.Store.Embedded
	if embedded == nil {
		return exclusive{}
	}

	const field = "spec.store.embedded.backup."

	bucket := embedded.Backup.S3
	volume := embedded.Backup.Volume

	switch {
	case bucket.Bucket != "":
		prefix := cmp.Or(bucket.Prefix, r.namespace()+"/"+r.metadata("name"))

		return exclusive{
			fmt.Sprintf("backups in bucket %s of %s at %s", bucket.Bucket, bucket.Endpoint, prefix),
			field + "s3",
			"set another prefix",
		}
	case volume.ExistingClaim != "":
		folder := cmp.Or(volume.SubPath, r.metadata("name"))

		return exclusive{
			fmt.Sprintf("backups in claim %s/%s at %s", r.namespace(), volume.ExistingClaim, folder),
			field + "volume",
			"set another subPath",
		}
	}

	return exclusive{}
}

// callbacks returns what a resource sets a callback of.
func callbacks(webhook *v1alpha1.WhatsAppWebhook) []exclusive {
	const subscription = "spec.cloudAPI.subscription."

	declared := webhook.Spec.CloudAPI.Subscription
	if declared.AppID == "" {
		return nil
	}

	var found []exclusive

	switch declared.CallbackScope {
	case v1alpha1.CallbackScopeBusinessAccount:
		for _, id := range declared.BusinessAccountIDs {
			found = append(found, exclusive{
				"business account " + id + " for app " + declared.AppID,
				subscription + "businessAccountIDs",
				"set callbackScope: PhoneNumber in both, or keep the account in one",
			})
		}
	case v1alpha1.CallbackScopePhoneNumber:
		for _, id := range webhook.Spec.CloudAPI.PhoneNumberIDs {
			found = append(found, exclusive{
				"phone number " + id + " for app " + declared.AppID,
				"spec.cloudAPI.phoneNumberIDs",
				"keep the number in one of them",
			})
		}
	default:
		found = append(found, exclusive{
			"app " + declared.AppID,
			subscription + "appID",
			"set callbackScope: PhoneNumber or BusinessAccount in both, or use an app for each",
		})
	}

	return found
}
