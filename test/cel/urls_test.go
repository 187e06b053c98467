// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import "fmt"

// urlRows returns the rows about fields that are URLs.
func urlRows() []row {
	const rejection = "must be an absolute http or https URL without credentials, query or fragment, such as "

	var rows []row
	for _, url := range []struct{ patch, field, example string }{
		{`{cloudAPI: {baseURL: %q}}`, "cloudAPI.baseURL", "https://graph.facebook.com"},
		{`{handoff: {url: %q}}`, "handoff.url", "https://desk.example.com/whatsapp"},
		{`{notifications: {sinkURL: %q}}`, "notifications.sinkURL", "https://events.example.com/whatsapp"},
		{`{monitoring: {tracing: {endpointURL: %q}}}`, "monitoring.tracing.endpointURL", "http://collector:4318"},
	} {
		for _, good := range []string{url.example, "http://demo.svc:8080/base/", "https://[2001:db8::1]:443", "https://10.0.0.7"} {
			rows = append(rows, row{fmt.Sprintf(url.patch, good), "", ""})
		}

		for _, bad := range []string{
			"graph.example.com", "//graph.example.com", "ftp://graph.example.com", "https://", "https:///path", "HTTPS://graph.example.com",
			"https://user:pass@graph.example.com", "https://graph.example.com?token=x", "https://graph.example.com/#top",
			"https://graph.example.com/a b", " https://graph.example.com", "https://graph.example.com\n", "https://graph.example.com:port",
		} {
			rows = append(rows, row{fmt.Sprintf(url.patch, bad), url.field, rejection + url.example})
		}
	}

	rows = append(rows, aiURLRows()...)
	rows = append(rows, traceURLRows()...)

	const (
		callback = "must be an absolute https URL with a path of letters, digits, -, _, ~ and . only, and without credentials, query or fragment, such as https://hooks.example.com/webhooks/whatsapp"
		patch    = `{cloudAPI: {subscription: {appID: "1", callbackURL: %q}}}`
	)
	for _, good := range []string{"https://hooks.example.com/webhooks/whatsapp", "https://hooks.example.com:8443/a"} {
		rows = append(rows, row{fmt.Sprintf(patch, good), "", ""})
	}

	for _, bad := range []string{
		"http://hooks.example.com/whatsapp", "https://hooks.example.com", "hooks.example.com/whatsapp", "https://a@hooks.example.com/whatsapp",
		"https://hooks.example.com/whatsapp?a=b", "https://hooks.example.com/#a", "https://hooks.example.com/a+b", "https://hooks.example.com/a b",
		"https://hooks.example.com:port/a", "https://hooks.example.com/", "https://hooks.example.com/a%20b", "https://hooks.example.com/{id}",
	} {
		rows = append(rows, row{fmt.Sprintf(patch, bad), "cloudAPI.subscription.callbackURL", callback})
	}

	rows = append(rows, row{fmt.Sprintf(patch, "https://hooks.example.com/health"), "cloudAPI.subscription.callbackURL", "must not have the path /health: the receiver answers health checks there"})

	return rows
}

// traceURLRows are about the template of links to traces.
func traceURLRows() []row {
	const (
		field     = "monitoring.tracing.linkTemplate"
		patch     = `{monitoring: {tracing: {endpointURL: "http://collector:4318", linkTemplate: %q}}}`
		rejection = "must be an absolute http or https URL without credentials, with {traceID} once after the host, such as " +
			"https://tempo.example.com/trace/{traceID}"
	)

	var rows []row
	for _, good := range []string{
		"https://tempo.example.com/trace/{traceID}", "http://[2001:db8::1]:16686/trace/{traceID}?ui=1", "https://a?id={traceID}",
		"https://a/#/traces/{traceID}",
	} {
		rows = append(rows, row{fmt.Sprintf(patch, good), "", ""})
	}

	for _, bad := range []string{
		"tempo.example.com/{traceID}", "javascript://a/{traceID}", "https://tempo.example.com/trace/", "https://{traceID}.example.com/",
		"https://a/{traceID}/{traceID}", "https://a/{traceid}", "https://user:pass@a/{traceID}", "https://a/{traceID} b",
	} {
		rows = append(rows, row{fmt.Sprintf(patch, bad), field, rejection})
	}

	return rows
}

// aiURLRows are about the URLs that may have a query.
func aiURLRows() []row {
	const rejection = "must be an absolute http or https URL without credentials or fragment, such as "

	var rows []row
	for _, url := range []struct{ patch, field, example string }{
		{`{bird: {protocol: Flow, baseURL: %q}}`, "bird.baseURL", "https://bridge.example.com"},
		{`{bird: null, openAI: {baseURL: %q, model: m, authScheme: None}}`, "openAI.baseURL", "https://api.openai.com/v1"},
	} {
		rows = append(rows, rowsOf(url.patch, url.field, rejection+url.example,
			[]string{url.example, "http://demo.svc:8080/base/", "https://[2001:db8::1]:443", "https://a.example.com/run?key=1&b=2", "https://a.example.com?key=1"},
			[]string{
				"a.example.com", "ftp://a.example.com", "https://", "https:///path", "HTTPS://a.example.com", "https://user:pass@a.example.com",
				"https://a.example.com/#top", "https://a.example.com/a b", "https://a.example.com?a b", "https://a.example.com\n", "https://a.example.com:port",
			})...)
	}

	return append(rows, row{
		`{bird: {baseURL: "https://a.example.com?key=1"}}`, "bird.baseURL", "baseURL must have no query, except with protocol Flow",
	})
}
