// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// updateCase is a change of a resource. Both sides are merge patches on the minimal spec.
type updateCase struct {
	before, after string
	message       string // of the rejection; "" if the change is valid
}

func updateCases() []updateCase {
	const (
		oneWriter     = "receiver.replicas must be 0 or 1 with the embedded store, which allows one writer; store.postgreSQL allows more"
		noAutoscaling = "receiver.autoscaling requires store.postgreSQL: the embedded store allows one writer"
		noCallback    = "cloudAPI.subscription requires a callback URL: set ingress, gateway or cloudAPI.subscription.callbackURL"

		oneAI = "exactly one of the fields in [bird openAI] must be set"

		flow     = `{bird: {protocol: Flow, authScheme: None, accessKeySecretRef: null}}`
		model    = `{bird: null, openAI: {baseURL: "https://a.example.com", model: m, authScheme: None}}`
		fast     = `{store: {embedded: {storageClassName: fast}}}`
		big      = `{store: {embedded: {size: 20Gi}}}`
		small    = `{store: {embedded: {size: 1Gi}}}`
		nothing  = `{}`
		database = `{store: {postgreSQL: {urlSecretRef: {name: db, key: url}}}}`
		three    = `{receiver: {replicas: 3}, store: {postgreSQL: {urlSecretRef: {name: db, key: url}}}}`
		scaled   = `{receiver: {autoscaling: {maxReplicas: 3}}, store: {postgreSQL: {urlSecretRef: {name: db, key: url}}}}`
	)

	return []updateCase{
		// Only the API server knows the volume, so it decides about the claim, and says so in its own words.
		{big, small, ""},
		{small, big, ""},
		{big, `{store: {embedded: {size: null}}}`, ""},
		{big, `{store: null}`, ""},
		{fast, `{store: {embedded: {storageClassName: slow}}}`, ""},
		{fast, `{store: {embedded: {storageClassName: null}}}`, ""},
		{nothing, fast, ""},

		{nothing, database, ""},
		{`{store: {embedded: {size: 20Gi, storageClassName: fast}}}`, `{store: {embedded: null, postgreSQL: {urlSecretRef: {name: db, key: url}}}}`, ""},
		{database, `{store: {postgreSQL: null, embedded: {size: 1Gi, storageClassName: fast}}}`, ""},
		{database, `{store: null}`, ""},
		{database, `{store: {postgreSQL: {urlSecretRef: {name: other}}}}`, ""},
		{nothing, three, ""},
		{nothing, scaled, ""},
		{nothing, `{receiver: {replicas: 3}}`, oneWriter},
		{three, `{store: null}`, oneWriter},
		{three, `{store: {postgreSQL: null, retentionDays: 7}}`, oneWriter},
		{three, `{store: {postgreSQL: null, embedded: {}}}`, oneWriter},
		{three, `{store: null, receiver: {replicas: 1}}`, ""},
		{three, `{store: null, receiver: null}`, ""},
		{three, `{receiver: {replicas: 100}}`, ""},
		{scaled, `{store: null}`, noAutoscaling},
		{scaled, `{store: {postgreSQL: null, embedded: {}}}`, noAutoscaling},
		{scaled, `{store: null, receiver: null}`, ""},
		{scaled, `{receiver: {autoscaling: null, replicas: 3}}`, ""},
		{three, `{receiver: {autoscaling: {maxReplicas: 3}, replicas: null}}`, ""},

		{nothing, flow, ""},
		{flow, `{bird: {protocol: null, authScheme: null, accessKeySecretRef: {name: bird, key: key}}}`, ""},
		{nothing, model, ""},
		{model, `{openAI: null, bird: {baseURL: "https://bridge.example.com", accessKeySecretRef: {name: bird, key: key}}}`, ""},
		{flow, model, ""},
		{nothing, `{openAI: {baseURL: "https://a.example.com", model: m, authScheme: None}}`, oneAI},
		{nothing, `{bird: null}`, oneAI},
		{
			`{bird: {media: {transport: URL}}, ingress: {host: a.example.com}}`, `{ingress: null}`,
			"bird.media.transport URL requires a public host: set ingress, gateway or cloudAPI.subscription.callbackURL",
		},
		{
			`{messagesAPI: {exposure: Public, keys: [{secretRef: {name: a, key: b}}]}, ingress: {host: a.example.com}}`, `{ingress: null}`,
			"messagesAPI.exposure Public requires ingress or gateway",
		},

		{`{cloudAPI: {subscription: {appID: "1"}}, ingress: {host: a.example.com}}`, `{ingress: null}`, noCallback},
		{
			`{cloudAPI: {subscription: {appID: "1"}}, ingress: {host: a.example.com}}`,
			`{ingress: null, gateway: {host: a.example.com, parentRefs: [{name: public}]}}`, "",
		},
	}
}

func TestUpdateIsValidated(t *testing.T) {
	t.Parallel()
	namespace := server.NewNamespace(t)

	for _, test := range updateCases() {
		t.Run(test.before+" "+test.after, func(t *testing.T) {
			t.Parallel()

			object := newObject(v1alpha1.SchemeGroupVersion, namespace, specOf(test.before))
			if err := strict().Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}

			patch := mergePatch(t, `{spec: `+test.after+`}`)
			wantCause(t, strict().Patch(t.Context(), object, patch, client.DryRunAll), "spec", test.message)
		})
	}
}
