// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"maps"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// apiError is the meaning of one of Meta's error codes. The text names the problem so that an operator can act on it.
type apiError struct {
	class failure.Class
	scope failure.Scope
	text  string
}

// Codes returns the error codes of Meta that have a meaning here, in order.
func Codes() []int { return slices.Sorted(maps.Keys(apiErrors)) }

// apiErrors is Meta's table of error codes, with the reactions that Meta advises.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
//
// A missing permission has the scope of the phone number: the token may lack it for one business account only. If it lacks it
// for all, each number finds that out by itself.
var apiErrors = map[int]apiError{
	// The app, its token and its permissions.
	0:    {failure.Configuration, failure.ScopeApp, "the access token is expired or invalid: set a new one"},
	1:    {failure.Ambiguous, failure.ScopeNone, "Meta reports an unknown API error"},
	2:    {failure.Ambiguous, failure.ScopeApp, "Meta's API is down or overloaded"},
	3:    {failure.Configuration, failure.ScopeNumber, "the app lacks a capability or permission: check whatsapp_business_messaging"},
	4:    {failure.RateLimited, failure.ScopeApp, "the app reached its API call limit"},
	5:    {failure.Configuration, failure.ScopeApp, "the app refuses calls from this address: add it to the server IP allowlist in the app's settings"},
	10:   {failure.Configuration, failure.ScopeNumber, "the permission was not granted or was removed: check whatsapp_business_messaging"},
	17:   {failure.RateLimited, failure.ScopeApp, "the access token's user reached its API call limit"},
	32:   {failure.RateLimited, failure.ScopeBusinessAccount, "the business reached its API call limit"},
	33:   {failure.Permanent, failure.ScopeNumber, "the business phone number was deleted"},
	100:  {failure.Permanent, failure.ScopeNone, "Meta refuses a parameter of the request"},
	101:  {failure.Configuration, failure.ScopeApp, "Meta does not know the app: check its id and the access token"},
	102:  {failure.Configuration, failure.ScopeApp, "the access token is expired or invalid: set a new one"},
	104:  {failure.Configuration, failure.ScopeApp, "the access token is missing: set one"},
	190:  {failure.Configuration, failure.ScopeApp, "the access token is expired or invalid: set a new one"},
	341:  {failure.RateLimited, failure.ScopeApp, "the app reached a limit of Meta"},
	368:  {failure.Configuration, failure.ScopeBusinessAccount, "the business account is blocked for policy violations: see WhatsApp Manager"},
	613:  {failure.RateLimited, failure.ScopeApp, "the calls exceed a rate limit of Meta"},
	803:  {failure.Configuration, failure.ScopeNumber, "Meta does not know the phone number id: check cloudAPI.phoneNumberIDs"},
	2200: {failure.Configuration, failure.ScopeApp, "the callback URL failed Meta's verification: check that it is public and knows the verify token"},
	2500: {failure.Configuration, failure.ScopeApp, "Meta knows no such path: check cloudAPI.baseURL and cloudAPI.version"},

	// Rates and restrictions.
	80007:  {failure.RateLimited, failure.ScopeBusinessAccount, "the business account reached its rate limit"},
	80008:  {failure.RateLimited, failure.ScopeBusinessAccount, "the business account reached its rate limit"},
	130403: {failure.Permanent, failure.ScopeRecipient, "the business has blocked this person"},
	130429: {failure.RateLimited, failure.ScopeNumber, "the phone number reached its throughput limit"},
	130472: {failure.Permanent, failure.ScopeRecipient, "the person's number is part of a Meta experiment"},
	130497: {failure.Permanent, failure.ScopeBusinessAccount, "the business may not message people in this country"},

	// Messages.
	131000: {failure.Ambiguous, failure.ScopeNone, "Meta reports that something went wrong"},
	131005: {failure.Configuration, failure.ScopeNumber, "access denied: check the permissions of the access token, and that its system user has the business account"},
	131008: {failure.Permanent, failure.ScopeNone, "a required parameter is missing"},
	131009: {failure.Permanent, failure.ScopeNone, "a parameter has a value that Meta refuses"},
	131016: {failure.Ambiguous, failure.ScopeNone, "a service of Meta is temporarily unavailable"}, // as 1, 2 and 131000, it may come after the send
	131020: {failure.Permanent, failure.ScopeRecipient, "the group has a single member"},
	131021: {failure.Permanent, failure.ScopeRecipient, "sender and recipient are the same number"},
	131026: {failure.Permanent, failure.ScopeRecipient, "the message is undeliverable: no WhatsApp number, terms not accepted, or the app is too old"},
	131030: {failure.Permanent, failure.ScopeRecipient, "the recipient is not on the test number's list of allowed numbers"},
	131031: {failure.Configuration, failure.ScopeBusinessAccount, "the business account is locked: see WhatsApp Manager"},
	131035: {failure.Permanent, failure.ScopeNone, "a webhook was not delivered within the data retention limit, and its content is lost"},
	131036: {failure.Permanent, failure.ScopeRecipient, "at least one of the person's devices did not get the message"},
	131037: {failure.Configuration, failure.ScopeNumber, "the phone number's display name needs approval"},
	131041: {failure.Permanent, failure.ScopeRecipient, "the group is unknown"},
	131042: {failure.Configuration, failure.ScopeBusinessAccount, "the business account has a payment problem: see WhatsApp Manager"},
	131043: {failure.Permanent, failure.ScopeNone, "the message expired before Meta could deliver it"},
	131044: {failure.Configuration, failure.ScopeBusinessAccount, "the business account has a payment problem: see WhatsApp Manager"},
	131045: {failure.Configuration, failure.ScopeNumber, "the phone number is not registered correctly: register it"},
	131047: {failure.TemplateRequired, failure.ScopePair, "more than 24 hours since the person's last message: only a template may be sent"},
	131048: {failure.RateLimited, failure.ScopeNumber, "the phone number is restricted for spam: see its quality in WhatsApp Manager"},
	131049: {failure.Permanent, failure.ScopePair, "Meta chose not to deliver the message: wait at least 24 hours before another"},
	131050: {failure.Permanent, failure.ScopeRecipient, "the person stopped marketing messages"},
	131051: {failure.Permanent, failure.ScopeNone, "the message type is not supported"},
	131052: {failure.Permanent, failure.ScopeNone, "the media that the person sent cannot be downloaded: it is larger than 100 MB or no longer exists"},
	131053: {failure.Permanent, failure.ScopeNone, "the media could not be uploaded: check its type, size and address"},
	131055: {failure.Permanent, failure.ScopeNone, "only marketing templates may be sent this way"},
	131056: {failure.RateLimited, failure.ScopePair, "too many messages to this person in a short time"},
	131057: {failure.RateLimited, failure.ScopeNumber, "the phone number is in maintenance for about a minute"}, // longer than the retries of a Transient failure
	131059: {failure.Permanent, failure.ScopeNone, "the cursor of the page is not valid any more"},
	131060: {failure.Permanent, failure.ScopeNone, "the message is currently unavailable"},
	131062: {failure.Permanent, failure.ScopeNone, "this message cannot be sent to a business-scoped user id: it needs a phone number"},
	131063: {failure.Permanent, failure.ScopeNone, "marketing templates are disabled on the Cloud API"},
	131064: {failure.Configuration, failure.ScopeBusinessAccount, "messaging is limited for template classification violations: see WhatsApp Manager"},

	// Groups. lookupError handles their other codes.
	131207: {failure.Permanent, failure.ScopeRecipient, "the group is suspended"},
	131208: {failure.RateLimited, failure.ScopeNumber, "the phone number reached its limit for groups"},

	// Templates and flows.
	132000: {failure.Permanent, failure.ScopeNone, "the template's parameters do not match in number"},
	132001: {failure.Permanent, failure.ScopeNone, "the template does not exist in this language or is not approved"},
	132005: {failure.Permanent, failure.ScopeNone, "the template's text is too long with its parameters"},
	132007: {failure.Permanent, failure.ScopeNone, "the template's characters violate Meta's policy"},
	132008: {failure.Permanent, failure.ScopeNone, "the value of a template's parameter has the wrong format"},
	132012: {failure.Permanent, failure.ScopeNone, "a parameter of the template has the wrong format"},
	132015: {failure.Permanent, failure.ScopeNone, "the template is paused for its quality"},
	132016: {failure.Permanent, failure.ScopeNone, "the template is disabled for its quality"},
	132018: {failure.Permanent, failure.ScopeNone, "the template's parameters are not valid"},
	132068: {failure.Permanent, failure.ScopeNone, "the flow is blocked"},
	132069: {failure.RateLimited, failure.ScopePair, "the flow is throttled for about an hour"}, // only messages with the flow are: others need not wait,

	// Registration of the phone number.
	133000: {failure.Configuration, failure.ScopeNumber, "an earlier deregistration is incomplete: deregister the phone number again"},
	133001: {failure.Permanent, failure.ScopeNumber, "the phone number's backup cannot be decrypted"},
	133002: {failure.Permanent, failure.ScopeNumber, "the phone number's backup cannot be decrypted"},
	133003: {failure.Permanent, failure.ScopeNumber, "the phone number's recovery token cannot be decrypted"},
	133004: {failure.Ambiguous, failure.ScopeNone, "Meta's server is temporarily unavailable"},
	133005: {failure.Configuration, failure.ScopeNumber, "the two-step verification PIN is wrong"},
	133006: {failure.Configuration, failure.ScopeNumber, "the phone number needs to be verified again"},
	133007: {failure.Configuration, failure.ScopeBusinessAccount, "the account is blocked"},
	133008: {failure.RateLimited, failure.ScopeNumber, "too many guesses of the two-step verification PIN"},
	133009: {failure.RateLimited, failure.ScopeNumber, "the two-step verification PIN was entered too fast"},
	133010: {failure.Configuration, failure.ScopeNumber, "the phone number is not registered on the Cloud API: register it"},
	133015: {failure.RateLimited, failure.ScopeNumber, "the phone number was deleted just now: wait 5 minutes before registering it"},
	133016: {failure.RateLimited, failure.ScopeNumber, "the phone number was registered and deregistered too often"},
	136024: {failure.Permanent, failure.ScopeNumber, "Meta cannot send a verification code to the phone number: wait an hour and request it again"},
	136025: {failure.Configuration, failure.ScopeNumber, "the phone number's verification code is wrong"},

	// Calls, flows as objects, and blocked people. They do not concern messages, which a pause would delay.
	138000: {failure.Permanent, failure.ScopeNumber, "calls are not enabled on the phone number: enable them in its call settings"},
	138001: {failure.Permanent, failure.ScopeRecipient, "the person cannot be called: no WhatsApp number, terms not accepted, or the app is too old"},
	138002: {failure.Permanent, failure.ScopeNumber, "the phone number reached its limit of simultaneous calls"},
	138003: {failure.Permanent, failure.ScopePair, "a call with the person is in progress"},
	138004: {failure.Permanent, failure.ScopeNone, "Meta failed to connect the call"},
	138005: {failure.Permanent, failure.ScopeNumber, "the phone number reached its limit of calls"},
	138006: {failure.Permanent, failure.ScopePair, "the person has not permitted calls"},
	138007: {failure.Permanent, failure.ScopeNone, "the call was not answered by the business in time"},
	138009: {failure.Permanent, failure.ScopePair, "the person was asked too often for the permission to call"},
	138012: {failure.Permanent, failure.ScopePair, "the limit of calls to this person within 24 hours is reached"},
	138013: {failure.Permanent, failure.ScopeNumber, "the phone number may not start calls: see Meta's list of countries"},
	138014: {failure.Permanent, failure.ScopeNumber, "calls of the phone number are disabled for their low quality: see WhatsApp Manager"},
	138015: {failure.Permanent, failure.ScopeNumber, "calls cannot be enabled: the phone number's messaging limit is too low"},
	138017: {failure.Permanent, failure.ScopePair, "the person has permitted calls permanently: do not ask again"},
	138018: {failure.Permanent, failure.ScopeNumber, "calls cannot be enabled: configure SIP, or subscribe the app to the field calls"},
	138038: {failure.Permanent, failure.ScopePair, "another responder answers the calls: see Conversation Routing in Meta Business Suite"},
	139000: {failure.Permanent, failure.ScopeBusinessAccount, "the account may not create or publish flows, for its integrity: see WhatsApp Manager"},
	139001: {failure.Permanent, failure.ScopeNone, "the flow cannot be updated: it is published, or its JSON is not valid"},
	139002: {failure.Permanent, failure.ScopeNone, "the flow cannot be published: see its validation errors"},
	139003: {failure.Permanent, failure.ScopeNone, "the flow cannot be deprecated: it is not published"},
	139004: {failure.Permanent, failure.ScopeNone, "the flow cannot be deleted: it is published"},
	139100: {failure.Permanent, failure.ScopeNone, "some people could not be blocked or unblocked"},
	139101: {failure.Permanent, failure.ScopeNumber, "the list of blocked people is full"},
	139102: {failure.Permanent, failure.ScopeNone, "the list of blocked people was changed meanwhile"},
	139103: {failure.Permanent, failure.ScopeNone, "Meta failed to change the list of blocked people"},

	// Other codes.
	134011:  {failure.Configuration, failure.ScopeBusinessAccount, "the WhatsApp Payments terms are not accepted"},
	134100:  {failure.Permanent, failure.ScopeNone, "only marketing templates may be sent this way"},
	134101:  {failure.RateLimited, failure.ScopePair, "Meta is still preparing the template"}, // only messages with the template wait
	134102:  {failure.Permanent, failure.ScopeNone, "the template cannot be used: check that the account may use the Marketing Messages API"},
	135000:  {failure.Permanent, failure.ScopeNone, "Meta refuses the request's parameters"},
	137000:  {failure.Permanent, failure.ScopeRecipient, "the person's identity key does not match"},
	1752041: {failure.Permanent, failure.ScopeNone, "a partner has sent this request before: no action is needed"},
	2494100: {failure.RateLimited, failure.ScopeNumber, "the phone number is in maintenance"},
	2494191: {failure.Permanent, failure.ScopePair, "another responder has the conversation: see Conversation Routing in Meta Business Suite"},
	2593107: {failure.Permanent, failure.ScopeNumber, "the WhatsApp Business app was synchronized too often"},
	2593108: {failure.Permanent, failure.ScopeNumber, "the time to synchronize the WhatsApp Business app is over"},
	2593109: {failure.Permanent, failure.ScopeNumber, "the business declined to share its history"},
}

