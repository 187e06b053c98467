// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestPolicyOfTenants applies the policy in config/policies, and sends resources to a namespace that it selects and to one
// that it does not.
func TestPolicyOfTenants(t *testing.T) {
	t.Parallel()

	for _, object := range readObjects(t, root+"/config/policies/whatsappwebhooks.yaml") {
		server.MustCreate(t, object)
	}

	tenant := server.NewNamespace(t)
	free := server.NewNamespace(t)

	label := &corev1.Namespace{}
	label.Name = tenant

	if err := server.Patch(t.Context(), label, mergePatch(t, `{metadata: {labels: {whatsapp-webhook-tenant: "true"}}}`)); err != nil {
		t.Fatal(err)
	}

	create := func(namespace, patch string) error {
		return strict().Create(t.Context(), newObject(v1alpha1.SchemeGroupVersion, namespace, specOf(patch)), client.DryRunAll)
	}

	image := `{receiver: {image: registry.example.com/mine}}`
	own := fmt.Sprintf(`{ingress: {host: hooks.%s.example.com}}`, tenant)

	// The API server takes up a policy a moment after it is created.
	apiserver.Eventually(t, func() error {
		if err := create(tenant, image); err == nil {
			return fmt.Errorf("%s is accepted", image)
		}

		return nil
	})

	const (
		snippet = "nginx.ingress.kubernetes.io/server-snippet: x"
		alias   = "nginx.ingress.kubernetes.io/server-alias: hooks.example.com"
		noAlias = "annotations must not add hosts"
		noParts = "annotations must not have snippets"
	)

	withIngress := func(annotation string) string {
		return fmt.Sprintf(`{ingress: {host: a.%s.example.com, annotations: {%s}}}`, tenant, annotation)
	}
	withCommon := func(annotation string) string {
		return fmt.Sprintf(`{ingress: {host: a.%s.example.com}, commonMetadata: {annotations: {%s}}}`, tenant, annotation)
	}

	for patch, want := range map[string]string{
		image: "spec.receiver.image is chosen by the platform team",
		`{receiver: {podTemplatePatch: {spec: {hostNetwork: true}}}}`:        "spec.receiver.podTemplatePatch can set any field of a pod",
		`{ingress: {host: hooks.example.com}}`:                               "the host must end in ." + tenant + ".example.com",
		`{gateway: {host: hooks.example.com, parentRefs: [{name: public}]}}`: "the host must end in ." + tenant + ".example.com",

		withIngress(snippet):                                                 noParts,
		withCommon(snippet):                                                  noParts,
		withIngress("nginx.org/location-snippets: x"):                        noParts,
		withCommon("haproxy-ingress.github.io/config-backend: x"):            noParts,
		fmt.Sprintf(`{service: {annotations: {%s}}}`, snippet):               noParts,
		fmt.Sprintf(`{receiver: {podMetadata: {annotations: {%s}}}}`, alias): noAlias,
		fmt.Sprintf(`{gateway: {host: a.%s.example.com, parentRefs: [{name: public}], annotations: {%s}}}`, tenant, alias): noAlias,

		withIngress(alias): noAlias,
		withCommon(alias):  noAlias,
		withIngress("konghq.com/host-aliases: hooks.example.com"):                  noAlias,
		withIngress("nginx.ingress.kubernetes.io/from-to-www-redirect: 'true'"):    noAlias,
		withCommon("external-dns.alpha.kubernetes.io/hostname: hooks.example.com"): noAlias,
		withCommon("alb.ingress.kubernetes.io/conditions.sales: '[]'"):             noAlias,
		withIngress("cert-manager.io/alt-names: hooks.example.com"):                noAlias,
		withCommon("dns.alpha.kubernetes.io/external: hooks.example.com"):          noAlias,
		withCommon("getambassador.io/config: x"):                                   noAlias,
	} {
		wantMessage(t, create(tenant, patch), want)

		if err := create(free, patch); err != nil {
			t.Errorf("%s in a namespace without the label: %v", patch, err)
		}
	}

	for _, patch := range []string{
		`{}`,
		own,
		withIngress("cert-manager.io/cluster-issuer: letsencrypt"),
		withCommon("example.com/team: sales"),
		`{receiver: {podMetadata: {annotations: {example.com/team: sales}}}}`,
	} {
		if err := create(tenant, patch); err != nil {
			t.Errorf("%s of a tenant: %v", patch, err)
		}
	}
}
