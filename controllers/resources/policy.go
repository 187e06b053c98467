// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// Policy limits the hosts, Gateways and images that resources may use. An empty list allows all. In each pattern, a * stands
// for any text, also for none.
type Policy struct {
	// Hosts are patterns of the hosts of Ingresses and HTTPRoutes, such as *.example.com, and of those in annotations.
	Hosts []string
	// Gateways are patterns of namespace/name, such as infra/*.
	Gateways []string
	// Images are patterns of the images in pods of receivers, such as registry.example.com/*. The operator's default image
	// of receivers is always allowed.
	Images []string
}

// check returns an error that names each field whose value the policy does not allow.
func (p Policy) check(webhook *v1alpha1.WhatsAppWebhook, template *corev1ac.PodTemplateSpecApplyConfiguration, image string) error {
	var errs []error

	for _, host := range []struct{ field, value string }{
		{"spec.ingress.host", webhook.Spec.Ingress.Host},
		{"spec.gateway.host", webhook.Spec.Gateway.Host},
	} {
		if host.value != "" {
			errs = append(errs, allowed(p.Hosts, host.field, host.value))
		}
	}

	errs = append(errs, p.checkAnnotations(webhook, template))

	for i, ref := range webhook.Spec.Gateway.ParentRefs {
		gateway := cmp.Or(ref.Namespace, webhook.Namespace) + "/" + ref.Name
		errs = append(errs, allowed(p.Gateways, fmt.Sprintf("spec.gateway.parentRefs[%d]", i), gateway))
	}

	for _, used := range imagesOf(template) {
		if used != image {
			errs = append(errs, allowed(p.Images, "spec.receiver", used))
		}
	}

	return errors.Join(errs...)
}

// allowed returns an error if patterns are given and none of them matches the value of a field.
func allowed(patterns []string, field, value string) error {
	matches := func(pattern string) bool { return matchPattern(pattern, value) }
	if len(patterns) == 0 || slices.ContainsFunc(patterns, matches) {
		return nil
	}

	return fmt.Errorf("%s: the operator does not allow %q, only %s", field, value, strings.Join(patterns, ", "))
}

// matchPattern reports whether a pattern, in which each * stands for any text, matches a value.
func matchPattern(pattern, value string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == value
	}

	first := parts[0]
	last := parts[len(parts)-1]

	rest, ok := strings.CutPrefix(value, first)
	if !ok {
		return false
	}

	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}

	return strings.HasSuffix(rest, last)
}

// imagesOf returns the images of all containers and image volumes of a pod template.
func imagesOf(template *corev1ac.PodTemplateSpecApplyConfiguration) []string {
	var images []string

	add := func(image *string) {
		if image != nil && !slices.Contains(images, *image) {
			images = append(images, *image)
		}
	}

	for _, container := range slices.Concat(template.Spec.InitContainers, template.Spec.Containers) {
		add(container.Image)
	}

	for _, volume := range template.Spec.Volumes {
		if volume.Image != nil {
			add(volume.Image.Reference)
		}
	}

	return images
}
