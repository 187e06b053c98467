// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

// group is the group of the checks of the resource.
const group = "cluster"

// The names of the checks.
const (
	checkResource   = "resource"
	checkConditions = "conditions"
	checkPods       = "pods"
	checkEvents     = "events"
	checkReceiver   = "receiver-answers"
)

var catalog = []doctor.Check{
	{Name: checkResource, Group: group, Title: "Resource"},
	{Name: checkConditions, Group: group, Title: "Conditions"},
	{Name: checkPods, Group: group, Title: "Pods"},
	{Name: checkEvents, Group: group, Title: "Events"},
	{Name: checkReceiver, Group: group, Title: "Receiver"},
}

// result returns a check of the catalog with a result.
func result(name string, state doctor.State, detail, fix string) doctor.Check {
	at := slices.IndexFunc(catalog, func(c doctor.Check) bool { return c.Name == name })
	check := catalog[at]

	check.State = state
	check.Detail = detail
	check.Fix = fix

	return check
}

// examine checks a resource. It returns the resource unless the user may not see it. An error means that there is nothing to
// check: there is no such resource, or no API server.
func examine(ctx context.Context, c *cluster.Cluster, name string, now time.Time) ([]doctor.Check, *v1alpha1.WhatsAppWebhook, error) {
	webhook, err := c.Webhook(ctx, name)

	var all []doctor.Check

	switch {
	case apierrors.IsForbidden(err):
		webhook = nil

		all = append(all, forbidden(checkResource, err), forbidden(checkConditions, err))
	case err != nil:
		return nil, nil, err
	default:
		all = append(all, diagnoseResource(webhook), diagnoseConditions(webhook))
	}

	pods, receivers, err := checkThePods(ctx, c, name)
	if err != nil {
		return nil, nil, err
	}

	events, err := checkTheEvents(ctx, c, name, receivers, now)
	if err != nil {
		return nil, nil, err
	}

	return append(all, pods, events), webhook, nil
}

// forbidden returns a check that the user may not make.
func forbidden(name string, err error) doctor.Check {
	fix := ""
	if known, ok := errors.AsType[*output.Error](err); ok {
		fix = known.Fix
	}

	return result(name, doctor.Skipped, "you may not see this", fix)
}

func diagnoseResource(webhook *v1alpha1.WhatsAppWebhook) doctor.Check {
	switch {
	case webhook.Status.ObservedGeneration < 1:
		return result(checkResource, doctor.Failure, "the operator has not seen the resource",
			"Check that the operator runs, and that it watches this namespace: kubectl get pods -A -l app.kubernetes.io/name=whatsapp-webhook-operator")
	case webhook.Status.ObservedGeneration != webhook.Generation:
		return result(checkResource, doctor.Warning, "the operator has not seen the last change of the resource",
			"Wait a moment, then check that the operator runs: kubectl get pods -A -l app.kubernetes.io/name=whatsapp-webhook-operator")
	case webhook.Spec.Suspend:
		return result(checkResource, doctor.Warning, "spec.suspend is set, so changes have no effect", "Remove spec.suspend.")
	}

	return result(checkResource, doctor.OK, fmt.Sprintf("generation %d", webhook.Generation), "")
}

// abnormal are the conditions that are true only while something is wrong or in progress.
var abnormal = []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled}

func diagnoseConditions(webhook *v1alpha1.WhatsAppWebhook) doctor.Check {
	var failures, warnings []string

	for _, c := range webhook.Status.Conditions {
		if c.Reason == v1alpha1.ReasonNotRequested {
			continue // the spec does not ask for it
		}

		text := fmt.Sprintf("%s is %s, %s: %s", c.Type, c.Status, c.Reason, strings.TrimSuffix(c.Message, "."))

		isAbnormal := slices.Contains(abnormal, c.Type)
		isBad := isAbnormal && c.Status == metav1.ConditionTrue || !isAbnormal && c.Status == metav1.ConditionFalse

		switch {
		case isBad && c.Type == v1alpha1.ConditionReconciling:
			warnings = append(warnings, text)
		case isBad:
			failures = append(failures, text)
		case !isAbnormal && c.Status == metav1.ConditionUnknown:
			warnings = append(warnings, text)
		}
	}

	const fix = "Correct the fault that the message names; docs/resource.md describes each condition."

	switch {
	case len(failures) > 0:
		return result(checkConditions, doctor.Failure, strings.Join(failures, "\n"), fix)
	case len(warnings) > 0:
		return result(checkConditions, doctor.Warning, strings.Join(warnings, "\n"), fix)
	case len(webhook.Status.Conditions) == 0:
		return result(checkConditions, doctor.Skipped, "the resource has no conditions yet", "")
	}

	return result(checkConditions, doctor.OK, fmt.Sprintf("%d conditions", len(webhook.Status.Conditions)), "")
}
