// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import "fmt"

// ruleCases returns the cases of the CEL rules and patterns, which a limit on a single field cannot express.
func ruleCases() []specCase {
	rows := append(append(urlRows(), textRows()...), fieldsTogetherRows()...)

	cases := make([]specCase, 0, len(rows))
	for _, row := range rows {
		field := "spec"
		if row.field != "" {
			field += "." + row.field
		}

		cases = append(cases, specCase{
			name:    row.patch,
			spec:    specOf(row.patch),
			field:   field,
			message: row.message,
		})
	}

	for _, ref := range secretRefs() {
		for _, name := range []string{"Sales", "sales_1", "-sales", "sales-", "a..b", ".a"} {
			cases = append(cases, invalid(ref+".name", name, "must be the name of a Secret: lower case letters, digits, - and ."))
		}

		for _, key := range []string{"a/b", "a b", "ä"} {
			cases = append(cases, invalid(ref+".key", key, "must be a key of a Secret: letters, digits, -, _ and ."))
		}

		cases = append(cases, valid(ref+".name", "sales-1.whatsapp"), valid(ref+".key", "App_Secret-1.txt"))
	}

	return cases
}

// row is a merge patch on the minimal spec and the expected rejection.
type row struct {
	patch   string
	field   string // below spec
	message string // "" if the spec is valid
}

func secretRefs() []string {
	return []string{
		"cloudAPI.accessTokenSecretRef", "cloudAPI.appSecretSecretRefs[]", "cloudAPI.verifyTokenSecretRef",
		"cloudAPI.mutualTLS.clientCASecretRef", "bird.accessKeySecretRef", "bird.flow.signingKeySecretRef", "openAI.keySecretRef",
		"messagesAPI.keys[].secretRef", "handoff.keySecretRef", "notifications.signingKeySecretRef",
		"store.postgreSQL.urlSecretRef", "store.postgreSQL.caSecretRef",
		"store.embedded.backup.s3.accessKeyIDSecretRef", "store.embedded.backup.s3.secretAccessKeySecretRef", "store.embedded.backup.s3.caSecretRef",
		"store.encryption.keySecretRefs[]",
		"cloudAPI.caSecretRef", "bird.caSecretRef", "openAI.caSecretRef", "handoff.caSecretRef", "notifications.caSecretRef",
		"monitoring.tracing.caSecretRef",
	}
}

// bucketWith returns a patch that backs the store up to a bucket with the given fields.
func bucketWith(fields string) string {
	return `{store: {embedded: {backup: {schedule: "@daily", s3: {` + fields +
		`, accessKeyIDSecretRef: {name: backup, key: id}, secretAccessKeySecretRef: {name: backup, key: secret}}}}}}`
}

