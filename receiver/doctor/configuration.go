// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"regexp"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

func (r *run) checkConfiguration(context.Context) {
	r.set(checkSettings, r.diagnoseSettings())

	secrets := ok("all are there")
	if missing := r.settings.Missing(); len(missing) > 0 {
		secrets = fail("create the Secrets, or correct the names and keys of their references: docs/receiver.md lists the roles",
			"missing: %s", strings.Join(missing, ", "))
	}

	r.set(checkSecrets, secrets)
	r.set(checkSecretValues, merge(ok("no value looks wrong"), r.diagnoseValues()...))
}

func (r *run) diagnoseSettings() finding {
	switch {
	case len(r.settings.Ignored) > 0:
		return warn("use an image of the receiver that is as new as the operator: spec.receiver.image",
			"the receiver does not know these keys, and ignores them: %s", strings.Join(r.settings.Ignored, ", "))
	case r.settings.Problem != "":
		return fail("correct the file or the secrets; the previous ones stay in force until then", "%s", r.settings.Problem)
	}

	return ok("asks the AI by %s", r.settings.Protocol())
}

// secret is the value of a role.
type secret struct{ role, value string }

// headerSecrets returns the values that are sent in a header, where no line break may be.
func (r *run) headerSecrets() []secret {
	s := r.settings.Secrets

	return []secret{
		{config.RoleAccessToken, s.AccessToken},
		{config.RoleBirdAccessKey, s.BirdAccessKey},
		{config.RoleOpenAIKey, s.OpenAIKey},
		{config.RoleHandoffKey, s.HandoffKey},
	}
}

var (
	hexSecret    = regexp.MustCompile(`^[0-9a-f]{32}$`)
	appToken     = regexp.MustCompile(`^[0-9]+\|`)
	schemePrefix = regexp.MustCompile(`(?i)^(bearer|accesskey|basic|authorization:) `)
)

// userTokenPrefix begins the access tokens of Meta's users and system users.
const userTokenPrefix = "EAA"

// diagnoseValues checks the form of the secrets. The results name roles, never a part of a value.
func (r *run) diagnoseValues() []finding {
	var all []finding

	for _, s := range r.headerSecrets() {
		if fault := httpclient.CheckCredential("", failure.ScopeNone, s.role, s.value); fault != nil {
			all = append(all, fail("store the value alone, on one line", "%s", strings.TrimPrefix(fault.Text, "the secret ")))
		}

		if schemePrefix.MatchString(s.value) {
			all = append(all, fail("store the key alone: the receiver adds the scheme", "%s begins with the name of a scheme", s.role))
		}
	}

	s := r.settings.Secrets
	all = append(all, diagnoseAccessToken(s.AccessToken), diagnoseVerifyToken(s))

	for _, value := range s.AppSecrets {
		all = append(all, diagnoseAppSecret(value))
	}

	return append(all, r.diagnoseCertificates()...)
}

func diagnoseAccessToken(token string) finding {
	switch {
	case hexSecret.MatchString(token):
		return fail("store the token of a system user (Business settings > System users): this looks like the app secret",
			"access-token has 32 hexadecimal digits, as app secrets have")
	case appToken.MatchString(token):
		return fail("store the token of a system user (Business settings > System users): an app access token sends no messages",
			"access-token is an app access token, of the form id|secret")
	case token != "" && !strings.HasPrefix(token, userTokenPrefix):
		return warn("compare it with the token that Meta showed", "access-token does not begin with %s, as Meta's tokens do", userTokenPrefix)
	}

	return ok("")
}

func diagnoseAppSecret(value string) finding {
	const fix = "store the secret of the app: App Dashboard > App settings > Basic > App secret"

	switch {
	case strings.HasPrefix(value, userTokenPrefix) || appToken.MatchString(value):
		return fail(fix, "app-secret is an access token")
	case hexSecret.MatchString(strings.ToLower(value)) && !hexSecret.MatchString(value):
		return fail(fix+", in lower case", "app-secret has upper-case letters")
	case !hexSecret.MatchString(value):
		return warn(fix, "app-secret does not have 32 hexadecimal digits, as Meta's have")
	}

	return ok("")
}

func diagnoseVerifyToken(s config.Secrets) finding {
	switch token := s.VerifyToken; {
	case token == "":
		return ok("")
	case token == s.AccessToken || strings.HasPrefix(token, userTokenPrefix):
		return fail("make up another verify token, such as $(openssl rand -hex 16): it travels in URLs, which proxies log",
			"verify-token is an access token")
	case hexSecret.MatchString(token) && strings.Contains("\n"+strings.Join(s.AppSecrets, "\n")+"\n", "\n"+token+"\n"):
		return fail("make up another verify token, such as $(openssl rand -hex 16): it travels in URLs, which proxies log",
			"verify-token is the app secret")
	case strings.ContainsAny(token, " +&#%\n"):
		return warn("use letters and digits only, such as $(openssl rand -hex 16)",
			"verify-token has characters that are spelled differently in URLs")
	}

	return ok("")
}

// diagnoseCertificates checks the secrets in PEM, and the URL of the database.
func (r *run) diagnoseCertificates() []finding {
	var all []finding

	s := r.settings.Secrets

	for _, ca := range []secret{
		{config.RoleMetaCA, s.MetaCA},
		{config.RoleAICA, s.AICA},
		{config.RoleSinkCA, s.SinkCA},
		{config.RoleHandoffCA, s.HandoffCA},
		{config.RoleBackupCA, s.BackupCA},
		{config.RoleTracingCA, s.TracingCA},
		{config.RoleDatabaseCA, s.DatabaseCA},
		{config.RoleClientCA, s.ClientCA},
	} {
		if ca.value != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(ca.value)) {
			all = append(all, fail("store certificates as PEM: they begin with -----BEGIN CERTIFICATE-----", "%s has no PEM certificate", ca.role))
		}
	}

	if s.ServerCertificate != "" && s.ServerKey != "" {
		if _, err := tls.X509KeyPair([]byte(s.ServerCertificate), []byte(s.ServerKey)); err != nil {
			all = append(all, fail("store tls.crt and tls.key of the same certificate", "server-certificate and server-key do not belong together"))
		}
	}

	if s.DatabaseURL != "" && r.settings.Store.PostgreSQL != nil {
		u, err := url.Parse(s.DatabaseURL)
		if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" {
			all = append(all, fail("store a URL such as postgres://user:password@host:5432/database, with special characters of the password "+
				"percent-encoded", "database-url is not a URL of a database"))
		}
	}

	return all
}