// ranges are the codes that Meta documents in groups, or whose members need no text of their own.
var ranges = []struct {
	first, last int
	apiError
}{
	{200, 299, apiError{failure.Configuration, failure.ScopeNumber, "a permission was not granted or was removed: check whatsapp_business_messaging, and that the access token's system user has the business account"}},
	{80000, 80014, apiError{failure.RateLimited, failure.ScopeBusinessAccount, "the business reached a rate limit"}},
	{131201, 131215, apiError{failure.Permanent, failure.ScopeRecipient, "Meta refuses the group"}},
	{138000, 138099, apiError{failure.Permanent, failure.ScopeNone, "Meta refuses the call"}},
	{147001, 147005, apiError{failure.Permanent, failure.ScopeNone, "Meta refuses the username"}},
	{2388000, 2388999, apiError{failure.Permanent, failure.ScopeNone, "Meta refuses a template, or the migration of a phone number: see WhatsApp Manager"}},
	{2494164, 2494179, apiError{failure.Permanent, failure.ScopeNone, "Meta refuses a sign-up within WhatsApp"}},
}

// subcode is an error code together with a subcode.
type subcode struct{ code, subcode int }

// Subcodes that stand for refusals which have code 100 and no subcode of their own.
const (
	proofMissing = -1 // "API calls from the server require an appsecret_proof argument"
	proofInvalid = -2 // "Invalid appsecret_proof provided in the API argument"
)