func textRows() []row {
	const (
		quantityPattern = `should match '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$'`
		proxyURL        = "must be the URL of a proxy without credentials, path, query or fragment, such as http://proxy.example.com:3128"
	)

	var rows []row
	for _, text := range []struct {
		patch, field, message string
		good, bad             []string
	}{
		{
			`{cloudAPI: {version: %q}}`, "cloudAPI.version", "must be a version of the Graph API, such as v27.0",
			[]string{"v27.0", "v100.10"},
			[]string{"27.0", "v27", "v27.", "v27.0.1", "V27.0", "v27,0"},
		},
		{
			`{cloudAPI: {phoneNumberIDs: [%q]}}`, "cloudAPI.phoneNumberIDs[]", "should match '^[0-9]+$'",
			[]string{"106540352242922"},
			[]string{"+15550783881", "1 2", "1a"},
		},
		{
			`{cloudAPI: {subscription: {appID: %q, callbackURL: "https://a.example.com/a"}}}`, "cloudAPI.subscription.appID", "should match '^[0-9]+$'",
			[]string{"1234567890"},
			[]string{"my-app", "1-2"},
		},
		{
			`{cloudAPI: {subscription: {appID: "1", businessAccountIDs: [%q], callbackURL: "https://a.example.com/a"}}}`,
			"cloudAPI.subscription.businessAccountIDs[]", "should match '^[0-9]+$'",
			[]string{"102290129340398"},
			[]string{"my-account"},
		},
		{
			`{cloudAPI: {subscription: {appID: "1", fields: [%q], callbackURL: "https://a.example.com/a"}}}`,
			"cloudAPI.subscription.fields[]", "should match '^[a-z]+(_[a-z]+)*$'",
			[]string{"messages", "message_template_status_update"},
			[]string{"Messages", "_messages", "messages_", "a__b", "a-b"},
		},
		{
			`{bird: {endpoints: [{method: ParseDocument, path: %q}]}}`, "bird.endpoints[].path", "must start with / and contain no spaces, +, query or fragment",
			[]string{"/", "/v1/parse", "/v1/parse:now"},
			[]string{"parse", "/a b", "/a+b", "/a?b", "/a#b", "https://other.example.com/parse"},
		},
		{
			`{bird: {protocol: Flow, flow: {signingKeySecretRef: {name: bird, key: hmac}, signatureHeader: %q}}}`, "bird.flow.signatureHeader",
			"must be the name of a header that the receiver does not set itself, such as X-Signature",
			[]string{"X-Signature", "x_signature-256"},
			[]string{"Authorization", "idempotency-key", "X Signature", "X-Signature:"},
		},
		{
			`{bird: null, openAI: {baseURL: "https://a.example.com", model: m, authScheme: None, instructionsConfigMapRef: {name: %q, key: prompt}}}`,
			"openAI.instructionsConfigMapRef.name", "must be the name of a ConfigMap: lower case letters, digits, - and .",
			[]string{"sales-prompt", "sales.prompt"},
			[]string{"Sales", "sales_prompt"},
		},
		{
			`{bird: null, openAI: {baseURL: "https://a.example.com", model: m, authScheme: None, instructionsConfigMapRef: {name: a, key: %q}}}`,
			"openAI.instructionsConfigMapRef.key", "must be a key of a ConfigMap: letters, digits, -, _ and .",
			[]string{"prompt.md"},
			[]string{"a/b", "a b"},
		},
		{
			`{processing: {fallbackTemplate: {name: %q, language: en_US}}}`, "processing.fallbackTemplate.name", "should match '^[a-z0-9_]+$'",
			[]string{"come_back_2"},
			[]string{"Come_back", "come-back", "come back"},
		},
		{
			`{processing: {fallbackTemplate: {name: a, language: %q}}}`, "processing.fallbackTemplate.language", "should match '^[A-Za-z]+(_[A-Za-z]+)*$'",
			[]string{"en", "en_US", "zh_Hans_CN"},
			[]string{"en-US", "en_", "e1"},
		},
		{
			`{cloudAPI: {mutualTLS: {certificateSecretName: %q, clientCASecretRef: {name: meta, key: ca.crt}}}}`, "cloudAPI.mutualTLS.certificateSecretName",
			"must be the name of a Secret: lower case letters, digits, - and .",
			[]string{"hooks-tls", "hooks.tls"},
			[]string{"A B", "Hooks", "hooks_tls"},
		},
		{
			`{ingress: {host: a.example.com, tlsSecretName: %q}}`, "ingress.tlsSecretName", "must be the name of a Secret: lower case letters, digits, - and .",
			[]string{"hooks-tls"},
			[]string{"A B", "-hooks"},
		},
		{
			`{receiver: {imagePullSecrets: [{name: %q}]}}`, "receiver.imagePullSecrets", "must each have a name",
			[]string{"registry"},
			[]string{""},
		},
		{
			`{store: {embedded: {size: %q}}}`, "store.embedded", "size must be at least 100Mi, and has a unit, such as 10Gi: a number alone is in bytes",
			[]string{"100Mi", "1Gi", "10G", "1500Mi", "1073741824", "1e10"},
			[]string{"0", "0Gi", "-1Gi", "10", "99Mi", "100M", "500m"},
		},
		{
			`{receiver: {media: {maxSpoolSize: %q}}}`, "receiver.media", "maxSpoolSize must be at least 128Mi, and has a unit, such as 512Mi: a number alone is in bytes",
			[]string{"128Mi", "2Gi"},
			[]string{"0", "512", "100Mi"},
		},
		{
			`{receiver: {media: {maxSpoolSize: %q}}}`, "receiver.media.maxSpoolSize", quantityPattern,
			nil,
			[]string{"much", "1e-999999999"},
		},
		{
			`{receiver: {resources: {limits: {memory: %q}}}}`, "receiver.resources.limits.memory", quantityPattern,
			[]string{"256Mi", "1e9"},
			[]string{"1e-999999999"},
		},
		{
			`{ingress: {host: a.example.com, maxBodySize: %q}}`, "ingress", "maxBodySize must be at least 1Mi, and has a unit, such as 4Mi: a number alone is in bytes",
			[]string{"1Mi", "4M", "4Mi"},
			[]string{"0", "4", "1M"},
		},
		{
			`{ingress: {host: a.example.com, maxBodySize: %q}}`, "ingress.maxBodySize", quantityPattern,
			nil,
			[]string{"4MB", "1e-999999999"},
		},
		{
			`{ingress: {host: a.example.com, healthCheckPath: %q}}`, "ingress.healthCheckPath",
			"must be / or start with / and consist of segments of letters, digits, -, _, ~ and ., such as /health, without a trailing /",
			[]string{"/", "/health", "/a/b"},
			[]string{"health", "/health/", "/a b", "/a?b", "//"},
		},
		{
			`{store: {embedded: {existingClaim: %q}}}`, "store.embedded.existingClaim", "must be the name of a PersistentVolumeClaim: lower case letters, digits, - and .",
			[]string{"sales-events", "sales.events"},
			[]string{"Sales", "sales_events"},
		},
		{
			`{store: {embedded: {backup: {schedule: %q, volume: {existingClaim: copies}}}}}`, "store.embedded.backup.schedule",
			"must be the five fields of cron, such as 0 3 * * *, or @hourly, @daily, @weekly, @monthly or @yearly; times are in UTC",
			[]string{"0 3 * * *", "*/30 8-18 * * MON-FRI", "0,30 0 1 JAN ?", "@daily"},
			[]string{"daily", "@every 1h", "0 3 * *", "0 0 3 * * *", "TZ=Europe/Madrid 0 3 * * *"},
		},
		{
			`{store: {embedded: {backup: {schedule: "@daily", restore: %q, volume: {existingClaim: copies}}}}}`, "store.embedded.backup.restore",
			"must be Newest or the name of a backup, such as inbox-20261129T020000Z.db",
			[]string{"Newest", "inbox-20261129T020000Z.db"},
			[]string{"newest", "latest", "inbox.db", "inbox-20261129.db", "../inbox-2026T0200Z.db"},
		},
		{
			`{store: {embedded: {backup: {schedule: "@daily", volume: {existingClaim: %q}}}}}`, "store.embedded.backup.volume.existingClaim",
			"must be the name of a PersistentVolumeClaim: lower case letters, digits, - and .",
			[]string{"copies", "copies.sales"},
			[]string{"Copies", "copies_sales"},
		},
		{
			`{store: {embedded: {backup: {schedule: "@daily", volume: {existingClaim: copies, subPath: %q}}}}}`, "store.embedded.backup.volume.subPath",
			"must be the path of a folder in the volume, such as backups/sales",
			[]string{"sales", "backups/sales.1"},
			[]string{"/sales", "../sales", "sales/", "a/../b"},
		},
		{
			bucketWith("bucket: %q"), "store.embedded.backup.s3.bucket", "must be the name of a bucket: lower case letters, digits, - and .",
			[]string{"copies", "copies.example.com"},
			[]string{"Copies", "copies_sales", "-copies"},
		},
		{
			bucketWith("bucket: copies, prefix: %q"), "store.embedded.backup.s3.prefix",
			"must be letters, digits, ., _ and -, with / between folders, such as backups/sales",
			[]string{"sales", "backups/sales_1"},
			[]string{"/sales", "sales/", "a b"},
		},
		{
			bucketWith("bucket: copies, region: %q"), "store.embedded.backup.s3.region", "must be the name of a region, such as eu-central-1",
			[]string{"eu-central-1", "auto"},
			[]string{"eu central", "eu.central"},
		},
		{
			bucketWith("bucket: copies, endpoint: %q"), "store.embedded.backup.s3.endpoint",
			"must be an http or https URL of a host, without a path, such as https://minio.example.com:9000",
			[]string{"https://minio.example.com:9000", "http://minio.minio.svc"},
			[]string{"minio.example.com", "https://minio.example.com/", "https://user:password@minio.example.com", "https://a/b"},
		},
		{
			`{store: {embedded: {dataSource: {kind: PersistentVolumeClaim, name: %q}}}}`, "store.embedded.dataSource.name",
			"must be the name of the source: lower case letters, digits, - and .",
			[]string{"sales-store"},
			[]string{"Sales", "sales/store"},
		},
		{
			`{receiver: {proxy: {httpURL: %q}}}`, "receiver.proxy.httpURL", proxyURL,
			[]string{"http://proxy:3128", "https://proxy.example.com/", "socks5://10.0.0.7:1080"},
			[]string{"proxy:3128", "http://user:password@proxy:3128", "http://proxy/path", "http://proxy:port"},
		},
		{
			`{receiver: {proxy: {httpsURL: %q}}}`, "receiver.proxy.httpsURL", proxyURL,
			[]string{"http://proxy:3128"},
			[]string{"proxy:3128", "http://user:password@proxy:3128"},
		},
		{
			`{receiver: {proxy: {noProxy: [%q]}}}`, "receiver.proxy.noProxy[]", "should match '^[^,[:space:]]+$'",
			[]string{".svc", "10.0.0.0/8", "bridge.example.com:8443", "*"},
			[]string{"a,b", "a b"},
		},
		{
			`{receiver: {media: {allowedHosts: [%q]}}}`, "receiver.media.allowedHosts[]", "should match '^[.]?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'",
			[]string{".fbsbx.com", "media.example.com"},
			[]string{"https://media.example.com", "*.example.com", "Media.example.com"},
		},
		{
			`{receiver: {env: [{name: %q, value: a}]}}`, "receiver.env", "must not set GOMEMLIMIT, which follows the memory limit in resources",
			[]string{"GODEBUG", "HTTPS_PROXY"},
			[]string{"GOMEMLIMIT"},
		},
		{
			`{receiver: {proxy: {noProxy: [.svc]}, env: [{name: %q, value: a}]}}`, "receiver", "env must not set a proxy if proxy is set",
			[]string{"GODEBUG"},
			[]string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"},
		},
		{
			`{service: {type: LoadBalancer, loadBalancerSourceRanges: [%q]}}`, "service.loadBalancerSourceRanges[]", "should match '^[0-9a-fA-F.:]+/[0-9]+$'",
			[]string{"10.0.0.0/8", "2001:db8::/32"},
			[]string{"10.0.0.7", "internet"},
		},
		{
			`{store: {embedded: {size: %q}}}`, "store.embedded.size", quantityPattern,
			nil,
			[]string{"10 Gi", "ten", "10GiB", "1e100", "1e-999999999"},
		},
	} {
		rows = append(rows, rowsOf(text.patch, text.field, text.message, text.good, text.bad)...)
	}

	for _, publisher := range []struct{ name, more string }{{"ingress", ""}, {"gateway", ", parentRefs: [{name: public}]"}} {
		host := fmt.Sprintf("{%s: {host: %%q%s}}", publisher.name, publisher.more)
		rows = append(rows, rowsOf(host, publisher.name+".host", "must be a DNS name in lower case, such as hooks.example.com, without scheme, port or wildcard, and not an IP address",
			[]string{"hooks.example.com", "localhost", "a-1.b"},
			[]string{"https://hooks.example.com", "*.example.com", "Hooks.example.com", "hooks.example.com:443", "hooks.example.com.", "-a.example.com", "a..b", "a_b", "10.0.0.7"})...)
		path := fmt.Sprintf("{%s: {host: a.example.com, path: %%q%s}}", publisher.name, publisher.more)
		rows = append(rows, rowsOf(path, publisher.name+".path", "must start with / and consist of segments of letters, digits, -, _, ~ and ., such as /webhooks/whatsapp, without a trailing /",
			[]string{"/hooks/v1.0", "/a~b_c-d", "/healthy", "/a/health"},
			[]string{"hooks", "/", "/hooks/", "//hooks", "/a+b", "/a b", "/a/../b", "/a/.hidden", "/a?b", "/a%20b"})...)
		rows = append(rows, rowsOf(path, publisher.name+".path", "must not be /health: the receiver answers health checks there", nil, []string{"/health"})...)
	}

	return rows
}

