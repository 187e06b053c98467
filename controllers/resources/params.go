// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// Params is all that the builders know: the resource, and what was resolved from it once.
type Params struct {
	webhook *v1alpha1.WhatsAppWebhook
	name    string // what the names of all objects begin with
	image   string
	yaml    string        // the receiver's configuration as rendered,
	config  config.Config // and as the receiver completes it

	resources   *corev1ac.ResourceRequirementsApplyConfiguration
	affinity    *corev1ac.AffinityApplyConfiguration
	tolerations []*corev1ac.TolerationApplyConfiguration
}

// NewParams resolves what the resource leaves open. The receiver image is used where the resource names none.
func NewParams(webhook *v1alpha1.WhatsAppWebhook, receiverImage string) (Params, error) {
	webhook = webhook.DeepCopy()
	receiver := webhook.Spec.Receiver
	p := Params{
		webhook: webhook,
		name:    Name(webhook.Name),
		image:   receiverImage,
		config:  Config(webhook).WithDefaults(),
	}
	if receiver.Image != "" {
		p.image = receiver.Image
	}
	var err error
	if p.yaml, err = marshal(Config(webhook)); err != nil {
		return Params{}, err
	}
	if err := convert(receiver.Affinity, &p.affinity); err != nil {
		return Params{}, fmt.Errorf("spec.receiver.affinity: %w", err)
	}
	if err := convert(receiver.Tolerations, &p.tolerations); err != nil {
		return Params{}, fmt.Errorf("spec.receiver.tolerations: %w", err)
	}
	if err := convert(resourcesOrDefault(receiver.Resources), &p.resources); err != nil {
		return Params{}, fmt.Errorf("spec.receiver.resources: %w", err)
	}
	return p, nil
}

// resourcesOrDefault leaves CPU without a limit: throttling would make Meta's deliveries time out.
func resourcesOrDefault(given corev1.ResourceRequirements) corev1.ResourceRequirements {
	if len(given.Requests) > 0 || len(given.Limits) > 0 || len(given.Claims) > 0 {
		return given
	}
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewMilliQuantity(50, resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(64<<20, resource.BinarySI),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceMemory: *resource.NewQuantity(256<<20, resource.BinarySI),
		},
	}
}

// convert turns an API type into its ApplyConfiguration, which has the same JSON. The types it is used for omit what
// is not set, so that nothing is claimed that the user did not write.
func convert[To any](from any, to *To) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}
