// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
)

// maxIngressRules bounds the body of the request that sets the rules.
const maxIngressRules = 1 << 20

// IngressRule is one path of an Ingress.
type IngressRule struct {
	Host string `json:"host"`
	Path string `json:"path"`
	// Prefix reports whether the path matches everything below it; otherwise it matches exactly.
	Prefix bool `json:"prefix"`
	// Backend is the URL of the Service that serves the path, such as http://sales.messaging.svc:80.
	Backend string `json:"backend"`
	// MaxBody is the size of the largest body in bytes, as nginx limits it; 0 sets no limit.
	MaxBody int64 `json:"maxBody,omitempty"`
	// Redirect is the URL that requests are redirected to instead.
	Redirect string `json:"redirect,omitempty"`
}

// Ingress stands in for an ingress controller: it passes requests on by rules, which a test reads from an Ingress.
type Ingress struct {
	rules atomic.Pointer[[]IngressRule]
	mux   *http.ServeMux
}

// NewIngress returns an Ingress without rules, to serve with net/http.
func NewIngress() *Ingress {
	i := &Ingress{mux: http.NewServeMux()}
	i.rules.Store(&[]IngressRule{})
	i.mux.HandleFunc("GET "+controlPath+"healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	i.mux.HandleFunc("PUT "+controlPath+"ingress", i.setRules)

	return i
}

func (i *Ingress) setRules(w http.ResponseWriter, r *http.Request) {
	var rules []IngressRule
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxIngressRules)).Decode(&rules); err != nil {
		controlError(w, http.StatusBadRequest, fmt.Errorf("reading the rules: %w", err))
		return
	}

	for _, rule := range rules {
		if _, err := url.Parse(rule.Backend); err != nil {
			controlError(w, http.StatusBadRequest, fmt.Errorf("reading the backend of %s: %w", rule.Path, err))
			return
		}
	}

	i.SetRules(rules)
	w.WriteHeader(http.StatusNoContent)
}

// SetRules replaces the rules.
func (i *Ingress) SetRules(rules []IngressRule) { i.rules.Store(&rules) }

// ServeHTTP implements http.Handler.
func (i *Ingress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPath) {
		i.mux.ServeHTTP(w, r)
		return
	}

	rule, found := i.match(r)
	if !found {
		http.NotFound(w, r)
		return
	}

	if rule.Redirect != "" {
		http.Redirect(w, r, rule.Redirect, http.StatusMovedPermanently)
		return
	}

	if rule.MaxBody > 0 && r.ContentLength > rule.MaxBody {
		w.Header().Set("Server", "nginx")
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, "<html><head><title>413 Request Entity Too Large</title></head></html>")

		return
	}

	backend, err := url.Parse(rule.Backend)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}

	proxy := httputil.ReverseProxy{Rewrite: func(request *httputil.ProxyRequest) {
		request.SetURL(backend)
		request.SetXForwarded()
		request.Out.Host = request.In.Host
	}}
	proxy.ServeHTTP(w, r)
}

// match returns the rule of a request as Kubernetes defines it: an exact path first, then the longest prefix.
//
// Source: https://kubernetes.io/docs/concepts/services-networking/ingress/#multiple-matches
func (i *Ingress) match(r *http.Request) (IngressRule, bool) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}

	var (
		best  IngressRule
		found bool
	)

	for _, rule := range *i.rules.Load() {
		switch {
		case rule.Host != host:
		case !rule.Prefix && rule.Path == r.URL.Path:
			return rule, true
		case rule.Prefix && hasElements(r.URL.Path, rule.Path) && len(rule.Path) > len(best.Path):
			best = rule
			found = true
		}
	}

	return best, found
}

// hasElements reports whether path begins with the elements of prefix: /v1/ matches /v1 and /v1/messages, not /v10.
func hasElements(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")

	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
