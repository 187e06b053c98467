// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

const minimalSpec = `
cloudAPI:
  accessTokenSecretRef: {name: whatsapp, key: access-token}
  appSecretSecretRefs: [{name: whatsapp, key: app-secret}]
  verifyTokenSecretRef: {name: whatsapp, key: verify-token}
bird:
  baseURL: https://bridge.example.com
  accessKeySecretRef: {name: bird, key: access-key}
`

// fullSpecs returns merge patches on the minimal spec. Together they set every field; there are several because some
// fields exclude others.
func fullSpecs() []string {
	return []string{`
suspend: true
commonMetadata: {labels: {team: sales}, annotations: {example.com/owner: sales}}
cloudAPI:
  baseURL: https://graph.example.com
  version: v27.0
  caSecretRef: {name: graph, key: ca.crt}
  coexistence: Enabled
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
  protocol: Contract
  authScheme: Bearer
  emptyAnswer: Fail
  caSecretRef: {name: bird, key: ca.crt}
  workspaceID: ws-1
  aiEmployeeID: ada
  endpoints: [{method: ParseDocument, path: /parse, timeoutSeconds: 120, state: Disabled}]
  media: {mode: Analyze, transport: Multipart}
  circuitBreaker: {failureThreshold: 5, openSeconds: 60}
notifications:
  sinkURL: https://events.example.com/whatsapp
  signingKeySecretRef: {name: sink, key: signing-key}
  caSecretRef: {name: sink, key: ca.crt}
processing:
  concurrency: 64
  retry: {maxRetries: 5, baseDelaySeconds: 1, maxDelaySeconds: 86400}
  typingIndicator: Disabled
  debounceSeconds: 3
  format: WhatsApp
  maxMessagesPerAnswer: 3
  passThreadControl: Enabled
  answerWithinSeconds: 60
  handoffSeconds: 3600
  fallbackText: We will come back to you.
  fallbackTemplate: {name: come_back, language: en_US}
  errorPolicies: [{code: 131026, class: RateLimited, scope: Recipient}]
store:
  embedded:
    size: 20Gi
    storageClassName: fast
    whenDeleted: Retain
    dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: monday}
    backup:
      schedule: "0 3 * * *"
      keep: 7
      keepDays: 30
      restore: Newest
      s3:
        bucket: copies
        prefix: production/sales
        region: eu-central-1
        endpoint: https://minio.example.com
        addressing: Path
        accessKeyIDSecretRef: {name: backup, key: id}
        secretAccessKeySecretRef: {name: backup, key: secret}
        caSecretRef: {name: backup, key: ca.crt}
  retentionDays: 7
  deadLetterDays: 60
  encryption: {keySecretRefs: [{name: store-keys, key: new}, {name: store-keys, key: old}]}
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
  env:
    - {name: REGION, value: eu}
    - {name: TOKEN, valueFrom: {secretKeyRef: {name: region, key: token}}}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
  proxy: {httpURL: "http://proxy.example.com:3128", httpsURL: "http://proxy.example.com:3128", noProxy: [.svc, 10.0.0.0/8]}
  media: {maxSpoolSize: 1Gi, downloadTimeoutSeconds: 60, allowedHosts: [.example.com]}
  shutdown: {drainSeconds: 60}
  podSecurityContext: {runAsNonRoot: true}
  securityContext: {readOnlyRootFilesystem: true}
  podTemplatePatch: {spec: {hostAliases: [{ip: 10.0.0.7, hostnames: [bridge.example.com]}]}}
service:
  type: LoadBalancer
  labels: {tier: edge}
  annotations: {example.com/load-balancer: internal}
  loadBalancerClass: example.com/nlb
  loadBalancerSourceRanges: [10.0.0.0/8, "2001:db8::/32"]
  externalTrafficPolicy: Local
ingress:
  host: hooks.example.com
  path: /meta
  className: nginx
  tlsSecretName: hooks-tls
  annotations: {cert-manager.io/cluster-issuer: public}
  maxBodySize: 8Mi
  healthCheckPath: /
monitoring:
  serviceMonitor: {state: Enabled, labels: {release: prometheus}, intervalSeconds: 15}
  prometheusRule: {state: Enabled, labels: {role: alerts}, oldestPendingSeconds: 120, silenceAfterMinutes: 720}
  grafanaDashboard: {state: Enabled, labels: {dashboards: messaging}}
  tracing:
    endpointURL: http://collector.observability.svc:4318
    linkTemplate: https://tempo.example.com/trace/{traceID}
    caSecretRef: {name: collector, key: ca.crt}
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
bird:
  protocol: Flow
  baseURL: https://flows.example.com/webhooks/1?version=2
  flow:
    signatureHeader: X-Bird-Signature
    signingKeySecretRef: {name: bird, key: hmac}
    maxBodyBytes: 100000
    timeoutSeconds: 30
    statuses: Enabled
  media: {transport: URL}
messagesAPI:
  keys:
    - {secretRef: {name: bird, key: messages}, role: Assistant}
    - {secretRef: {name: desk, key: messages}, role: Desk}
  exposure: Public
handoff:
  url: https://desk.example.com/whatsapp
  keySecretRef: {name: desk, key: key}
  caSecretRef: {name: desk, key: ca.crt}
gateway:
  parentRefs: [{name: public, namespace: gateways, sectionName: https}]
  host: hooks.example.com
  path: /meta
  annotations: {example.com/note: kept}
`, `
bird: null
openAI:
  baseURL: https://api.example.com/v1?api-version=2024-10-21
  model: small
  authScheme: APIKey
  keySecretRef: {name: model, key: key}
  caSecretRef: {name: model, key: ca.crt}
  instructionsConfigMapRef: {name: sales, key: prompt.md}
  memory: {turns: 10, hours: 12, characters: 8000}
  transcriptionModel: ears
  maxOutputTokens: 800
  timeoutSeconds: 90
  images: Disabled
  documents: Disabled
  tools: Disabled
  circuitBreaker: {failureThreshold: 5, openSeconds: 60}
store: {postgreSQL: {urlSecretRef: {name: database, key: url}}}
receiver: {autoscaling: {minReplicas: 1, maxReplicas: 100, cpu: {targetUtilizationPercent: 60}}}
`, `
store: {postgreSQL: {urlSecretRef: {name: database, key: url}}}
receiver: {autoscaling: {maxReplicas: 5, pendingWork: {targetPerReplica: 50}}}
`, `
store: {embedded: {existingClaim: sales-events, backup: {schedule: "@daily", volume: {existingClaim: copies, subPath: sales}}}}
`}
}

