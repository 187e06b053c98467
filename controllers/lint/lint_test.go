// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/lint"
)

const resource = `apiVersion: whatsapp.wawebhook.dev/v1alpha1
kind: WhatsAppWebhook
metadata: {name: sales}
spec:
  cloudAPI:
    accessTokenSecretRef: {name: whatsapp, key: access-token}
    appSecretSecretRefs:
    - {name: whatsapp, key: app-secret}
    verifyTokenSecretRef: {name: whatsapp, key: verify-token}
  bird:
    baseURL: https://bridge.example.com
    accessKeySecretRef: {name: bird, key: access-key}
  ingress: {host: hooks.example.com, tlsSecretName: hooks-tls}
`

// check returns the findings about a file as people see them.
func check(t *testing.T, files ...lint.File) []string {
	t.Helper()

	linter, err := lint.New("")
	if err != nil {
		t.Fatal(err)
	}

	var lines []string
	for _, finding := range linter.Lint(t.Context(), files).Findings {
		lines = append(lines, finding.String())
	}

	return lines
}

func file(text string) lint.File { return lint.File{Name: "sales.yaml", Data: []byte(text)} }

func TestFindings(t *testing.T) {
	t.Parallel()

	replaced := func(from, to string) string { return strings.Replace(resource, from, to, 1) }
	added := func(lines string) string { return resource + lines + "\n" }
	withSubscription := func(fields string) string {
		return replaced("  bird:\n", "    subscription: {"+fields+"}\n  bird:\n")
	}
	bucket := func(fields string) string {
		return "  store: {embedded: {backup: {schedule: '@daily', s3: {bucket: backups, accessKeyIDSecretRef: {name: s3, key: id}, " +
			"secretAccessKeySecretRef: {name: s3, key: secret}" + fields + "}}}}"
	}
	other := strings.NewReplacer("{name: sales}", "{name: support}", "hooks.example", "support.example").Replace

	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"a resource without mistakes": {text: resource},
		"no object":                   {text: "# nothing\n---\n"},
		"JSON": {
			text: `{"apiVersion": "whatsapp.wawebhook.dev/v1alpha1", "kind": "WhatsAppWebhook", "metadata": {"name": "a"},` + "\n" + `"spec": {"suspended": true}}`,
			want: []string{
				"sales.yaml:1: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
				"sales.yaml:2: spec.suspended: unknown field; did you mean spec.suspend?",
				"sales.yaml:2: spec.cloudAPI: Required value; cloudAPI configures the WhatsApp Business side: Meta's Cloud API, phone numbers, tokens and secrets",
			},
		},
		"a field that is misspelt": {
			text: replaced("baseURL", "baseUrl"),
			want: []string{
				"sales.yaml:1: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
				"sales.yaml:10: spec.bird.baseURL: Required value; baseURL is the URL to which the path of each method is appended",
				"sales.yaml:11: spec.bird.baseUrl: unknown field; did you mean spec.bird.baseURL?",
			},
		},
		"a field in the wrong place": {
			text: added("  host: hooks.example.com"),
			want: []string{"sales.yaml:14: spec.host: unknown field; did you mean spec.gateway.host or spec.ingress.host?"},
		},
		"a field that is like no other": {
			text: added("  receiver: {colour: green}"),
			want: []string{"sales.yaml:14: spec.receiver.colour: unknown field; kubectl explain whatsappwebhook.spec.receiver lists the fields"},
		},
		"a word that YAML takes for a truth value": {
			text: replaced("key: app-secret", "key: on"),
			want: []string{
				"sales.yaml:1: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
				`sales.yaml:8: spec.cloudAPI.appSecretSecretRefs[0].key: Invalid value: "boolean": must be of type string: "boolean"; put the value in quotes`,
			},
		},
		"a rule": {
			text: added("  receiver:\n    replicas: 3"),
			want: []string{"sales.yaml:15: spec: receiver.replicas must be 0 or 1 with the embedded store, which allows one writer; store.postgreSQL allows more"},
		},
		"no metadata": {
			text: replaced("metadata: {name: sales}\n", ""),
			want: []string{
				"sales.yaml:1: metadata.name: Required value: name or generateName is required",
				"sales.yaml:1: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
			},
		},
		"an invalid name": {
			text: replaced("{name: sales}", "{name: Sales}"),
			want: []string{`sales.yaml:3: metadata.name: Invalid value: "Sales": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', ` +
				`and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`},
		},
		"a patch that the operator cannot use": {
			text: added("  receiver:\n    podTemplatePatch:\n      spec: {nodSelector: {}}"),
			want: []string{`sales.yaml:15: spec.receiver.podTemplatePatch: the operator cannot use it: spec.receiver.podTemplatePatch: unknown field "spec.nodSelector"`},
		},
		"quantities that would take hours": {
			text: added("  store: {embedded: {size: \"1e-999999999\"}}\n  receiver:\n    resources: {limits: {memory: \"1e-999999999\"}}"),
			want: []string{
				`sales.yaml:14: spec.store.embedded.size: Invalid value: "1e-999999999": should match '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$'; size is the size of the volume, at least 100Mi`,
				`sales.yaml:16: spec.receiver.resources.limits.memory: Invalid value: "1e-999999999": should match '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$'`,
			},
		},
		"a patch that would panic": {
			text: added("  receiver:\n    podTemplatePatch:\n      $retainKeys: [{}]"),
			want: []string{"sales.yaml:15: spec.receiver.podTemplatePatch: the operator cannot use it: spec.receiver.podTemplatePatch: $retainKeys: must be a list of strings"},
		},
		"resources that no autoscaler can use": {
			text: added("  store: {postgreSQL: {urlSecretRef: {name: db, key: url}}}\n  receiver:\n    autoscaling: {maxReplicas: 3}\n    resources: {requests: {memory: 1Gi}}"),
			want: []string{"sales.yaml:17: spec.receiver.resources: the operator cannot use it: spec.receiver.resources has no CPU request, of which receiver.autoscaling measures the use: " +
				"set receiver.resources.requests.cpu to the CPU that one pod is expected to use, such as 500m"},
		},
		"another version": {
			text: replaced("v1alpha1", "v1"),
			want: []string{`sales.yaml:1: apiVersion: there is no WhatsAppWebhook of version "whatsapp.wawebhook.dev/v1"; set apiVersion: whatsapp.wawebhook.dev/v1alpha1`},
		},
		"another kind": {
			text: replaced("kind: WhatsAppWebhook", "kind: WhatsappWebhook"),
			want: []string{`sales.yaml:2: kind: the API whatsapp.wawebhook.dev has no kind "WhatsappWebhook"; set kind: WhatsAppWebhook`},
		},
		"a key that is set twice, in the second document": {
			text: "a: b\n---\n" + replaced("spec:", "metadata: {name: other}\nspec:"),
			want: []string{`sales.yaml:6: cannot be read: key "metadata" already set in map`},
		},
		"a template": {
			text: replaced("{name: sales}", "{{ .Values.name }}"),
			want: []string{`sales.yaml:1: cannot be read: invalid map key: map[interface {}]interface {}{".Values.name":interface {}(nil)}; if it is a template, check what it renders: helm template … | whatsapp-webhook lint -`},
		},
		"an element of a List": {
			text: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: whatsapp.wawebhook.dev/v2\n  kind: WhatsAppWebhook\n",
			want: []string{`sales.yaml:4: apiVersion: there is no WhatsAppWebhook of version "whatsapp.wawebhook.dev/v2"; set apiVersion: whatsapp.wawebhook.dev/v1alpha1`},
		},
		"a Secret without the key": {
			text: resource + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: whatsapp}\nstringData: {access-token: a, verify-token: b, app_secret: c}\n",
			want: []string{`sales.yaml:8: spec.cloudAPI.appSecretSecretRefs[0].key: Secret whatsapp in sales.yaml has no key "app-secret"; ` +
				"add it, or refer to one that it has: access-token, app_secret, verify-token"},
		},
		"a Secret with an empty value": {
			text: resource + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: bird, namespace: default}\ndata: {access-key: ''}\n",
			want: []string{`sales.yaml:12: spec.bird.accessKeySecretRef.key: the key "access-key" of Secret bird in sales.yaml is empty; give it a value`},
		},
		"a Secret of another namespace": {
			text: resource + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: bird, namespace: other}\n",
		},
		"a variable from binary data": {
			text: added("  receiver: {env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: texts, key: hello}}}]}") +
				"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: texts}\nbinaryData: {hello: aGVsbG8=}\n",
			want: []string{`sales.yaml:14: spec.receiver.env[0].valueFrom.configMapKeyRef.key: ConfigMap texts in sales.yaml has "hello" in binaryData, ` +
				"which no variable can get; move it to data"},
		},
		"a Secret whose value is not encoded": {
			text: "apiVersion: v1\nkind: Secret\nmetadata: {name: bird}\ndata:\n  access-key: sec-ret\n",
			want: []string{"sales.yaml:5: data[access-key]: the value is not base64; move it to stringData, which takes it as it is"},
		},
		"a Secret that SOPS has encrypted": {
			text: resource + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: bird}\ndata: {key: 'ENC[AES256_GCM,data:Zm9v,iv:YQ==,tag:Yg==,type:str]'}\nsops: {version: 3.13.2}\n",
			want: []string{`sales.yaml:12: spec.bird.accessKeySecretRef.key: Secret bird in sales.yaml has no key "access-key"; add it, or refer to one that it has: key`},
		},
		"two resources of one name": {
			text: resource + "---\n" + replaced("hooks.example.com", "others.example.com"),
			want: []string{"sales.yaml:17: metadata.name: the resource default/sales is in sales.yaml:1 too, and only one of them can be applied; rename or remove one of them"},
		},
		"two resources of one address": {
			text: resource + "---\n" + replaced("{name: sales}", "{name: support}"),
			want: []string{"sales.yaml:18: warning: spec: the resource default/sales in sales.yaml:1 has the address https://hooks.example.com/webhooks/whatsapp too, " +
				"and only one of them gets Meta's deliveries; set another host or path"},
		},
		"two resources of one app": {
			text: withSubscription(`appID: "77"`) + "---\n" + other(withSubscription(`appID: "77", callbackScope: App`)),
			want: []string{"sales.yaml:25: warning: spec.cloudAPI.subscription.appID: the resource default/sales in sales.yaml:1 sets the callback of app 77 too, " +
				"and each overwrites the other's; set callbackScope: PhoneNumber or BusinessAccount in both, or use an app for each"},
		},
		"two resources of one account": {
			text: withSubscription(`appID: "77", callbackScope: BusinessAccount, businessAccountIDs: ["9001"]`) + "---\n" +
				other(withSubscription(`appID: "77", callbackScope: BusinessAccount, businessAccountIDs: ["9002", "9001"]`)),
			want: []string{"sales.yaml:25: warning: spec.cloudAPI.subscription.businessAccountIDs: the resource default/sales in sales.yaml:1 sets the callback of " +
				"business account 9001 for app 77 too, and each overwrites the other's; set callbackScope: PhoneNumber in both, or keep the account in one"},
		},
		"two resources of one app, and an account for each": {
			text: withSubscription(`appID: "77", callbackScope: BusinessAccount, businessAccountIDs: ["9001"]`) + "---\n" +
				other(withSubscription(`appID: "77", callbackScope: BusinessAccount, businessAccountIDs: ["9002"]`)),
		},
		"two resources of one volume": {
			text: added("  store: {embedded: {existingClaim: events}}") + "---\n" +
				strings.NewReplacer("{name: sales}", "{name: support}", "hooks.example", "support.example").Replace(added("  store: {embedded: {existingClaim: events}}")),
			want: []string{"sales.yaml:29: spec.store.embedded.existingClaim: the resource default/sales in sales.yaml:1 uses this PersistentVolumeClaim too, and a volume has one writer; name another claim"},
		},
		"the volume of another resource": {
			text: added("  store: {embedded: {existingClaim: support-store}}") + "---\n" + other(resource),
			want: []string{"sales.yaml:14: spec.store.embedded.existingClaim: the resource default/support in sales.yaml:16 uses this PersistentVolumeClaim too, and a volume has one writer; name another claim"},
		},
		"backups on the volume of the store": {
			text: added("  store: {embedded: {backup: {schedule: '@daily', volume: {existingClaim: sales-store}}}}"),
			want: []string{"sales.yaml:14: spec.store.embedded.backup.volume.existingClaim: the operator cannot use it: " +
				"spec.store.embedded.backup.volume.existingClaim must not be sales-store, the claim of the store, with which the backups would be lost"},
		},
		"two resources of one folder of backups": {
			text: added("  store: {embedded: {backup: {schedule: '@daily', volume: {existingClaim: backups, subPath: all}}}}") + "---\n" +
				other(added("  store: {embedded: {backup: {schedule: '@daily', volume: {existingClaim: backups, subPath: all}}}}")),
			want: []string{"sales.yaml:29: spec.store.embedded.backup.volume: the resource default/sales in sales.yaml:1 keeps its backups in the same folder, " +
				"and each deletes the other's; set another subPath"},
		},
		"two resources of one prefix of backups": {
			text: added(bucket("")) + "---\n" + other(added(bucket(", prefix: default/sales"))),
			want: []string{"sales.yaml:29: spec.store.embedded.backup.s3: the resource default/sales in sales.yaml:1 keeps its backups in the same folder, " +
				"and each deletes the other's; set another prefix"},
		},
		"two resources of one bucket, and a folder for each": {
			text: added(bucket("")) + "---\n" + other(added(bucket(""))),
		},
		"a resource that nothing publishes": {
			text: replaced("  ingress: {host: hooks.example.com, tlsSecretName: hooks-tls}\n", ""),
			want: []string{"sales.yaml:4: warning: spec: nothing publishes the webhook, so Meta cannot call it; set ingress.host or gateway.host, or publish the Service sales yourself"},
		},
		"an Ingress without a certificate": {
			text: replaced(", tlsSecretName: hooks-tls", ""),
			want: []string{"sales.yaml:13: warning: spec.ingress.host: the Ingress names no certificate, and Meta calls only an address with a valid one; " +
				"set ingress.tlsSecretName, unless the ingress controller has a certificate for hooks.example.com"},
		},
		"a bridge in the pod": {
			text: replaced("https://bridge.example.com", "http://localhost:8000"),
			want: []string{"sales.yaml:11: warning: spec.bird.baseURL: localhost is the receiver's own pod; set the address of the service, such as http://bridge.sales.svc"},
		},
		"a bridge without TLS": {
			text: replaced("https://bridge.example.com", "http://bridge.example.com"),
			want: []string{"sales.yaml:11: warning: spec.bird.baseURL: messages and the key are sent unencrypted to bridge.example.com; set an https address"},
		},
		"a bridge in the cluster": {text: replaced("https://bridge.example.com", "http://bridge.sales.svc")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if diff := cmp.Diff(test.want, check(t, file(test.text))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSamples checks what the project ships.
func TestSamples(t *testing.T) {
	t.Parallel()

	files, err := lint.ReadFiles([]string{"../../config"}, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}

	linter, err := lint.New("")
	if err != nil {
		t.Fatal(err)
	}

	report := linter.Lint(t.Context(), files)
	if report.Errors() > 0 || report.Checked < 20 || len(report.Webhooks) != report.Checked || report.Others == 0 {
		t.Errorf("%d resources, %d valid ones, %d others: %v", report.Checked, len(report.Webhooks), report.Others, report.Findings)
	}
}

func TestReadFiles(t *testing.T) {
	t.Parallel()

	folder := t.TempDir()
	for name, text := range map[string]string{
		"a.yaml":            "a: b",
		"below/b.yml":       "a: {{ template }}",
		"below/c.json":      "{}",
		"below/d.txt":       "no manifest",
		".git/e.yaml":       "hidden: true",
		"below/.hidden.yml": "hidden: true",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	files, err := lint.ReadFiles([]string{"-", folder, filepath.Join(folder, "below", "d.txt")}, strings.NewReader("in: put"))
	if err != nil {
		t.Fatal(err)
	}

	var names []string
	for _, f := range files {
		names = append(names, strings.TrimPrefix(f.Name, folder+string(filepath.Separator)))
	}

	if diff := cmp.Diff([]string{"standard input", "a.yaml", "below/b.yml", "below/c.json", "below/d.txt"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// What a folder has besides manifests is not a finding; a file that was named is.
	want := []string{filepath.Join(folder, "below", "d.txt") + ":1: cannot be read: is not an object: an object has apiVersion, kind and metadata"}
	if diff := cmp.Diff(want, check(t, files...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	if _, err := lint.ReadFiles([]string{filepath.Join(folder, "none.yaml")}, nil); err == nil {
		t.Error("a file that does not exist was read")
	}
}
