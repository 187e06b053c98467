// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// brokenSentence matches a line that goes on in the next one. kubectl explain wraps lines itself.
var brokenSentence = regexp.MustCompile(`[^\n]\n[^\n]`)

// TestEveryFieldIsExplained checks the texts for readers who know only the name of a field.
func TestEveryFieldIsExplained(t *testing.T) {
	t.Parallel()
	root := *readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema
	walk("", root, func(parent string, schema schemaProps) {
		if schema.Items != nil {
			schema = *schema.Items.Schema
			parent += "[]"
		}

		if slices.Contains(kubernetesTypes(), parent) {
			return
		}

		for name, field := range schema.Properties {
			path := strings.TrimPrefix(parent+"."+name, ".")
			if path == "metadata" || path == "kind" || path == "apiVersion" {
				continue
			}

			if !strings.HasPrefix(field.Description, name+" ") {
				t.Errorf("the text of %s does not start with its name: %q", path, field.Description)
			}

			if brokenSentence.MatchString(field.Description) {
				t.Errorf("the text of %s has a line break within a sentence: %q", path, field.Description)
			}

			if !strings.HasSuffix(field.Description, ".") {
				t.Errorf("the text of %s does not end with a full stop: %q", path, field.Description)
			}

			required := slices.Contains(schema.Required, name)
			if strings.HasPrefix(path, "spec.") && !required && !documentsDefault(field) && !slices.Contains(plainlyAbsent(), path) {
				t.Errorf("the text of %s does not document its default: %q", path, field.Description)
			}
		}
	})
}

// documentsDefault reports whether the text names the default. A group of optional fields need not: each field does.
func documentsDefault(field schemaProps) bool {
	text := strings.Join(strings.Fields(field.Description), " ")
	group := len(field.Properties) > 0 && len(field.Required) == 0

	return group ||
		strings.Contains(text, "Defaults to ") ||
		strings.Contains(text, "If not set, ") ||
		strings.Contains(text, "If neither ")
}

// plainlyAbsent returns the fields whose absence means that nothing is set or done.
func plainlyAbsent() []string {
	return []string{
		"spec.receiver.imagePullSecrets", "spec.receiver.env",
		"spec.commonMetadata.labels", "spec.commonMetadata.annotations", "spec.service.labels", "spec.service.annotations",
		"spec.receiver.podMetadata.labels", "spec.receiver.podMetadata.annotations",
		"spec.receiver.scheduling.affinity", "spec.receiver.scheduling.nodeSelector", "spec.receiver.scheduling.priorityClassName", "spec.receiver.scheduling.tolerations",
		"spec.ingress.annotations", "spec.gateway.annotations",
		"spec.monitoring.serviceMonitor", "spec.monitoring.serviceMonitor.labels", "spec.monitoring.prometheusRule", "spec.monitoring.prometheusRule.labels",
		"spec.monitoring.grafanaDashboard", "spec.monitoring.tracing", "spec.networkPolicy.egress",
	}
}

// TestExplain compares the texts of the CRD with the OpenAPI description the API server publishes, which kubectl explain
// shows.
func TestExplain(t *testing.T) {
	t.Parallel()

	client, err := discovery.NewDiscoveryClientForConfig(server.Admin)
	if err != nil {
		t.Fatal(err)
	}

	type text struct {
		Description string
		Enum        []string
	}

	read := func(schema schemaProps) map[string]text {
		texts := map[string]text{}
		walk("", schema, func(path string, schema schemaProps) {
			if strings.HasPrefix(path, "metadata") {
				return // published as a separate type
			}

			text := text{Description: schema.Description}
			for _, value := range schema.Enum {
				text.Enum = append(text.Enum, string(value.Raw))
			}

			texts[path] = text
		})

		return texts
	}
	shipped := read(*readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema)

	// The description is published a moment after the CRD is served.
	apiserver.Eventually(t, func() error {
		published, err := publishedSchema(client.OpenAPIV3())
		if err != nil {
			return err
		}

		got := read(published)
		for _, added := range []string{"kind", "apiVersion"} { // the API server has its own texts for these
			got[added] = shipped[added]
		}

		if diff := cmp.Diff(shipped, got); diff != "" {
			return fmt.Errorf("published texts (-shipped +published):\n%s", diff)
		}

		return nil
	})
}

func publishedSchema(published openapi.Client) (schemaProps, error) {
	paths, err := published.Paths()
	if err != nil {
		return schemaProps{}, err
	}

	group, ok := paths["apis/"+v1alpha1.SchemeGroupVersion.String()]
	if !ok {
		return schemaProps{}, errors.New("the group is not published yet")
	}

	data, err := group.Schema("application/json")
	if err != nil {
		return schemaProps{}, err
	}

	var document struct {
		Components struct{ Schemas map[string]schemaProps }
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return schemaProps{}, err
	}

	schema, ok := document.Components.Schemas["dev.wawebhook.whatsapp.v1alpha1."+v1alpha1.Kind]
	if !ok {
		return schemaProps{}, errors.New("the kind is not published yet")
	}

	return schema, nil
}

// TestNames checks the names kubectl accepts.
func TestNames(t *testing.T) {
	t.Parallel()

	names := readCRD(t).Spec.Names
	if diff := cmp.Diff([]string{"waw"}, names.ShortNames); diff != "" {
		t.Errorf("short names (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]string{"all"}, names.Categories); diff != "" {
		t.Errorf("categories (-want +got):\n%s", diff)
	}
}
