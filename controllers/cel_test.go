// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

type spec = v1alpha1.WhatsAppWebhookSpec

// trial is a spec that the API server is to accept, or to refuse for one reason.
//
// Specs are trees and not Go types here, because the Go types cannot hold what must be refused: they leave out zeros.
type trial struct {
	name    string
	spec    map[string]any
	field   string // the one that is refused, with [] for any element: "spec.bird.endpoints[].path"
	message string // part of what is said of it; "" when the spec is accepted
}

const minimalSpec = `
cloudAPI:
  accessTokenSecretRef: {name: whatsapp, key: access-token}
  appSecretSecretRefs: [{name: whatsapp, key: app-secret}]
  verifyTokenSecretRef: {name: whatsapp, key: verify-token}
bird:
  baseURL: https://bridge.example.com
  accessKeySecretRef: {name: bird, key: access-key}
`

// fullSpecs are merge patches on the smallest spec. Together they set every field; several, because some exclude others.
func fullSpecs() []string {
	return []string{`
cloudAPI:
  baseURL: https://graph.example.com
  version: v26.0
  phoneNumberIDs: ["106540352242922"]
  messagesPerSecond: 20
  subscription:
    appID: "1"
    businessAccountIDs: ["102290129340398"]
    fields: [messages]
    callbackScope: App
    callbackURL: https://hooks.example.com/webhooks/whatsapp
  mutualTLS:
    certificateSecretName: hooks-tls
    clientCASecretRef: {name: meta-ca, key: ca.crt}
    commonName: client.example.com
bird:
  authScheme: Bearer
  workspaceID: ws-1
  aiEmployeeID: ada
  endpoints: [{method: ParseDocument, path: /parse, timeoutSeconds: 120, state: Disabled}]
  media: {mode: Analyze, transport: Multipart}
  circuitBreaker: {failureThreshold: 5, openSeconds: 60}
notifications:
  sinkURL: https://events.example.com/whatsapp
  signingKeySecretRef: {name: sink, key: signing-key}
processing:
  concurrency: 64
  retry: {maxRetries: 5, baseDelaySeconds: 1, maxDelaySeconds: 86400}
  typingIndicator: Disabled
  debounceSeconds: 3
  handoffSeconds: 3600
  fallbackText: We will come back to you.
  fallbackTemplate: {name: come_back, language: en_US}
  errorPolicies: [{code: 131026, class: RateLimited, scope: Recipient}]
store:
  embedded: {size: 20Gi, storageClassName: fast}
  retentionDays: 7
receiver:
  image: registry.example.com/receiver:v1
  imagePullPolicy: Always
  imagePullSecrets: [{name: registry}]
  resources: {requests: {cpu: 250m}, limits: {memory: 1Gi}}
  podDisruptionBudget: {maxUnavailable: 0}
  scheduling:
    nodeSelector: {kubernetes.io/os: linux}
    tolerations: [{key: dedicated, operator: Exists, effect: NoSchedule}]
    affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: zone, operator: Exists}]}}]}}
    topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]
    priorityClassName: business-critical
  podMetadata: {labels: {team: sales}, annotations: {example.com/note: kept}}
  logLevel: Debug
ingress:
  host: hooks.example.com
  path: /meta
  className: nginx
  tlsSecretName: hooks-tls
  annotations: {cert-manager.io/cluster-issuer: public}
monitoring:
  serviceMonitor: {state: Enabled, labels: {release: prometheus}, intervalSeconds: 15}
  prometheusRule: {state: Enabled, labels: {role: alerts}, oldestPendingSeconds: 120}
  grafanaDashboard: {state: Enabled, labels: {dashboards: messaging}}
  tracing: {endpointURL: "http://collector.observability.svc:4318"}
networkPolicy:
  state: Enabled
  webhookFrom: [{podSelector: {matchLabels: {app: ingress}}}]
  adminFrom: [{ipBlock: {cidr: 10.0.0.0/8}}]
  databasePort: 6432
  egress: [{to: [{ipBlock: {cidr: 10.0.0.7/32}}], ports: [{protocol: TCP, port: 3128}]}]
`, `
store:
  postgreSQL:
    urlSecretRef: {name: database, key: url}
    caSecretRef: {name: database, key: ca.crt}
    maxConnections: 32
receiver: {replicas: 3}
gateway:
  parentRefs: [{name: public, namespace: gateways, sectionName: https}]
  host: hooks.example.com
  path: /meta
  annotations: {example.com/note: kept}
`, `
store: {postgreSQL: {urlSecretRef: {name: database, key: url}}}
receiver: {autoscaling: {minReplicas: 1, maxReplicas: 100, cpu: {targetUtilizationPercent: 60}}}
`, `
store: {postgreSQL: {urlSecretRef: {name: database, key: url}}}
receiver: {autoscaling: {maxReplicas: 5, pendingWork: {targetPerReplica: 50}}}
`}
}

