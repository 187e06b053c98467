// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// Number is the state of a business phone number at Meta, in Meta's values. A value that Meta leaves out is empty.
type Number struct {
	Status       string // such as CONNECTED, PENDING or BANNED
	Platform     string // CLOUD_API, ON_PREMISE or NOT_APPLICABLE
	Mode         string // LIVE, or SANDBOX for a test number
	Verification string // of the code by SMS or call: VERIFIED, NOT_VERIFIED or EXPIRED
	NameStatus   string // of the display name: APPROVED, PENDING_REVIEW or DECLINED, for example
	Quality      string // GREEN, YELLOW, RED or UNKNOWN
	Throughput   string // STANDARD or HIGH
	OnBizApp     bool   // the WhatsApp Business app has the number too
	Health       []NodeHealth
}

// NodeHealth says whether one of the objects that a message needs lets messages through.
type NodeHealth struct {
	Entity string // PHONE_NUMBER, WABA, BUSINESS or APP
	State  string // AVAILABLE, LIMITED or BLOCKED
	Errors []int  // the codes of the reasons
}

// numberFields are the fields that are read. The number itself and its name are not: they are personal data.
var numberFields = []string{
	"id",
	"status",
	"platform_type",
	"account_mode",
	"code_verification_status",
	"name_status",
	"quality_rating",
	"throughput",
	"is_on_biz_app",
	"health_status",
}

// numberNode is a phone number with numberFields, and callbacksField if it was asked for.
type numberNode struct {
	Status       whatsapp.Text `json:"status"`
	Platform     whatsapp.Text `json:"platform_type"`
	Mode         whatsapp.Text `json:"account_mode"`
	Verification whatsapp.Text `json:"code_verification_status"`
	NameStatus   whatsapp.Text `json:"name_status"`
	Quality      whatsapp.Text `json:"quality_rating"`
	Throughput   struct {
		Level whatsapp.Text `json:"level"`
	} `json:"throughput"`
	OnBizApp whatsapp.Flag `json:"is_on_biz_app"`
	callbacksNode

	Health struct {
		Entities []struct {
			Type   whatsapp.Text `json:"entity_type"`
			State  whatsapp.Text `json:"can_send_message"`
			Errors []struct {
				Code whatsapp.Text `json:"error_code"`
			} `json:"errors"`
		} `json:"entities"`
	} `json:"health_status"`
}

// Number returns the state of a phone number. Errors are as those of AppSubscription.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/whatsapp-business-profile-api,
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/health-status
func (c *Client) Number(ctx context.Context, phoneNumberID string) (Number, error) {
	node, err := c.numberNode(ctx, phoneNumberID, numberFields)
	if err != nil {
		return Number{}, err
	}

	return node.number(), nil
}

// NumberWithCallbacks returns the state of a phone number and its overrides in one call. A token that may read only one of both gets
// neither.
func (c *Client) NumberWithCallbacks(ctx context.Context, phoneNumberID string) (Number, NumberCallbacks, error) {
	node, err := c.numberNode(ctx, phoneNumberID, append(slices.Clone(numberFields), callbacksField))
	if err != nil {
		return Number{}, NumberCallbacks{}, err
	}

	return node.number(), node.callbacks(), nil
}

func (c *Client) numberNode(ctx context.Context, phoneNumberID string, fields []string) (*numberNode, error) {
	op := "read the state of phone number " + phoneNumberID

	response, err := c.manage(ctx, call{
		op:     op,
		method: http.MethodGet,
		path:   phoneNumberID,
		query:  url.Values{"fields": {strings.Join(fields, ",")}},
	}, phoneNumberID, nil)
	if err != nil {
		return nil, err
	}

	node := &numberNode{}
	if json.Unmarshal(response, node) != nil {
		return nil, badResponse(op)
	}

	return node, nil
}

func (node *numberNode) number() Number {
	number := Number{
		Status:       string(node.Status),
		Platform:     string(node.Platform),
		Mode:         string(node.Mode),
		Verification: string(node.Verification),
		NameStatus:   string(node.NameStatus),
		Quality:      string(node.Quality),
		Throughput:   string(node.Throughput.Level),
		OnBizApp:     bool(node.OnBizApp),
	}

	for _, entity := range node.Health.Entities {
		health := NodeHealth{Entity: string(entity.Type), State: string(entity.State)}

		for _, reason := range entity.Errors {
			if code, err := strconv.Atoi(string(reason.Code)); err == nil {
				health.Errors = append(health.Errors, code)
			}
		}

		number.Health = append(number.Health, health)
	}

	return number
}

// Meaning returns what one of Meta's error codes means, in words that an administrator can act on.
func Meaning(code int) string { return lookupError(ReportedError{Code: code}).text }