// newObject returns a WhatsAppWebhook with the spec; a nil spec is left out.
func newObject(version schema.GroupVersion, namespace string, spec map[string]any) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{}}
	if spec != nil {
		object.Object["spec"] = spec
	}

	object.SetGroupVersionKind(version.WithKind(v1alpha1.Kind))
	object.SetNamespace(namespace)
	object.SetGenerateName("test-")

	return object
}

// specOf returns the minimal spec with the merge patches applied.
func specOf(patches ...string) map[string]any {
	spec := tree(minimalSpec)
	for _, patch := range patches {
		merge(spec, tree(patch))
	}

	return spec
}

// tree parses YAML into a tree of JSON types. It panics on invalid YAML, since the text is a test's own.
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

// mergePatch returns a merge patch from YAML.
func mergePatch(t *testing.T, text string) client.Patch {
	t.Helper()

	data, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatal(err)
	}

	return client.RawPatch(types.MergePatchType, data)
}

// merge applies a merge patch to a tree.
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

// specWith returns the first full spec that has the field, with the value in it; nil removes the field. The path
// "cloudAPI.phoneNumberIDs[]" means the first element of the list.
func specWith(path string, value any) map[string]any {
	for _, patch := range fullSpecs() {
		spec := specOf(patch)
		if replace(spec, strings.Split(path, "."), value) {
			return spec
		}
	}

	panic("no full spec has " + path)
}

// replace sets the field at path, or removes it if value is nil. It reports whether the tree has the field.
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
