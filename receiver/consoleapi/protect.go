// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"net"
	"net/http"
)

// Protect refuses changes by other sites in the same browser, and all requests by a rebound name, for a handler of the console
// port. Reads of other sites pass, so that a link may lead to a page: see [IsForeign].
func Protect(next http.Handler) http.Handler {
	return localOnly(http.NewCrossOriginProtection().Handler(next))
}

// localOnly refuses host names other than localhost, against DNS rebinding: another site's name could resolve to the
// loopback interface. Its headers forbid other pages to embed the answers.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}

		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")

		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "use localhost", http.StatusForbidden)
			return
		}

		next.ServeHTTP(w, r)
	})
}

// IsForeign reports whether another site in the same browser made a request, or another port of this host. It cannot read the
// answer, but what the request does is done: a line of the audit log, or a copy of the whole store. Programs and browsers before
// 2023 do not say who made a request; then it is not foreign.
//
// Source: https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
func IsForeign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	default:
		return true
	}
}

// RefuseForeign refuses all foreign requests.
func RefuseForeign(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if IsForeign(r) {
			http.Error(w, "another site may not ask for this: type or paste the address", http.StatusForbidden)
			return
		}

		next.ServeHTTP(w, r)
	})
}
