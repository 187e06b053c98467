// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// fieldMessages is the webhook field of the messages of people.
const fieldMessages = "messages"

// subscription is what the checks of a business account find.
type subscription struct{ subscribed, override, others finding }

// readAccounts checks the business accounts, if the token may read them.
func (r *run) readAccounts(ctx context.Context, a account) []subscription {
	if !a.declared || !a.canRead {
		return nil
	}

	return each(r.settings.CloudAPI.Subscription.BusinessAccountIDs, func(id string) subscription {
		return r.diagnoseAccount(ctx, a, id)
	})
}

// checkSubscriptions checks where Meta delivers.
func (r *run) checkSubscriptions(a account, accounts []subscription, numbers []phoneNumber) {
	var subscribed, overrides, others []finding

	for _, found := range accounts {
		subscribed = append(subscribed, found.subscribed)
		overrides = append(overrides, found.override)
		others = append(others, found.others)
	}

	for _, n := range numbers {
		overrides = append(overrides, r.diagnoseNumberOverride(a, n))
	}

	summary := func(name, good, lacks string, all []finding) {
		switch {
		case !a.canRead:
			r.set(name, skip("%s", a.whyNot))
		case len(all) == 0:
			r.set(name, skip("%s", lacks))
		default:
			r.set(name, merge(ok("%s", good), all...))
		}
	}

	const noAccounts = "cloudAPI.subscription.businessAccountIDs names no account"

	summary(checkSubscribedApps, "app "+a.app.ID+" is subscribed to all", noAccounts, subscribed)
	summary(checkOverrides, "messages are delivered to this URL", "neither business accounts nor phone numbers are configured", overrides)

	alone := "no other app, and nothing goes to standby"

	switch {
	case r.Process == nil:
	case r.settings.Processing.PassThreadControl: // messages of the conversations that the receiver passes on go to standby
		alone = "no other app; conversations that are passed go to standby"

		others = append(others, ok(""))
	default:
		others = append(others, r.diagnoseStandby())
	}

	if len(others) == 0 && a.canRead {
		r.set(checkResponders, skip(noAccounts))
		return
	}

	if len(others) == 0 {
		r.set(checkResponders, skip("%s", a.whyNot))
		return
	}

	r.set(checkResponders, merge(ok("%s", alone), others...))
}

func (r *run) diagnoseAppSubscription(ctx context.Context, a account) finding {
	ctx, cancel := r.call(ctx)
	defer cancel()

	if a.app.ID == "" || a.app.Secret == "" {
		return skip("the app or its secret is not known: declare cloudAPI.subscription.appID, and see app-secret")
	}

	found, err := r.Graph.AppSubscription(ctx, a.app)
	if err != nil {
		return unread(ctx, err, "the subscription of app "+a.app.ID, correctAndRepeat)
	}

	wanted := []string{fieldMessages}
	if a.declared {
		wanted = r.settings.CloudAPI.Subscription.Fields
	}

	const fix = "declare cloudAPI.subscription, and the receiver subscribes the app; or App Dashboard > WhatsApp > Configuration"

	switch {
	case found == nil:
		return fail(fix, "app %s is not subscribed to WhatsApp's webhooks", a.app.ID)
	case !found.Active:
		return fail(fix, "the subscription of app %s is not active", a.app.ID)
	}

	if ours, _ := r.publicURL(); r.ownsAppCallback(a) && ours != "" && found.CallbackURL != ours {
		return fail(fix+". If another receiver has the app's URL, declare callbackScope BusinessAccount or PhoneNumber",
			"app %s delivers to %s, not to this URL", a.app.ID, hostOf(found.CallbackURL))
	}

	missing := slices.DeleteFunc(slices.Clone(wanted), func(field string) bool { return slices.Contains(found.Fields, field) })

	switch {
	case slices.Contains(missing, fieldMessages):
		return fail(fix+" > Webhook fields", "app %s is not subscribed to the field messages", a.app.ID)
	case len(missing) > 0:
		return warn(fix+" > Webhook fields. Meta may refuse a field to an app",
			"app %s is not subscribed to %s", a.app.ID, strings.Join(missing, ", "))
	}

	return ok("app %s: %s", a.app.ID, strings.Join(found.Fields, ", "))
}

