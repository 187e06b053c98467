// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/edge"
)

// site is a public URL.
type site struct {
	Network

	url *url.URL
	now time.Time
}

// publicURL returns the URL that Meta calls, or "" if it is not known. It is declared if the configuration says it.
func (r *run) publicURL() (address string, declared bool) {
	switch c := r.settings.Config; {
	case c.CloudAPI.Subscription != nil:
		return c.CloudAPI.Subscription.CallbackURL, true
	case c.Webhook.PublicURL != "":
		return c.Webhook.PublicURL + c.Webhook.Path, true
	}

	return r.asked.PublicURL, false
}

func (r *run) checkPublicURL(ctx context.Context) {
	address, declared := r.publicURL()
	if address == "" {
		r.skipRest(groupPublicURL, "the configuration does not say the public URL: set ingress, gateway or cloudAPI.subscription, or webhook.publicURL in the receiver's file")
		return
	}

	s, f := newSite(address, r.Network, r.Clock.Now())
	if f.state == OK {
		f = r.diagnosePath(s.url, f)
	}

	r.set(checkURL, f)

	if f.state == Failure {
		r.skipRest(groupPublicURL, "the URL has to be corrected first")
		return
	}

	f = s.resolve(ctx)
	r.set(checkDNS, f)

	if f.state == Failure {
		r.skipRest(groupPublicURL, "the host name has to resolve first")
		return
	}

	reached, certificate := s.connect(ctx)
	r.set(checkConnection, reached)

	if reached.state == Failure {
		r.skipRest(groupPublicURL, "the host has to be reached first")
		return
	}

	r.set(checkTLS, certificate)

	if certificate.state == Failure {
		r.skipRest(groupPublicURL, "the certificate has to be right first")
		return
	}

	if r.settings.Webhook.MutualTLS != nil {
		r.skipRest(groupPublicURL, "the webhook demands Meta's client certificate, which only Meta has")
		return
	}

	r.checkRequests(ctx, s, declared)
}

// checkRequests makes the requests that Meta makes. The verify token goes to a URL of the configuration alone.
func (r *run) checkRequests(ctx context.Context, s site, declared bool) {
	client := s.verifying()
	secrets := r.settings.Secrets

	var f finding

	switch {
	case !declared:
		f = s.reach(ctx, client)
	case secrets.VerifyToken == "":
		f = skip("the secret verify-token is missing")
	default:
		f = s.handshake(ctx, client, secrets.VerifyToken)
	}

	r.set(checkHandshake, f)

	if f.state == Failure {
		r.skipRest(groupPublicURL, "the verification request has to succeed first")
		return
	}

	if len(secrets.AppSecrets) == 0 {
		r.skipRest(groupPublicURL, "the secret app-secret is missing")
		return
	}

	f = s.deliver(ctx, client, secrets.AppSecrets[0])
	r.set(checkSignature, f)

	if f.state == Failure {
		r.skipRest(groupPublicURL, "a small delivery has to be accepted first")
		return
	}

	r.set(checkBodySize, s.deliverLargest(ctx, client, secrets.AppSecrets[0]))
}

// newSite parses a public URL and checks whether Meta can be given it.
func newSite(address string, network Network, now time.Time) (site, finding) {
	u, err := url.Parse(address)

	switch {
	case err != nil || u.Hostname() == "":
		return site{}, fail("set cloudAPI.subscription.callbackURL to a URL such as https://hooks.example.com/webhooks/whatsapp",
			"the public URL cannot be read")
	case u.Scheme != "https":
		return site{}, fail("give the host a certificate (ingress.tlsSecretName) and use https: Meta calls no plain http",
			"the public URL is %s", u.Scheme)
	case strings.ContainsAny(u.Path, "+ ") || strings.Contains(u.EscapedPath(), "%"):
		return site{}, fail("use a path of letters, digits, dashes and slashes: Meta calls a path with other characters in another spelling",
			"the path of the public URL has special characters")
	}

	s := site{
		Network: network,
		url:     u,
		now:     now,
	}

	return s, ok("%s", u.Redacted())
}

// diagnosePath warns of a callback URL whose path is not that of the webhook.
func (r *run) diagnosePath(u *url.URL, good finding) finding {
	if u.Path == r.settings.Webhook.Path {
		return good
	}

	return warn("use one path, or let the Ingress rewrite it: set cloudAPI.subscription.callbackURL to the path of the webhook",
		"the path of the public URL is %s, that of the webhook %s", u.Path, r.settings.Webhook.Path)
}

