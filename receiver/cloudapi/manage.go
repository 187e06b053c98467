// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// manage makes a call about the object with this id that may be repeated safely, so that no failure is Ambiguous.
// Parameters are the body of a POST; nil means none.
func (c *Client) manage(ctx context.Context, call call, id string, parameters any) ([]byte, error) {
	if !isID(id) {
		return nil, &failure.Error{
			Class: failure.Permanent,
			Op:    call.op,
			Code:  CodeBadID,
			Text:  "this is not an id of Meta",
		}
	}

	if parameters != nil {
		body, err := json.Marshal(parameters)
		if err != nil {
			return nil, fmt.Errorf("%s: encode the parameters: %w", call.op, err)
		}

		call.body = body
	}

	response, fault := c.do(ctx, call)
	if fault == nil {
		return response, nil
	}

	f := *fault
	if f.Class == failure.Ambiguous {
		f.Class = failure.Transient
	}

	switch {
	case f.Code == CodeInvalidParameter && f.Scope == failure.ScopeApp: // the text names the setting of the app
	case f.Code == CodeInvalidParameter && call.method == http.MethodGet:
		f.Text = "Meta does not know the id, or gives no access to it: check the id, and that the access token's system user has this asset"
	case f.Code == CodeInvalidParameter:
		f.Text = "Meta refuses a parameter: check the callback URL and the fields"
	case permissionCode.MatchString(f.Code):
		f.Text = "a permission is missing: the access token needs whatsapp_business_management, and its system user this asset"
	}

	return nil, &f
}

// permissionCode matches the codes with which Meta denies a token an action.
var permissionCode = regexp.MustCompile(`^(3|10|131005|2[0-9]{2})$`)

// IsPermission reports whether a code means that Meta denies a token or an app an action.
func IsPermission(code string) bool { return permissionCode.MatchString(code) }

// appFailed rewords the refusal of an app access token, which is made of the app secret, not of the access token.
func appFailed(err error, app App) error {
	if err == nil || !AppRefused(err) {
		return err
	}

	f := *failure.Of(err)
	f.Text = fmt.Sprintf("Meta refuses the app secret: check that it is the one of app %s", app.ID)

	return &f
}

// AppRefused reports whether a call with an app access token failed because Meta refuses the app's secret.
func AppRefused(err error) bool {
	f := failure.Of(err)
	return TokenRefused(f) || f.Code == CodeUnknownApp
}

func badResponse(op string) error {
	return &failure.Error{
		Class: failure.Transient,
		Op:    op,
		Code:  CodeBadResponse,
		Text:  "Meta answered 200 without the expected content",
	}
}

var verificationStatus = regexp.MustCompile(`HTTP Status Code = ([0-9]{1,3})`)

// callbackResponse returns the callback's answer to Meta's verification request, from the text of Meta's error.
func callbackResponse(body []byte) string {
	switch found := verificationStatus.FindSubmatch(body); {
	case found == nil:
		return ""
	case string(found[1]) == "0":
		return "; Meta could not reach it"
	default:
		return "; it answered HTTP " + string(found[1])
	}
}
