// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// apiError is what one of Meta's error codes means for a send, in words a person can act on.
type apiError struct {
	class failure.Class
	text  string
}

// apiErrors is Meta's table. Its advice is followed where there is one; codes that are not listed are permanent below
// HTTP 500 and ambiguous from there on.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
var apiErrors = map[int]apiError{
	0:      {failure.Configuration, "the access token is expired or invalid: set a new one"},
	1:      {failure.Ambiguous, "Meta reports an unknown API error"},
	2:      {failure.Ambiguous, "Meta's API is down or overloaded"},
	3:      {failure.Configuration, "the app lacks a capability or permission: check whatsapp_business_messaging"},
	4:      {failure.RateLimited, "the app reached its API call limit"},
	10:     {failure.Configuration, "the permission was not granted or was removed: check whatsapp_business_messaging"},
	33:     {failure.Permanent, "the business phone number was deleted"},
	100:    {failure.Permanent, "Meta refuses a parameter of the request"},
	104:    {failure.Configuration, "the access token is missing: set one"},
	190:    {failure.Configuration, "the access token is expired or invalid: set a new one"},
	368:    {failure.Configuration, "the business account is blocked for policy violations"},
	80007:  {failure.RateLimited, "the business account reached its rate limit"},
	80008:  {failure.RateLimited, "the business account reached its rate limit"},
	130403: {failure.Permanent, "the business has blocked this person"},
	130429: {failure.RateLimited, "the phone number reached its throughput limit"},
	130472: {failure.Permanent, "the person's number is part of a Meta experiment"},
	130497: {failure.Permanent, "the business may not message people in this country"},
	131000: {failure.Ambiguous, "Meta reports that something went wrong"},
	131005: {failure.Configuration, "access denied: check the permissions of the access token"},
	131008: {failure.Permanent, "a required parameter is missing"},
	131009: {failure.Permanent, "a parameter has a value that Meta refuses"},
	131016: {failure.Transient, "a service of Meta is temporarily unavailable"},
	131021: {failure.Permanent, "sender and recipient are the same number"},
	131026: {failure.Permanent, "the message is undeliverable: no WhatsApp number, terms not accepted, or the app is too old"},
	131030: {failure.Permanent, "the recipient is not on the test number's list of allowed numbers"},
	131031: {failure.Configuration, "the business account is locked"},
	131037: {failure.Configuration, "the phone number's display name needs approval"},
	131042: {failure.Configuration, "the business account has a payment problem"},
	131045: {failure.Configuration, "the phone number is not registered correctly"},
	131047: {failure.Permanent, "more than 24 hours since the person's last message: only a template may be sent"},
	131048: {failure.RateLimited, "the phone number is restricted for spam"},
	131049: {failure.Permanent, "Meta chose not to deliver the message"},
	131050: {failure.Permanent, "the person stopped marketing messages"},
	131051: {failure.Permanent, "the message type is not supported"},
	131053: {failure.Permanent, "the media could not be uploaded"},
	131056: {failure.RateLimited, "too many messages to this person in a short time"},
	131057: {failure.Transient, "the business account is in maintenance mode"},
	131062: {failure.Permanent, "this message cannot be sent to a business-scoped user id"},
	131064: {failure.Configuration, "messaging is limited for template classification violations"},
	132000: {failure.Permanent, "the template's parameters do not match in number"},
	132001: {failure.Permanent, "the template does not exist in this language or is not approved"},
	132015: {failure.Permanent, "the template is paused"},
	132016: {failure.Permanent, "the template is disabled"},
	133004: {failure.Transient, "Meta's server is temporarily unavailable"},
	133010: {failure.Configuration, "the phone number is not registered on the Cloud API"},
	134011: {failure.Configuration, "the WhatsApp Payments terms are not accepted"},
	135000: {failure.Permanent, "Meta refuses the request's parameters"},
	137000: {failure.Permanent, "the person's identity key does not match"},
}

// lookupError finds the meaning of a code in an answer with the given HTTP status.
func lookupError(code, httpStatus int) apiError {
	if e, ok := apiErrors[code]; ok {
		return e
	}
	switch {
	case code >= 200 && code <= 299:
		return apiError{failure.Configuration, "a permission was not granted or was removed"}
	case httpStatus == 401 || httpStatus == 403:
		return apiError{failure.Configuration, "Meta refuses the access token"}
	case httpStatus == 429:
		return apiError{failure.RateLimited, "Meta limits the rate of calls"}
	case httpStatus >= 500:
		return apiError{failure.Ambiguous, "Meta's server failed"}
	}
	return apiError{failure.Permanent, "Meta refuses the request"}
}