// apiSubcodes are the errors whose subcode changes what their code means.
//
// Source: https://developers.facebook.com/docs/graph-api/guides/error-handling; 33 is documented by Meta's message only:
// "Object with ID … does not exist, cannot be loaded due to missing permissions, or does not support this operation".
var apiSubcodes = map[subcode]apiError{
	{codeInvalidParameter, unknownObject}: {failure.Configuration, failure.ScopeNumber, "the access token has no access to this phone number, or its id is wrong: check cloudAPI.phoneNumberIDs, and that the token's system user has the business account"},
	{codeInvalidParameter, proofMissing}:  {failure.Configuration, failure.ScopeApp, "the app refuses calls without a proof of its secret: mount the app's secret (" + config.RoleAppSecret + "), or turn off Require App Secret in the app's advanced settings"},
	{codeInvalidParameter, proofInvalid}:  {failure.Configuration, failure.ScopeApp, "no mounted app secret (" + config.RoleAppSecret + ") is that of the app which the access token was issued for: mount that app's secret, or set an access token of this app"},
	{190, 458}:                            {failure.Configuration, failure.ScopeApp, "the access token's user removed the app: set a new token"},
	{190, 459}:                            {failure.Configuration, failure.ScopeApp, "the access token's user has to log in at Meta: set a token of a system user"},
	{190, 460}:                            {failure.Configuration, failure.ScopeApp, "the access token's user changed the password: set a new token"},
	{190, 463}:                            {failure.Configuration, failure.ScopeApp, "the access token is expired: set a new one"},
	{190, 464}:                            {failure.Configuration, failure.ScopeApp, "the access token's user has to log in at Meta: set a token of a system user"},
	{190, 467}:                            {failure.Configuration, failure.ScopeApp, "the access token was revoked: set a new one"},
}

// firstPauses are the first pauses of the rate limits. Meta counts calls of apps and accounts by the hour, and lifts
// restrictions of a phone number after hours. It says 4^x s for a pair, a minute for maintenance, and an hour for flows.
//
// Source: https://developers.facebook.com/docs/graph-api/overview/rate-limiting and the table of error codes
var firstPauses = map[int]time.Duration{
	whatsapp.NoCode: time.Second, // HTTP 429
	4:               callLimitPause,
	17:              callLimitPause,
	32:              callLimitPause,
	341:             callLimitPause,
	613:             callLimitPause,
	80007:           callLimitPause,
	80008:           callLimitPause,
	130429:          time.Second,
	131048:          time.Hour,
	131056:          time.Second,
	131057:          time.Minute,
	131208:          callLimitPause,
	132069:          time.Hour,
	133008:          time.Hour,
	133009:          time.Minute,
	133015:          5 * time.Minute,
	133016:          6 * time.Hour,
	134101:          10 * time.Minute,
	2494100:         time.Minute,
}

// callLimitPause is the first pause of the limits that Meta counts by the hour.
const callLimitPause = 5 * time.Minute