// ownsAppCallback reports whether the app's own callback URL should be ours.
func (r *run) ownsAppCallback(a account) bool {
	return !a.declared || r.settings.CloudAPI.Subscription.CallbackScope == config.CallbackApp
}

// diagnoseAccount checks the app's subscription to a business account, the account's override, and the other apps.
func (r *run) diagnoseAccount(ctx context.Context, a account, id string) subscription {
	ctx, cancel := r.call(ctx)
	defer cancel()

	all, err := r.Graph.AccountSubscriptions(ctx, id)
	if err != nil {
		unknown := skip("business account %s cannot be read", id)

		return subscription{
			subscribed: unread(ctx, err, "business account "+id,
				"assign the account to the token's system user (Business settings > System users > Assign assets)"),
			override: unknown,
			others:   unknown,
		}
	}

	subscribed := fail("declare the account in cloudAPI.subscription.businessAccountIDs, and the receiver subscribes the app; or POST /"+
		id+"/subscribed_apps", "app %s is not subscribed to business account %s, so Meta delivers none of its messages", a.app.ID, id)
	override := ok("")
	others := ok("")

	for _, s := range all {
		if s.AppID != a.app.ID {
			others = warn("if that app answers too, people get two answers: remove it (WhatsApp Manager > Account settings > Partners), or let one "+
				"of the two be silent", "app %s is subscribed to business account %s too", s.AppID, id)

			continue
		}

		subscribed = ok("")
		override = r.diagnoseOverride("business account "+id, s.OverrideURL, config.CallbackBusinessAccount, a)
	}

	return subscription{
		subscribed: subscribed,
		override:   override,
		others:     others,
	}
}

func (r *run) diagnoseNumberOverride(a account, n phoneNumber) finding {
	if n.unreadCallbacks != nil {
		return *n.unreadCallbacks
	}

	return r.diagnoseOverride("phone number "+n.id, n.callbacks.NumberURL, config.CallbackPhoneNumber, a)
}

// diagnoseOverride checks the override of an account or a number. The scope is the one with which the override is ours.
func (r *run) diagnoseOverride(subject, override string, scope config.CallbackScope, a account) finding {
	ours, _ := r.publicURL()

	switch wanted := a.declared && r.settings.CloudAPI.Subscription.CallbackScope == scope; {
	case override != "" && ours != "" && override != ours:
		return fail("remove the override (POST "+overrideCall(scope)+"), or declare callbackScope BusinessAccount or PhoneNumber",
			"%s has an override, so its messages go to %s", subject, hostOf(override))
	case override == "" && wanted:
		return fail("wait for the receiver to set it: it says under subscription in /status what keeps it from that",
			"%s has no override, although callbackScope %s is declared", subject, scope)
	}

	return ok("")
}

func overrideCall(scope config.CallbackScope) string {
	if scope == config.CallbackPhoneNumber {
		return "/{phone-number-id} with an empty override_callback_uri"
	}

	return "/{business-account-id}/subscribed_apps without a body"
}

// diagnoseStandby checks the messages that Meta delivered on standby, since another responder had the conversation.
func (r *run) diagnoseStandby() finding {
	standby := r.Process.Standby()
	all := make([]finding, 0, len(standby))

	for _, s := range standby {
		all = append(all, fail("let this app answer: Meta Business Suite > Settings > Conversation routing, or turn the other responder off, such "+
			"as Meta's Business Agent", "%d messages of phone number %s went to another responder", s.Messages, s.PhoneNumberID))
	}

	return merge(ok(""), all...)
}

// hostOf names a foreign callback URL by its host, since the rest may contain a secret.
func hostOf(callback string) string {
	u, err := url.Parse(callback)
	if err != nil || u.Host == "" {
		return "an invalid URL"
	}

	return u.Host
}

// meaningOf returns what codes of Meta mean.
func meaningOf(codes []int) string {
	var all []string

	for _, code := range codes {
		if text := cloudapi.Meaning(code); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}

	return strings.Join(all, ", ")
}