// resolve checks that the host has an address, and a public one.
func (s site) resolve(ctx context.Context) finding {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	host := s.url.Hostname()

	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: s.url}); err == nil && proxy != nil {
		return skip("a proxy is used from here, which resolves the name itself")
	}

	addresses, err := s.lookup(ctx, host)
	if err != nil || len(addresses) == 0 {
		return fail("create the record of the host at your DNS provider, with the address of the Ingress: kubectl get ingress. "+
			"With external-dns, look at its log",
			"%s has no address", host)
	}

	private := func(ip netip.Addr) bool { return ip.IsPrivate() || ip.IsLinkLocalUnicast() }

	for _, ip := range addresses {
		if private(ip.Unmap()) {
			return warn("compare with a public resolver: dig "+host+" @1.1.1.1. If the public one says the same, Meta cannot connect",
				"%s has the private address %s, as seen from here", host, ip)
		}
	}

	return ok("%s has %d addresses, such as %s", host, len(addresses), addresses[0].Unmap())
}

// verifying returns a client that verifies the certificate as Meta does.
func (s site) verifying() *http.Client {
	return s.client(&tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12})
}

// connect connects by TLS, and checks the certificate. The request contains nothing secret, since nothing is verified before.
func (s site) connect(ctx context.Context) (reached, certificate finding) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	unverified := s.client(&tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // the check is about the certificates
		MinVersion:         tls.VersionTLS12,
	})

	request, err := http.NewRequestWithContext(ctx, http.MethodHead, s.url.String(), http.NoBody)
	if err != nil {
		return fail("correct the public URL", "the public URL cannot be called"), finding{}
	}

	answer, err := do(unverified, request)
	if err != nil {
		return fail("check that the Ingress or load balancer runs, that its address is that of the DNS record, and that firewalls let "+
			"port "+port(s.url)+" through. A pod may fail to reach its own public address although Meta does: compare with "+
			"another machine",
			"%s: %s", s.url.Host, reason(err)), finding{}
	}

	reached = ok("%s answers in %d ms", s.url.Host, answer.took.Milliseconds())

	roots := s.Roots
	if roots == nil {
		if roots, err = x509.SystemCertPool(); err != nil {
			return reached, skip("the authorities of this system cannot be read")
		}
	}

	return reached, diagnoseChain(answer.tls.PeerCertificates, s.url.Hostname(), roots, s.now)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}

	return "443"
}

// verification is the verification request that Meta sends, or one without a token.
func (s site) verification(ctx context.Context, verifyToken, challenge string) (*http.Request, error) {
	target := *s.url
	query := target.Query()
	query.Set("hub.mode", "subscribe")
	query.Set("hub.challenge", challenge)
	query.Set("hub.verify_token", verifyToken)
	target.RawQuery = query.Encode()

	return http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
}

// diagnoseAnswer checks an answer that does not come from the receiver, and names the likely source.
func (s site) diagnoseAnswer(answer reply) finding {
	switch status := answer.status; {
	case status >= 300 && status <= 399:
		return fail("let the URL answer itself: Meta follows no redirect. Redirects from http to https do no harm, those of the host or "+
			"of a trailing slash do: use the address that it redirects to as the callback URL",
			"HTTP %d, a redirect to %s", status, redirectedTo(s.url, answer.header.Get("Location")))
	case status == http.StatusNotFound:
		return fail("compare host and path of the callback URL with those of the Ingress: kubectl get ingress -o yaml. Paths are "+
			"exact, and a rule for another host or class does not apply",
			"HTTP 404: nothing is served at this host and path")
	case status == http.StatusForbidden && strings.Contains(answer.body, edge.HandshakeRefused):
		return fail("give Meta and the receiver the same verify token. If the Secret was changed just now, wait a minute; if another "+
			"receiver has this host and path, give one of them another",
			"HTTP 403: a receiver answers there that has another verify token")
	case status == http.StatusUnauthorized && strings.Contains(answer.body, edge.SignatureRefused):
		return fail("mount the secret of the app that is subscribed (App Dashboard > App settings > Basic). If it is that one, a proxy on "+
			"the way changes the body, or another receiver answers there",
			"HTTP 401: a receiver answers there that has another app secret")
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return fail("exempt the path of the webhook from sign-in, from IP allow lists and from the firewall: Meta signs its deliveries and "+
			"comes from many addresses",
			"HTTP %d, not by the receiver: something in front of it refuses the request", status)
	case status == http.StatusTooManyRequests:
		return fail("exempt the path of the webhook from rate limits: the receiver has its own", "HTTP 429: something limits the rate of requests")
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return fail("look at the pods and the endpoints of the Service: kubectl get pods,endpointslices. Meta redelivers for days",
			"HTTP %d: no receiver is ready behind this address, or it cannot store deliveries", status)
	}

	return fail("check that the URL is that of the receiver, and each proxy in front of it", "HTTP %d: this is not an answer of the receiver", answer.status)
}

// redirectedTo names the target of a redirect without its query, which repeats that of the request.
func redirectedTo(from *url.URL, location string) string {
	to, err := from.Parse(location)
	if err != nil || location == "" {
		return "an unknown address"
	}

	return fmt.Sprintf("%s://%s%s", to.Scheme, to.Host, to.EscapedPath())
}