func rowsOf(patch, field, message string, good, bad []string) []row {
	rows := make([]row, 0, len(good)+len(bad))
	for _, value := range good {
		rows = append(rows, row{fmt.Sprintf(patch, value), "", ""})
	}

	for _, value := range bad {
		rows = append(rows, row{fmt.Sprintf(patch, value), field, message})
	}

	return rows
}

func fieldsTogetherRows() []row {
	const (
		oneWriter     = "receiver.replicas must be 0 or 1 with the embedded store, which allows one writer; store.postgreSQL allows more"
		noAutoscaling = "receiver.autoscaling requires store.postgreSQL: the embedded store allows one writer"
		noCallback    = "cloudAPI.subscription requires a callback URL: set ingress, gateway or cloudAPI.subscription.callbackURL"
		noNumbers     = "cloudAPI.subscription.callbackScope PhoneNumber requires cloudAPI.phoneNumberIDs"
		noAccounts    = "callbackScope BusinessAccount requires businessAccountIDs"
		noPassthrough = "cloudAPI.mutualTLS cannot be combined with gateway: an HTTPRoute terminates TLS before the receiver. Use an Ingress whose annotations request TLS passthrough, or expose the Service yourself"
		delays        = "maxDelaySeconds (defaults to 60) must not be less than baseDelaySeconds (defaults to 1)"
		bounds        = "minReplicas (defaults to 1) must not exceed maxReplicas"
		noMeaning     = "must set class, scope or both"
		yourClaim     = "size, storageClassName, whenDeleted and dataSource must not be set with existingClaim: that claim is yours"
		sourceGroup   = "apiGroup must be snapshot.storage.k8s.io for a VolumeSnapshot, and must not be set for a PersistentVolumeClaim"
		balancerOnly  = "loadBalancerClass and loadBalancerSourceRanges require type LoadBalancer"
		outsideOnly   = "externalTrafficPolicy requires type NodePort or LoadBalancer"
		healthPath    = "healthCheckPath must not be path (defaults to /webhooks/whatsapp) or below it, which an Ingress publishes on OpenShift"

		oneAI        = "exactly one of the fields in [bird openAI] must be set"
		flowOnly     = "flow requires protocol Flow"
		noKeyFlow    = "authScheme None requires protocol Flow"
		birdKey      = "accessKeySecretRef is required, except with authScheme None, where it must not be set"
		contractOnly = "endpoints, workspaceID, aiEmployeeID and media.mode require protocol Contract: a flow has one URL"
		noMultipart  = "media.transport Multipart requires protocol Contract: a flow reads JSON"
		unsigned     = "signatureHeader requires signingKeySecretRef"
		noHost       = "bird.media.transport URL requires a public host: set ingress, gateway or cloudAPI.subscription.callbackURL"
		modelKey     = "keySecretRef is required, except with authScheme None, where it must not be set"
		sameKey      = "must each refer to a different key of a Secret"
		notPublic    = "messagesAPI.exposure Public requires ingress or gateway"
		onePath      = "messagesAPI.exposure Public cannot be combined with cloudAPI.mutualTLS: an Ingress that passes TLS through sends every path to the webhook"

		model     = `openAI: {baseURL: "https://a.example.com", model: m, keySecretRef: {name: a, key: b}}`
		public    = `messagesAPI: {exposure: Public, keys: [{secretRef: {name: a, key: b}}]}`
		byURL     = `bird: {media: {transport: URL}}`
		database  = `store: {postgreSQL: {urlSecretRef: {name: db, key: url}}}`
		ingress   = `ingress: {host: a.example.com}`
		gateway   = `gateway: {host: a.example.com, parentRefs: [{name: public}]}`
		mutualTLS = `mutualTLS: {certificateSecretName: tls, clientCASecretRef: {name: ca, key: ca.crt}}`
	)

	return []row{
		{`{receiver: {replicas: 0}}`, "", ""},
		{`{receiver: {replicas: 1}, store: {embedded: {}}}`, "", ""},
		{`{receiver: {replicas: 2}}`, "", oneWriter},
		{`{receiver: {replicas: 2}, store: {retentionDays: 7}}`, "", oneWriter},
		{`{receiver: {replicas: 2}, store: {embedded: {}}}`, "", oneWriter},
		{`{receiver: {replicas: 2}, ` + database + `}`, "", ""},
		{`{receiver: {autoscaling: {maxReplicas: 1}}}`, "", noAutoscaling},
		{`{receiver: {autoscaling: {maxReplicas: 3}}, store: {embedded: {}}}`, "", noAutoscaling},
		{`{receiver: {autoscaling: {maxReplicas: 3}}, ` + database + `}`, "", ""},
		{`{receiver: {replicas: 2, autoscaling: {maxReplicas: 3}}, ` + database + `}`, "receiver", "at most one of the fields in [replicas autoscaling] may be set"},
		{`{receiver: {autoscaling: {maxReplicas: 3, minReplicas: 3}}, ` + database + `}`, "", ""},
		{`{receiver: {autoscaling: {maxReplicas: 3, minReplicas: 4}}, ` + database + `}`, "receiver.autoscaling", bounds},
		{
			`{receiver: {autoscaling: {maxReplicas: 3, cpu: {targetUtilizationPercent: 60}, pendingWork: {targetPerReplica: 50}}}, ` + database + `}`,
			"receiver.autoscaling", "at most one of the fields in [cpu pendingWork] may be set",
		},
		{`{store: {embedded: {}, postgreSQL: {urlSecretRef: {name: db, key: url}}}}`, "store", "at most one of the fields in [embedded postgreSQL] may be set"},
		{`{` + ingress + `, ` + gateway + `}`, "", "at most one of the fields in [ingress gateway] may be set"},

		{`{store: {embedded: {existingClaim: mine}}}`, "", ""},
		{`{store: {embedded: {existingClaim: mine, size: 10Gi}}}`, "store.embedded", yourClaim},
		{`{store: {embedded: {existingClaim: mine, storageClassName: fast}}}`, "store.embedded", yourClaim},
		{`{store: {embedded: {existingClaim: mine, whenDeleted: Retain}}}`, "store.embedded", yourClaim},
		{`{store: {embedded: {existingClaim: mine, dataSource: {kind: PersistentVolumeClaim, name: other}}}}`, "store.embedded", yourClaim},
		{`{store: {embedded: {backup: {schedule: "@daily"}}}}`, "store.embedded.backup", "exactly one of the fields in [s3 volume] must be set"},
		{`{store: {embedded: {existingClaim: mine, backup: {schedule: "@daily", volume: {existingClaim: other}}}}}`, "", ""},
		{
			`{store: {embedded: {existingClaim: mine, backup: {schedule: "@daily", volume: {existingClaim: mine}}}}}`, "store.embedded",
			"backup.volume.existingClaim must not be the claim of the store, with which the backups would be lost",
		},
		{`{store: {embedded: {dataSource: {kind: PersistentVolumeClaim, name: other}}}}`, "", ""},
		{`{store: {embedded: {dataSource: {kind: PersistentVolumeClaim, name: other, apiGroup: snapshot.storage.k8s.io}}}}`, "store.embedded.dataSource", sourceGroup},
		{`{store: {embedded: {dataSource: {kind: VolumeSnapshot, name: monday, apiGroup: snapshot.storage.k8s.io}}}}`, "", ""},
		{`{store: {embedded: {dataSource: {kind: VolumeSnapshot, name: monday}}}}`, "store.embedded.dataSource", sourceGroup},
		{`{store: {embedded: {dataSource: {kind: VolumeSnapshot, name: monday, apiGroup: example.com}}}}`, "store.embedded.dataSource", sourceGroup},

		{`{service: {type: NodePort, externalTrafficPolicy: Local}}`, "", ""},
		{`{service: {type: ClusterIP, externalTrafficPolicy: Local}}`, "service", outsideOnly},
		{`{service: {externalTrafficPolicy: Local}}`, "service", outsideOnly},
		{`{service: {loadBalancerClass: example.com/nlb}}`, "service", balancerOnly},
		{`{service: {type: NodePort, loadBalancerSourceRanges: [10.0.0.0/8]}}`, "service", balancerOnly},
		{`{ingress: {host: a.example.com, path: /a, healthCheckPath: /a}}`, "ingress", healthPath},
		{`{ingress: {host: a.example.com, healthCheckPath: /webhooks/whatsapp}}`, "ingress", healthPath},
		{`{ingress: {host: a.example.com, healthCheckPath: /webhooks/whatsapp/health}}`, "ingress", healthPath},
		{`{ingress: {host: a.example.com, path: /a, healthCheckPath: /a/b/c}}`, "ingress", healthPath},
		{`{ingress: {host: a.example.com, path: /a, healthCheckPath: /ab}}`, "", ""},
		{`{ingress: {host: a.example.com, path: /a/b, healthCheckPath: /a}}`, "", ""},

		{`{receiver: {podSecurityContext: {}, securityContext: {}}}`, "", ""},
		{`{receiver: {podTemplatePatch: {spec: {dnsConfig: {options: [{name: ndots, value: "1"}]}}}}}`, "", ""},

		{`{cloudAPI: {subscription: {appID: "1"}}}`, "", noCallback},
		{`{cloudAPI: {subscription: {appID: "1"}}, ` + ingress + `}`, "", ""},
		{`{cloudAPI: {subscription: {appID: "1"}}, ` + gateway + `}`, "", ""},
		{`{cloudAPI: {subscription: {appID: "1", callbackURL: "https://a.example.com/b"}}}`, "", ""},
		{`{cloudAPI: {subscription: {appID: "1", callbackScope: PhoneNumber}}, ` + ingress + `}`, "", noNumbers},
		{`{cloudAPI: {phoneNumberIDs: ["1"], subscription: {appID: "1", callbackScope: PhoneNumber}}, ` + ingress + `}`, "", ""},
		{`{cloudAPI: {phoneNumberIDs: ["1"], subscription: {appID: "1", callbackScope: BusinessAccount}}, ` + ingress + `}`, "cloudAPI.subscription", noAccounts},
		{`{cloudAPI: {subscription: {appID: "1", callbackScope: BusinessAccount, businessAccountIDs: ["1"]}}, ` + ingress + `}`, "", ""},
		{`{cloudAPI: {` + mutualTLS + `}}`, "", ""},
		{`{cloudAPI: {` + mutualTLS + `}, ` + ingress + `}`, "", ""},
		{`{cloudAPI: {` + mutualTLS + `}, ` + gateway + `}`, "", noPassthrough},

		{`{bird: null}`, "", oneAI},
		{`{` + model + `}`, "", oneAI},
		{`{bird: null, ` + model + `}`, "", ""},
		{`{bird: {protocol: Flow}}`, "", ""},
		{`{bird: {protocol: Flow, emptyAnswer: NoReply, media: {transport: Base64}, flow: {statuses: Enabled}}}`, "", ""},
		{`{bird: {protocol: Flow, authScheme: None, accessKeySecretRef: null}}`, "", ""},
		{`{bird: {protocol: Flow, authScheme: None}}`, "bird", birdKey},
		{`{bird: {protocol: Flow, accessKeySecretRef: null}}`, "bird", birdKey},
		{`{bird: {accessKeySecretRef: null}}`, "bird", birdKey},
		{`{bird: {authScheme: None, accessKeySecretRef: null}}`, "bird", noKeyFlow},
		{`{bird: {flow: {timeoutSeconds: 5}}}`, "bird", flowOnly},
		{`{bird: {protocol: Contract, flow: {timeoutSeconds: 5}}}`, "bird", flowOnly},
		{`{bird: {protocol: Flow, endpoints: [{method: ParseDocument}]}}`, "bird", contractOnly},
		{`{bird: {protocol: Flow, workspaceID: w}}`, "bird", contractOnly},
		{`{bird: {protocol: Flow, aiEmployeeID: e}}`, "bird", contractOnly},
		{`{bird: {protocol: Flow, media: {mode: Process}}}`, "bird", contractOnly},
		{`{bird: {protocol: Flow, media: {transport: Multipart}}}`, "bird", noMultipart},
		{`{bird: {protocol: Flow, flow: {signatureHeader: X-Signature}}}`, "bird.flow", unsigned},
		{`{` + byURL + `}`, "", noHost},
		{`{` + byURL + `, ` + ingress + `}`, "", ""},
		{`{` + byURL + `, ` + gateway + `}`, "", ""},
		{`{` + byURL + `, cloudAPI: {subscription: {appID: "1", callbackURL: "https://a.example.com/b"}}}`, "", ""},
		{`{bird: null, openAI: {baseURL: "https://a.example.com", model: m}}`, "openAI", modelKey},
		{`{bird: null, openAI: {baseURL: "https://a.example.com", model: m, authScheme: None}}`, "", ""},
		{`{bird: null, openAI: {baseURL: "https://a.example.com", model: m, authScheme: None, keySecretRef: {name: a, key: b}}}`, "openAI", modelKey},
		{`{messagesAPI: {keys: [{secretRef: {name: a, key: b}}, {secretRef: {name: a, key: c}, role: Desk}]}}`, "", ""},
		{`{messagesAPI: {keys: [{secretRef: {name: a, key: b}}, {secretRef: {name: a, key: b}, role: Desk}]}}`, "messagesAPI.keys", sameKey},
		{`{` + public + `}`, "", notPublic},
		{`{` + public + `, ` + ingress + `}`, "", ""},
		{`{` + public + `, ` + gateway + `}`, "", ""},
		{`{` + public + `, ` + ingress + `, cloudAPI: {` + mutualTLS + `}}`, "", onePath},
		{`{messagesAPI: {exposure: Cluster, keys: [{secretRef: {name: a, key: b}}]}, cloudAPI: {` + mutualTLS + `}}`, "", ""},
		{`{handoff: {url: "https://desk.example.com"}}`, "", ""},

		{`{processing: {retry: {baseDelaySeconds: 5, maxDelaySeconds: 5}}}`, "", ""},
		{`{processing: {retry: {baseDelaySeconds: 5, maxDelaySeconds: 4}}}`, "processing.retry", delays},
		{`{processing: {retry: {baseDelaySeconds: 60}}}`, "", ""},
		{`{processing: {retry: {baseDelaySeconds: 61}}}`, "processing.retry", delays},
		{`{processing: {errorPolicies: [{code: 1, class: Permanent}, {code: 2, scope: App}]}}`, "", ""},
		{`{processing: {errorPolicies: [{code: 1}]}}`, "processing.errorPolicies[]", noMeaning},
	}
}
