// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// problems collects the errors of a configuration. Its methods append one error for each violation.
type problems []error

func (p *problems) check(ok bool, key, text string) {
	if !ok {
		*p = append(*p, fmt.Errorf("%s %s", key, text))
	}
}

func (p *problems) oneOf(key, value string, allowed ...string) {
	p.check(slices.Contains(allowed, value), key, "must be one of "+strings.Join(allowed, ", "))
}

func (p *problems) address(key, value string) {
	_, _, err := net.SplitHostPort(value)
	p.check(err == nil, key, "must be host:port or :port")
}

// loopback protects the console, which has no authentication.
func (p *problems) loopback(key, value string) {
	host, _, err := net.SplitHostPort(value)
	ip := net.ParseIP(host)
	valid := err == nil && ip != nil && ip.IsLoopback()
	p.check(valid, key, "must be a loopback address and a port, such as 127.0.0.1:9091")
}

func (p *problems) path(key, value string) {
	valid := strings.HasPrefix(value, "/") && !strings.ContainsAny(value, " +?#")
	p.check(valid, key, `must start with "/" and contain no space, "+", "?" or "#"`)
}

// absolutePath checks the path of a file or folder of the receiver. The rules are those of the container, also when the tool
// checks a configuration on Windows.
func (p *problems) absolutePath(key, name string) {
	p.check(path.IsAbs(name) || filepath.IsAbs(name), key, "must be an absolute path")
}

func (p *problems) url(key, value string) {
	u, err := url.Parse(value)
	valid := err == nil && isAbsolute(u) && u.RawQuery == ""
	p.check(valid, key, "must be an absolute http or https URL without user, query or fragment")
}

func (p *problems) urlWithQuery(key, value string) {
	u, err := url.Parse(value)
	p.check(err == nil && isAbsolute(u), key, "must be an absolute http or https URL without user or fragment")
}

// linkTemplate checks the template of a link to a trace. It may have a query and a fragment, as pages of scripts need.
func (p *problems) linkTemplate(key, value string) {
	u, err := url.Parse(value)
	valid := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		strings.Count(value, TraceIDPlace) == 1
	p.check(valid, key, "must be an absolute http or https URL without user, with "+TraceIDPlace+" once after the host, "+
		"such as https://tempo.example.com/trace/"+TraceIDPlace)
}

func (p *problems) origin(key, value string) {
	u, err := url.Parse(value)
	valid := err == nil && isAbsolute(u) && u.RawQuery == "" && u.Path == ""
	p.check(valid, key, "must be scheme and host only, such as https://hooks.example.com")
}

func isAbsolute(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Fragment == ""
}

func inRange[T int | int64 | time.Duration](p *problems, key string, value, least, most T) {
	text := fmt.Sprintf("is %v; it must be from %v to %v", value, least, most)
	p.check(value >= least && value <= most, key, text)
}

// isName reports whether s is a name in snake case, like the methods of the contract and Meta's webhook fields.
func isName(s string) bool { return snakeCase.MatchString(s) && len(s) <= 64 }

func texts[T ~string](values []T) []string {
	all := make([]string, 0, len(values))
	for _, v := range values {
		all = append(all, string(v))
	}

	return all
}
