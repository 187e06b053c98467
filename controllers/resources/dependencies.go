// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

// Reference is the kind and name of an object in the namespace of the resource.
type Reference struct{ Kind, Name string }

// String returns the kind and the name.
func (r Reference) String() string {
	return r.Kind + " " + r.Name
}

// ReferenceTo returns the reference to a rendered object.
func ReferenceTo(object Object) Reference {
	return Reference{Kind: *object.GetKind(), Name: *object.GetName()}
}

// Dependencies returns the objects to which each object refers. If a dependency has another owner, it must not be used: the
// dependent object would mount, publish or scale an object of that owner.
func Dependencies(p Params) map[Reference][]Reference {
	deployment := Reference{"Deployment", p.name}
	admin := Reference{"Service", p.name + suffixAdmin}

	var published []Reference
	for _, public := range p.publicPaths() {
		published = append(published, Reference{"Service", public.service})
	}

	mounted := []Reference{
		{"ServiceAccount", p.name},
		{"ConfigMap", p.name + suffixConfig},
		{"PersistentVolumeClaim", ClaimName(p.webhook)},
	}
	if claim := BackupClaim(p.webhook); claim != "" {
		mounted = append(mounted, Reference{"PersistentVolumeClaim", claim})
	}

	return map[Reference][]Reference{
		deployment:                          mounted,
		{"Ingress", p.name}:                 published,
		{"HTTPRoute", p.name}:               published,
		{"HorizontalPodAutoscaler", p.name}: {deployment},
		{"ScaledObject", p.name}:            {deployment, admin},
		{"PodDisruptionBudget", p.name}:     {deployment},
		{"ServiceMonitor", p.name}:          {admin},
	}
}
