// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

const (
	// clockWarning and clockFailure are the differences from which a wrong clock does harm: leases of replicas allow a few
	// seconds, certificates and tokens minutes.
	clockWarning = 5 * time.Second
	clockFailure = time.Minute
	// tokenWarning is the time before the end of the token from which it should be renewed.
	tokenWarning = 7 * 24 * time.Hour
)

// The permissions of an access token.
const (
	scopeMessaging  = "whatsapp_business_messaging"
	scopeManagement = "whatsapp_business_management"
)

// account holds the information about the token that the checks share.
type account struct {
	app      cloudapi.App // zero if the app is unknown
	canRead  bool         // the token may read the account's settings
	whyNot   string       // the reason if it may not
	declared bool         // the configuration declares the subscription
}

func (r *run) checkMeta(ctx context.Context) {
	graph := r.diagnoseClock(ctx)
	r.set(checkGraph, graph)

	if graph.state == Failure {
		r.skipRest(groupMeta, "Meta has to be reached first")
		return
	}

	if r.settings.Secrets.AccessToken == "" {
		r.skipRest(groupMeta, "the secret access-token is missing")
		return
	}

	a, reached := r.checkTheToken(ctx)
	if !reached {
		r.skipRest(groupMeta, "the access token has to be valid first")
		return
	}

	r.set(checkAppSubscription, r.diagnoseAppSubscription(ctx, a))

	accounts := r.readAccounts(ctx, a)
	numbers := r.readNumbers(ctx, a)

	r.checkSubscriptions(a, accounts, numbers)
	r.checkTheNumbers(a, numbers)
	r.set(checkAppLive, r.diagnoseLive(ctx))
}

// diagnoseClock asks Meta for the time. It records how our clock differs, and returns whether Meta was reached.
func (r *run) diagnoseClock(ctx context.Context) finding {
	ctx, cancel := r.call(ctx)
	defer cancel()

	began := time.Now()

	at, err := r.Graph.Time(ctx)
	if err != nil {
		return fail("let the receiver connect to graph.facebook.com on port 443: look at egress rules, NetworkPolicies, DNS and proxies",
			"%s", failure.Of(err).Text)
	}

	took := time.Since(began)

	// The header has whole seconds, so half a second is what it says less at least.
	ahead := r.Clock.Now().Sub(at.Add(500 * time.Millisecond)).Round(time.Second)
	fix := "synchronize the clock of the node by NTP: timedatectl status"

	f := ok("within %s of Meta's", clockWarning)
	if off := ahead.Abs() - took; off >= clockFailure {
		f = fail(fix, "the clock is %s", difference(ahead))
	} else if off >= clockWarning {
		f = warn(fix, "the clock is %s", difference(ahead))
	}

	r.set(checkClock, f)

	return ok("answered in %d ms", took.Milliseconds())
}

func difference(ahead time.Duration) string {
	if ahead < 0 {
		return (-ahead).String() + " behind Meta's"
	}

	return ahead.String() + " ahead of Meta's"
}

// checkTheToken checks the access token and the app secret. It reports false if no other call to Meta can succeed.
func (r *run) checkTheToken(ctx context.Context) (account, bool) {
	a := account{}

	if declared := r.settings.CloudAPI.Subscription; declared != nil {
		a.app.ID = declared.AppID
		a.declared = true
	}

	info, err := r.inspect(ctx, a.app.ID)
	if err != nil && cloudapi.ProofRefused(err) {
		r.set(checkAppSecret, r.diagnoseAppSecrets(ctx, &a))
		r.skipRest(groupMeta, "the app secret has to be right first")

		return a, false
	}

	if err != nil {
		r.set(checkToken, diagnoseInspection(ctx, err))
		r.skipRest(groupMeta, "Meta has to describe the access token first")

		return a, false
	}

	f := r.diagnoseToken(info, a.app.ID)
	r.set(checkToken, f)

	if !info.Valid {
		return a, false
	}

	if a.app.ID == "" {
		a.app.ID = info.AppID
	}

	r.set(checkTokenScopes, diagnoseScopes(info.Scopes))
	r.set(checkAppSecret, r.diagnoseAppSecrets(ctx, &a))

	a.canRead = slices.Contains(info.Scopes, scopeManagement)
	a.whyNot = "the access token needs " + scopeManagement + " to read this"

	return a, true
}

// inspect describes the access token: as the declared app if one of its secrets is accepted, and else by the token itself.
func (r *run) inspect(ctx context.Context, appID string) (cloudapi.TokenInfo, error) {
	ctx, cancel := r.call(ctx)
	defer cancel()

	token := r.settings.Secrets.AccessToken

	if appID != "" {
		for _, secret := range r.settings.Secrets.AppSecrets {
			info, err := r.Graph.InspectToken(ctx, cloudapi.App{ID: appID, Secret: secret}, token)
			if err == nil || !cloudapi.AppRefused(err) {
				return info, err
			}
		}
	}

	return r.Graph.InspectToken(ctx, cloudapi.App{}, token)
}

const newToken = "create a token of a system user with both permissions (Business settings > System users > Generate token), and store it " +
	"as access-token"

func diagnoseInspection(ctx context.Context, err error) finding {
	if f := failure.Of(err); cloudapi.TokenRefused(f) {
		return fail(newToken, "%s", f.Text)
	}

	return unread(ctx, err, "the access token", correctAndRepeat)
}

func (r *run) diagnoseToken(info cloudapi.TokenInfo, appID string) finding {
	now := r.Clock.Now()

	switch end := info.ExpiresAt; {
	case !info.Valid && !end.IsZero() && !end.After(now):
		return fail(newToken+". Tokens of system users need not expire", "the access token expired on %s", end.UTC().Format(time.RFC3339))
	case !info.Valid:
		return fail(newToken, "Meta says that the access token is not valid: it was revoked, or never was one")
	case appID != "" && info.AppID != "" && info.AppID != appID:
		return fail("create the token for app "+appID+", or declare cloudAPI.subscription.appID "+info.AppID,
			"the access token was issued for app %s, and app %s is declared", info.AppID, appID)
	case !info.DataAccessExpiresAt.IsZero() && !info.DataAccessExpiresAt.After(now):
		return fail(newToken, "the access token reads nothing since %s", info.DataAccessExpiresAt.UTC().Format(time.RFC3339))
	case !end.IsZero() && end.Sub(now) < tokenWarning:
		return warn(newToken+". Tokens of system users need not expire", "the access token expires on %s", end.UTC().Format(time.RFC3339))
	case !end.IsZero():
		return ok("%s, expires on %s", ofApp(info.AppID), end.UTC().Format(time.RFC3339))
	}

	return ok("%s, does not expire", ofApp(info.AppID))
}

func diagnoseScopes(scopes []string) finding {
	var missing []string

	for _, scope := range []string{scopeMessaging, scopeManagement} {
		if !slices.Contains(scopes, scope) {
			missing = append(missing, scope)
		}
	}

	if len(missing) == 0 {
		return ok("%s and %s", scopeMessaging, scopeManagement)
	}

	return fail("create the token again with both permissions (Business settings > System users > Generate token)",
		"missing: %s", strings.Join(missing, ", "))
}

// ofApp says to which app a token belongs, if Meta does.
func ofApp(id string) string {
	if id == "" {
		return "valid"
	}

	return "of app " + id
}
