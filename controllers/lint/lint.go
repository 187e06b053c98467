// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lint checks WhatsAppWebhooks in files, without a cluster. It finds what the API server would refuse, in the API
// server's words, and what only the operator or the receiver would find later.
package lint

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// Linter checks files.
type Linter struct {
	schema *resourceSchema
	fields *fields
}

// New returns a Linter with the CustomResourceDefinition of this version. Objects that name no namespace are in the given
// one. It defaults to "default", as for kubectl.
func New(namespace string) (*Linter, error) {
	s, err := newResourceSchema()
	if err != nil {
		return nil, err
	}

	s.namespace = cmp.Or(namespace, "default")

	return &Linter{schema: s, fields: newFields(s.structural)}, nil
}

// Report is the result of a check.
type Report struct {
	// Findings are in the order of files and lines.
	Findings []Finding
	// Webhooks are the resources without errors, as the API server would store them.
	Webhooks []*v1alpha1.WhatsAppWebhook
	// Checked is the number of resources.
	Checked int
	// Others is the number of objects of other kinds. Secrets and ConfigMaps among them are looked up for the keys that
	// resources refer to.
	Others int
}

// Errors returns the number of findings that are errors.
func (r Report) Errors() int {
	count := 0
	for _, finding := range r.Findings {
		if finding.Level == LevelError {
			count++
		}
	}

	return count
}

// Lint checks the resources in the files, each alone and all together.
func (l *Linter) Lint(ctx context.Context, files []File) Report {
	var (
		report    Report
		resources []resource
	)

	values := newValues()

	for _, file := range files {
		all, findings := documents(file, l.schema.namespace)
		report.Findings = append(report.Findings, findings...)

		for _, d := range all {
			if finding, wrong := misnamed(d); wrong {
				report.Findings = append(report.Findings, finding)
				continue
			}

			if d.kind() != v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.Kind) {
				report.Others++
				report.Findings = append(report.Findings, values.add(d)...)

				continue
			}

			report.Checked++

			r, findings := l.check(ctx, d)
			report.Findings = append(report.Findings, findings...)

			if r != nil {
				resources = append(resources, *r)
				report.Webhooks = append(report.Webhooks, r.webhook)
			}
		}
	}

	for _, r := range resources {
		report.Findings = append(report.Findings, values.missing(r)...)
		report.Findings = append(report.Findings, warnings(r)...)
	}

	report.Findings = append(report.Findings, conflicts(resources)...)
	sortFindings(report.Findings, files)

	return report
}

// resource is a resource without errors.
type resource struct {
	document

	webhook *v1alpha1.WhatsAppWebhook
}

// misnamed returns a finding about an object that is meant to be a WhatsAppWebhook, and whose kind or version does not exist.
func misnamed(d document) (Finding, bool) {
	kind := d.kind()

	switch ours := kind.Group == v1alpha1.SchemeGroupVersion.Group; {
	case ours && kind.Kind != v1alpha1.Kind:
		finding := d.at("kind", LevelError, fmt.Sprintf("the API %s has no kind %q", kind.Group, kind.Kind))
		finding.Fix = "set kind: " + v1alpha1.Kind

		return finding, true
	case ours != (kind.Kind == v1alpha1.Kind) || ours && kind.Version != v1alpha1.SchemeGroupVersion.Version:
		finding := d.at("apiVersion", LevelError, fmt.Sprintf("there is no %s of version %q", v1alpha1.Kind, apiVersion(kind)))
		finding.Fix = "set apiVersion: " + v1alpha1.SchemeGroupVersion.String()

		return finding, true
	}

	return Finding{}, false
}

func apiVersion(kind schema.GroupVersionKind) string { return kind.GroupVersion().String() }

// check checks one resource. The resource is nil if it has errors.
func (l *Linter) check(ctx context.Context, d document) (*resource, []Finding) {
	validated, err := l.schema.validate(ctx, d.object)
	if err != nil {
		return nil, []Finding{d.at("", LevelError, err.Error())}
	}

	findings := l.fields.refused(d, validated)
	if len(findings) > 0 {
		return nil, findings
	}

	webhook := &v1alpha1.WhatsAppWebhook{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(validated.object, webhook); err != nil {
		return nil, []Finding{d.at("", LevelError, err.Error())}
	}

	if _, err := resources.NewParams(webhook, resources.Environment{}); err != nil {
		return nil, l.fields.unusable(d, err)
	}

	return &resource{document: d, webhook: webhook}, nil
}
