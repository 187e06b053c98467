// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// labelRendering is a label of a Deployment with its [rendering]. An annotation would raise the generation, and with it
// look like a rollout.
const labelRendering = "whatsapp.wawebhook.dev/rendering"

// rendering identifies what the pods of a Deployment were rendered from.
type rendering struct {
	generation int64  // of the resource
	hash       string // of the Deployment and of the pods' configuration
	upgrade    bool   // the operator changed the hash, and not the resource
}

// String returns the value of the label.
func (r rendering) String() string {
	value := fmt.Sprintf("generation-%d.%s", r.generation, r.hash)
	if r.upgrade {
		value += ".upgrade"
	}

	return value
}

// renderingOf returns the rendering that a Deployment was last applied with, or the zero rendering.
func renderingOf(deployment *appsv1.Deployment) rendering {
	parts := strings.Split(deployment.Labels[labelRendering], ".")
	if len(parts) < 2 {
		return rendering{}
	}

	generation, err := strconv.ParseInt(strings.TrimPrefix(parts[0], "generation-"), 10, 64)
	if err != nil {
		return rendering{}
	}

	return rendering{
		generation: generation,
		hash:       parts[1],
		upgrade:    len(parts) > 2,
	}
}

// newRendering returns the rendering of the objects, and the Deployment among them.
func newRendering(webhook *v1alpha1.WhatsAppWebhook, rendered []resources.Object) (
	rendering,
	*appsv1ac.DeploymentApplyConfiguration,
	error,
) {
	var deployment *appsv1ac.DeploymentApplyConfiguration

	sum := sha256.New()

	for _, object := range rendered {
		config := *object.GetKind() == "ConfigMap" && *object.GetName() == resources.ConfigMapName(webhook.Name)

		d, ok := object.(*appsv1ac.DeploymentApplyConfiguration)
		if ok {
			deployment = d
		}

		if !ok && !config {
			continue
		}

		data, err := json.Marshal(object)
		if err != nil {
			return rendering{}, nil, fmt.Errorf("marshal %s %s: %w", *object.GetKind(), *object.GetName(), err)
		}

		sum.Write(data)
	}

	return rendering{
		generation: webhook.Generation,
		hash:       hex.EncodeToString(sum.Sum(nil))[:16],
	}, deployment, nil
}
