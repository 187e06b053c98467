// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/edge"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

var publicURLFaults = map[string]fault{
	"the name does not resolve": {
		provoke: func(h *harness) {
			h.network.Lookup = func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("no such host") }
		},
		checks: []string{"dns"},
		state:  doctor.Failure,
		detail: host + " has no address",
		fix:    "create the record",
	},
	"nothing listens": {
		provoke: func(h *harness) { h.public.Close() },
		checks:  []string{"connection"},
		state:   doctor.Failure,
		detail:  "the connection is refused",
		fix:     "load balancer runs",
	},
	"an expired certificate": {
		provoke: func(h *harness) { h.certificate.Store(h.intermediate.server(h.t, host, -time.Hour, h.intermediate)) },
		checks:  []string{"tls"},
		state:   doctor.Failure,
		detail:  "the certificate expired on",
		fix:     "renew the certificate",
	},
	"a certificate that ends soon": {
		provoke: func(h *harness) { h.certificate.Store(h.intermediate.server(h.t, host, 49*time.Hour, h.intermediate)) },
		checks:  []string{"tls"},
		state:   doctor.Warning,
		detail:  "in 2 days",
		fix:     "renew it",
	},
	"a self-signed certificate": {
		provoke: func(h *harness) {
			var none *authority
			h.certificate.Store(none.server(h.t, host, month))
		},
		checks: []string{"tls"},
		state:  doctor.Failure,
		detail: "self-signed",
		fix:    "Let's Encrypt",
	},
	"a certificate of a private authority": {
		provoke: func(h *harness) {
			var none *authority

			private := none.newAuthority(h.t, "private")
			h.certificate.Store(private.server(h.t, host, month, private))
		},
		checks: []string{"tls"},
		state:  doctor.Failure,
		detail: "an authority that is not public",
		fix:    "public authority",
	},
	"an incomplete chain": {
		provoke: func(h *harness) { h.certificate.Store(h.intermediate.server(h.t, host, month)) },
		checks:  []string{"tls"},
		state:   doctor.Failure,
		detail:  "the chain of the certificate is incomplete",
		fix:     "append the intermediate certificates",
	},
	"a certificate for another name": {
		provoke: func(h *harness) {
			h.certificate.Store(h.intermediate.server(h.t, "ingress.local", month, h.intermediate))
		},
		checks: []string{"tls"},
		state:  doctor.Failure,
		detail: "for ingress.local, not for " + host,
		fix:    "ingress.tlsSecretName",
	},
	"plain http": {
		prepare: func(h *harness) {
			h.options.Config.CloudAPI.Subscription = nil
			h.options.Config.Webhook.PublicURL = "http://" + host
		},
		early:  true,
		checks: []string{"url"},
		state:  doctor.Failure,
		detail: "http",
		fix:    "Meta calls no plain http",
		follow: []string{"app-subscription"},
	},
	"a URL that only the caller knows": {
		prepare: func(h *harness) { h.options.Config.CloudAPI.Subscription = nil },
		provoke: func(h *harness) {
			h.request.PublicURL = h.publicURL()
			h.route(func(r *standin.IngressRule) { r.Path = "/other" })
		},
		early:  true,
		checks: []string{"handshake"},
		state:  doctor.Failure,
		detail: "HTTP 404",
		fix:    "kubectl get ingress",
		follow: []string{"app-subscription"},
	},
	"another path than that of the webhook": {
		provoke: func(h *harness) { h.reconfigure(func(c *config.Config) { c.Webhook.Path = "/hooks" }) },
		checks:  []string{"url"},
		state:   doctor.Warning,
		detail:  "/hooks",
		fix:     "use one path",
		follow:  []string{"handshake"},
	},
	"another receiver at the URL": {
		provoke: func(h *harness) { h.route(h.backend(http.StatusForbidden, edge.HandshakeRefused)) },
		checks:  []string{"handshake"},
		state:   doctor.Failure,
		detail:  "has another verify token",
		fix:     "the same verify token",
	},
	"another app secret at the URL": {
		provoke: func(h *harness) { h.refuseDeliveries(http.StatusUnauthorized, edge.SignatureRefused) },
		checks:  []string{"signature"},
		state:   doctor.Failure,
		detail:  "has another app secret",
		fix:     "App Dashboard",
	},
	"a proxy that changes the body": {
		provoke: func(h *harness) { h.refuseDeliveries(http.StatusBadRequest, "the body is not valid JSON") },
		checks:  []string{"signature"},
		state:   doctor.Failure,
		detail:  "does not arrive as it was sent",
		fix:     "let nothing change",
	},
	"a firewall that refuses POST": {
		provoke: func(h *harness) { h.refuseDeliveries(http.StatusForbidden, "blocked") },
		checks:  []string{"signature"},
		state:   doctor.Failure,
		detail:  "HTTP 403, not by the receiver",
		fix:     "exempt the path",
	},
	"no rule for the host": {
		provoke: func(h *harness) { h.route(func(r *standin.IngressRule) { r.Host = "other.example.test" }) },
		checks:  []string{"handshake"},
		state:   doctor.Failure,
		detail:  "HTTP 404",
		fix:     "kubectl get ingress",
	},
	"a redirect": {
		provoke: func(h *harness) {
			h.route(func(r *standin.IngressRule) { r.Redirect = "https://www.example.test/webhooks/whatsapp/?x=1" })
		},
		checks: []string{"handshake"},
		state:  doctor.Failure,
		detail: "a redirect to https://www.example.test/webhooks/whatsapp/",
		fix:    "Meta follows no redirect",
	},
	"no pod behind the Ingress": {
		provoke: func(h *harness) { h.route(func(r *standin.IngressRule) { r.Backend = "http://127.0.0.1:1" }) },
		checks:  []string{"handshake"},
		state:   doctor.Failure,
		detail:  "HTTP 502",
		fix:     "kubectl get pods",
	},
	"a sign-in page": {
		provoke: func(h *harness) { h.route(h.backend(http.StatusOK, "<html>Sign in</html>")) },
		checks:  []string{"handshake"},
		state:   doctor.Failure,
		detail:  "HTTP 200 without the challenge",
		fix:     "a sign-in page",
	},
	"a proxy that demands a sign-in": {
		provoke: func(h *harness) { h.route(h.backend(http.StatusUnauthorized, "sign in")) },
		checks:  []string{"handshake"},
		state:   doctor.Failure,
		detail:  "HTTP 401, not by the receiver",
		fix:     "exempt the path",
	},
	"the body limit of a proxy": {
		provoke: func(h *harness) { h.route(func(r *standin.IngressRule) { r.MaxBody = 1 << 20 }) },
		checks:  []string{"body-size"},
		state:   doctor.Failure,
		detail:  "not by the receiver: a proxy (nginx)",
		fix:     "ingress.maxBodySize",
	},
	"the body limit of the receiver": {
		provoke: func(h *harness) { h.reconfigure(func(c *config.Config) { c.Webhook.MaxBodyBytes = 1 << 20 }) },
		checks:  []string{"body-size"},
		state:   doctor.Failure,
		detail:  "by the receiver",
		fix:     "webhook.maxBodyBytes in the receiver's file",
	},
	"a receiver that sheds load": {
		provoke: func(h *harness) { h.shedLargeDeliveries() },
		checks:  []string{"body-size"},
		state:   doctor.Warning,
		detail:  "too much is delivered at once",
		fix:     "the store is too slow",
	},
}

