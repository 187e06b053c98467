// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// DefaultReceiverImage returns the image of receivers that belongs to a version of the operator.
func DefaultReceiverImage(version string) string {
	return "ghcr.io/wawebhook/whatsapp-webhook-operator/receiver:" + version
}

// Environment holds the settings of the operator that the builders use.
type Environment struct {
	// ReceiverImage is the image of receivers whose resource names none.
	ReceiverImage string
	// ReceiverImagePullSecrets names Secrets in the namespaces of the receivers, which all pods pull their images with, in
	// addition to those of their resources.
	ReceiverImagePullSecrets []string
	// OperatorNamespace is the namespace of the operator's pods, which poll the receivers. It is empty if the operator runs
	// outside the cluster, where no NetworkPolicy can name it.
	OperatorNamespace string
	// RunbookURL is the address of docs/alerts.md, to which the alerts link. Defaults to DefaultRunbookURL.
	RunbookURL string
	// OpenShift reports whether the cluster serves OpenShift's routes, which it makes of Ingresses.
	OpenShift bool
	// Policy limits the resources to certain hosts, Gateways and images.
	Policy Policy
}

// Params is the input of the builders: the resource, the environment, and the values derived from them.
type Params struct {
	webhook *v1alpha1.WhatsAppWebhook
	env     Environment
	name    string        // prefix of the names of all objects
	yaml    string        // the rendered configuration of the receiver
	config  config.Config // the same as the receiver parses it, with defaults
	// startHash changes with the settings that the receiver reads at start only.
	startHash string

	template    *corev1ac.PodTemplateSpecApplyConfiguration // of the Deployment
	memoryLimit int64                                       // of the receiver's container in bytes, or 0

	envVars            []*corev1ac.EnvVarApplyConfiguration
	podSecurityContext *corev1ac.PodSecurityContextApplyConfiguration
	securityContext    *corev1ac.SecurityContextApplyConfiguration
	resources          *corev1ac.ResourceRequirementsApplyConfiguration
	affinity           *corev1ac.AffinityApplyConfiguration
	tolerations        []*corev1ac.TolerationApplyConfiguration
	topologySpread     []*corev1ac.TopologySpreadConstraintApplyConfiguration
	webhookFrom        []*networkingv1ac.NetworkPolicyPeerApplyConfiguration
	adminFrom          []*networkingv1ac.NetworkPolicyPeerApplyConfiguration
	egress             []*networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration
}

// NewParams derives the input of the builders. It returns an error if the receiver would reject its configuration, so that
// a resource that passes the schema by mistake never replaces a running receiver, and if the policy does not allow the
// resource.
func NewParams(webhook *v1alpha1.WhatsAppWebhook, env Environment) (Params, error) {
	webhook = webhook.DeepCopy()
	p := Params{
		webhook: webhook,
		env:     env,
		name:    Name(webhook.Name),
	}

	rendered := Config(webhook)

	var err error
	if p.yaml, err = marshal(rendered); err != nil {
		return Params{}, err
	}

	if p.startHash, err = startHash(rendered); err != nil {
		return Params{}, err
	}

	if p.config, err = config.Parse([]byte(p.yaml)); err != nil {
		return Params{}, fmt.Errorf("the receiver would reject its configuration: %w", inFields(webhook, err))
	}

	if err := checkBackupClaim(webhook); err != nil {
		return Params{}, err
	}

	if err := p.convertSpec(webhook.Spec); err != nil {
		return Params{}, err
	}

	if p.template, err = podTemplate(p); err != nil {
		return Params{}, err
	}

	if err := env.Policy.check(webhook, p.template, env.ReceiverImage); err != nil {
		return Params{}, err
	}

	return p, nil
}

// convertSpec converts the parts of the spec that pods and policies get as they are.
func (p *Params) convertSpec(spec v1alpha1.WhatsAppWebhookSpec) error {
	receiver := spec.Receiver
	policy := spec.NetworkPolicy

	requirements, err := resourceRequirements(receiver)
	if err != nil {
		return err
	}

	return errors.Join(
		convert("receiver.env", receiver.Env, &p.envVars),
		convert("receiver.podSecurityContext", receiver.PodSecurityContext, &p.podSecurityContext),
		convert("receiver.securityContext", receiver.SecurityContext, &p.securityContext),
		convert("receiver.resources", requirements, &p.resources),
		convert("receiver.scheduling.affinity", receiver.Scheduling.Affinity, &p.affinity),
		convert("receiver.scheduling.tolerations", receiver.Scheduling.Tolerations, &p.tolerations),
		convert("receiver.scheduling.topologySpreadConstraints", receiver.Scheduling.TopologySpreadConstraints, &p.topologySpread),
		convert("networkPolicy.webhookFrom", policy.WebhookFrom, &p.webhookFrom),
		convert("networkPolicy.adminFrom", policy.AdminFrom, &p.adminFrom),
		convert("networkPolicy.egress", policy.Egress, &p.egress),
	)
}

func (p Params) image() string {
	return cmp.Or(p.webhook.Spec.Receiver.Image, p.env.ReceiverImage)
}

// imagePullSecrets returns the names of the resource's Secrets, followed by those of the operator, each once.
func (p Params) imagePullSecrets() []string {
	var names []string
	for _, secret := range p.webhook.Spec.Receiver.ImagePullSecrets {
		names = append(names, secret.Name)
	}

	for _, name := range p.env.ReceiverImagePullSecrets {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}

	return names
}

// convert turns an API type into its apply configuration, which has the same JSON. The types used here omit unset fields,
// so that the operator owns only the fields the user wrote.
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
