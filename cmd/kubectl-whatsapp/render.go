// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/lint"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// optionalKinds are the kinds that not every cluster serves.
func optionalKinds() []string {
	return []string{
		resources.HTTPRouteKind.Kind,
		resources.PrometheusRuleKind.Kind,
		resources.ScaledObjectKind.Kind,
		resources.ServiceMonitorKind.Kind,
	}
}

// objectList is the result of the command render in JSON.
type objectList struct {
	APIVersion string             `json:"apiVersion"`
	Kind       string             `json:"kind"`
	Items      []resources.Object `json:"items"`
}

// renderFlags are the flags of the command render.
type renderFlags struct {
	environment resources.Environment
	without     []string
}

func newRenderCommand(g *global) *cobra.Command {
	var f renderFlags

	cmd := &cobra.Command{
		Use:   "render FILE…",
		Short: "Print the objects that the operator creates for the WhatsAppWebhooks in files",
		Long: `Print the objects that the operator creates for the WhatsAppWebhooks in files, without a cluster.

The objects have the fields that the operator sets, in the order in which it applies them. Values of Secrets are not among
them: pods mount the Secrets. The flags stand for what the operator's own flags and the cluster decide.`,
		Example: g.example("render webhook.yaml", "render --receiver-image registry.example.com/receiver:v1 -o json webhook.yaml", "render deploy/ | kubectl diff -f -"),
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return f.run(cmd, g, args) },
	}

	flags := cmd.Flags()
	flags.StringVar(&f.environment.ReceiverImage, "receiver-image", resources.DefaultReceiverImage(version), "`image` of receivers whose resource names none")
	flags.StringSliceVar(&f.environment.ReceiverImagePullSecrets, "receiver-image-pull-secrets", nil, "`names` of Secrets to pull the image with")
	flags.StringVar(&f.environment.OperatorNamespace, "operator-namespace", "whatsapp-webhook-system", "`namespace` of the operator, which NetworkPolicies let in")
	flags.StringVar(&f.environment.RunbookURL, "runbook-url", resources.DefaultRunbookURL, "`URL` of docs/alerts.md, to which alerts link")
	flags.BoolVar(&f.environment.OpenShift, "openshift", false, "render for a cluster that serves OpenShift's routes")
	flags.StringSliceVar(&f.without, "without", nil, "`kinds` that the cluster does not serve: "+strings.Join(optionalKinds(), ", "))

	_ = cmd.RegisterFlagCompletionFunc("without", cobra.FixedCompletions(optionalKinds(), cobra.ShellCompDirectiveNoFileComp))

	return cmd
}

func (f *renderFlags) run(cmd *cobra.Command, g *global, args []string) error {
	for _, kind := range f.without {
		if !slices.Contains(optionalKinds(), kind) {
			return output.Usage("The optional kinds are "+strings.Join(optionalKinds(), ", ")+".", "--without %s: every cluster serves it, or the operator creates none", kind)
		}
	}

	report, err := lintFiles(cmd, g, args)
	if err != nil {
		return err
	}

	p := g.printer()
	for _, finding := range report.Findings {
		p.Note("%s", finding)
	}

	if report.Errors() > 0 {
		return output.Failed("Fix them; "+g.name+" lint reports the same.", "the files have %s", output.Count(report.Errors(), "error"))
	}

	if len(report.Webhooks) == 0 {
		return output.Failed("Name a file with a WhatsAppWebhook.", "the files have no WhatsAppWebhook")
	}

	objects, err := render(report, f.environment, f.without)
	if err != nil {
		return err
	}

	if p.Format == output.JSON {
		return p.Result(objectList{
			APIVersion: "v1",
			Kind:       "List",
			Items:      objects,
		}, nil)
	}

	return printObjects(p, objects)
}

// render returns the objects of all resources, without those of the kinds that are not served.
func render(report lint.Report, environment resources.Environment, without []string) ([]resources.Object, error) {
	var all []resources.Object

	for _, webhook := range report.Webhooks {
		params, err := resources.NewParams(webhook, environment)
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", webhook.Name, err)
		}

		for _, object := range resources.Render(params) {
			if !slices.Contains(without, *object.GetKind()) {
				all = append(all, object)
			}
		}
	}

	return all, nil
}

func printObjects(p *output.Printer, objects []resources.Object) error {
	for i, object := range objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			return fmt.Errorf("write %s %s: %w", *object.GetKind(), *object.GetName(), err)
		}

		if i > 0 {
			text = append([]byte("---\n"), text...)
		}

		// As it is: YAML escapes the control characters, and the marks of direction are a part of texts.
		if _, err := p.Out.Write(text); err != nil {
			return fmt.Errorf("write %s %s: %w", *object.GetKind(), *object.GetName(), err)
		}
	}

	return nil
}