// backend returns a change of the Ingress to a server that answers everything in the same way.
func (h *harness) backend(status int, body string) func(*standin.IngressRule) {
	return func(r *standin.IngressRule) {
		r.Backend = h.server(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
}

// refuseDeliveries lets a proxy answer deliveries in place of the receiver.
func (h *harness) refuseDeliveries(status int, body string) {
	backend, err := url.Parse(h.rule.Backend)
	h.must(err)

	proxy := httputil.NewSingleHostReverseProxy(backend)

	h.route(func(r *standin.IngressRule) {
		r.Backend = h.server(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Error(w, body, status)
				return
			}

			proxy.ServeHTTP(w, r)
		})
	})
}

// shedLargeDeliveries lets a proxy answer large deliveries as a receiver does that has no time for them.
func (h *harness) shedLargeDeliveries() {
	backend, err := url.Parse(h.rule.Backend)
	h.must(err)

	proxy := httputil.NewSingleHostReverseProxy(backend)

	h.route(func(r *standin.IngressRule) {
		r.Backend = h.server(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > 1<<20 {
				_, _ = io.Copy(io.Discard, r.Body)

				w.Header().Set("Retry-After", "1")
				http.Error(w, "too many deliveries at once", http.StatusServiceUnavailable)

				return
			}

			proxy.ServeHTTP(w, r)
		})
	})
}
