// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// Environment is what the builders know of the operator itself.
type Environment struct {
	// ReceiverImage is used where the resource names none.
	ReceiverImage string
	// OperatorNamespace is where the operator's pods run, which ask the receivers how they are. Empty: outside the
	// cluster, where no NetworkPolicy can name it.
	OperatorNamespace string
}

// Params is all that the builders know: the resource, the environment, and what was resolved from them once.
type Params struct {
	webhook *v1alpha1.WhatsAppWebhook
	env     Environment
	name    string        // what the names of all objects begin with
	yaml    string        // the receiver's configuration as rendered,
	config  config.Config // and as the receiver reads it

	resources      *corev1ac.ResourceRequirementsApplyConfiguration
	affinity       *corev1ac.AffinityApplyConfiguration
	tolerations    []*corev1ac.TolerationApplyConfiguration
	topologySpread []*corev1ac.TopologySpreadConstraintApplyConfiguration
	webhookFrom    []*networkingv1ac.NetworkPolicyPeerApplyConfiguration
	adminFrom      []*networkingv1ac.NetworkPolicyPeerApplyConfiguration
	egress         []*networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration
}

// NewParams resolves what the resource leaves open. It fails where the receiver would refuse its configuration, so that
// a resource which slipped through the rules of its schema never ends a receiver that runs.
func NewParams(webhook *v1alpha1.WhatsAppWebhook, env Environment) (Params, error) {
	webhook = webhook.DeepCopy()
	p := Params{
		webhook: webhook,
		env:     env,
		name:    Name(webhook.Name),
	}

	var err error
	if p.yaml, err = marshal(Config(webhook)); err != nil {
		return Params{}, err
	}

	if p.config, err = config.Parse([]byte(p.yaml)); err != nil {
		return Params{}, fmt.Errorf("the receiver would refuse its configuration: %w", err)
	}

	receiver := webhook.Spec.Receiver
	policy := webhook.Spec.NetworkPolicy

	err = errors.Join(
		convert("receiver.resources", resourcesOrDefault(receiver.Resources), &p.resources),
		convert("receiver.scheduling.affinity", receiver.Scheduling.Affinity, &p.affinity),
		convert("receiver.scheduling.tolerations", receiver.Scheduling.Tolerations, &p.tolerations),
		convert("receiver.scheduling.topologySpreadConstraints", receiver.Scheduling.TopologySpreadConstraints, &p.topologySpread),
		convert("networkPolicy.webhookFrom", policy.WebhookFrom, &p.webhookFrom),
		convert("networkPolicy.adminFrom", policy.AdminFrom, &p.adminFrom),
		convert("networkPolicy.egress", policy.Egress, &p.egress),
	)
	if err != nil {
		return Params{}, err
	}

	return p, nil
}

func (p Params) image() string {
	return cmp.Or(p.webhook.Spec.Receiver.Image, p.env.ReceiverImage)
}

// resourcesOrDefault leaves CPU without a limit: throttling would make Meta's deliveries time out.
func resourcesOrDefault(given *corev1.ResourceRequirements) *corev1.ResourceRequirements {
	if given != nil {
		return given
	}

	return &corev1.ResourceRequirements{
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
func convert[To any](field string, from any, to *To) error {
	data, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(data, to)
	}

	if err != nil {
		return fmt.Errorf("spec.%s: %w", field, err)
	}

	return nil
}