func TestCreateIsValidated(t *testing.T) {
	t.Parallel()

	namespace := newNamespace(t)
	for _, trial := range trials() {
		t.Run(trial.name, func(t *testing.T) {
			t.Parallel()

			object := newObject(v1alpha1.SchemeGroupVersion, namespace, trial.spec)
			checkCause(t, strict().Create(t.Context(), object, client.DryRunAll), trial.field, trial.message)
		})
	}
}

// trials are those of creating a resource.
func trials() []trial {
	all := []trial{{name: "no spec", field: "spec", message: "Required value"}}
	for i, patch := range append([]string{"{}"}, fullSpecs()...) {
		all = append(all, trial{name: fmt.Sprintf("full %d", i), spec: specOf(patch)})
	}

	return append(append(all, ruleTrials()...), limitTrials()...)
}

// strict refuses fields that the API does not have, which would be mistakes of the test.
func strict() client.Client {
	return client.WithFieldValidation(testCluster.Client, metav1.FieldValidationStrict)
}

func newObject(version schema.GroupVersion, namespace string, spec map[string]any) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{}}
	if spec != nil {
		object.Object["spec"] = spec
	}

	object.SetGroupVersionKind(version.WithKind(v1alpha1.Kind))
	object.SetNamespace(namespace)
	object.SetGenerateName("trial-")

	return object
}

// specOf returns the smallest spec with the merge patches in it.
func specOf(patches ...string) map[string]any {
	spec := tree(minimalSpec)
	for _, patch := range patches {
		merge(spec, tree(patch))
	}

	return spec
}

// tree panics on text that is no YAML, because that is the text of a test.
func tree(text string) map[string]any {
	data, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}

	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(fmt.Appendf(nil, `{"kind": "Tree", "tree": %s}`, data)); err != nil {
		panic(err)
	}

	return object.Object["tree"].(map[string]any)
}

// mergePatch is written in YAML.
func mergePatch(t *testing.T, text string) client.Patch {
	t.Helper()

	data, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatal(err)
	}

	return client.RawPatch(types.MergePatchType, data)
}

func merge(into, patch map[string]any) {
	for key, value := range patch {
		from, isMap := value.(map[string]any)

		to, wasMap := into[key].(map[string]any)
		switch {
		case value == nil:
			delete(into, key)
		case isMap && wasMap:
			merge(to, from)
		default:
			into[key] = value
		}
	}
}

// specWith returns the first of the full specs that has the field, with another value there; nil takes the field away.
// An element of a list is the first one: "cloudAPI.phoneNumberIDs[]".
func specWith(path string, value any) map[string]any {
	for _, patch := range fullSpecs() {
		spec := specOf(patch)
		if replace(spec, strings.Split(path, "."), value) {
			return spec
		}
	}

	panic("no full spec has " + path)
}

func replace(node map[string]any, path []string, value any) bool {
	name, isElement := strings.CutSuffix(path[0], "[]")

	child, found := node[name]
	if !found {
		return false
	}

	list, isList := child.([]any)
	if isElement && (!isList || len(list) == 0) {
		return false
	}

	switch {
	case len(path) > 1 && isElement:
		child = list[0]
		fallthrough
	case len(path) > 1:
		next, isMap := child.(map[string]any)
		return isMap && replace(next, path[1:], value)
	case isElement:
		list[0] = value
	case value == nil:
		delete(node, name)
	default:
		node[name] = runtime.DeepCopyJSONValue(value)
	}

	return true
}

var anyIndex = regexp.MustCompile(`\[[^]]*]`)

// checkCause wants the API server to have refused the field, with the message; or nothing when the message is "".
func checkCause(t *testing.T, err error, field, message string) {
	t.Helper()

	if message == "" || err == nil {
		check(t, err, message)
		return
	}

	if !hasCause(err, field, message) {
		t.Errorf("refused, but not because of %s %q: %v", field, message, err)
	}
}

func hasCause(err error, field, message string) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.ErrStatus.Details == nil {
		return false
	}

	for _, cause := range status.ErrStatus.Details.Causes {
		if anyIndex.ReplaceAllString(cause.Field, "[]") == field && strings.Contains(cause.Message, message) {
			return true
		}
	}

	return false
}

func check(t *testing.T, err error, want string) {
	t.Helper()

	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && err == nil:
		t.Errorf("accepted; want a refusal with %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("refused, but the message lacks %q: %v", want, err)
	}
}
