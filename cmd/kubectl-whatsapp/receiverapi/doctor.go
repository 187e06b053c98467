// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiverapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

// Doctor lets the receiver run its checks.
func (c *Client) Doctor(ctx context.Context, request doctor.Request) (doctor.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout) // longer than doctor.Limit
	defer cancel()

	body, err := json.Marshal(request)
	if err != nil {
		return doctor.Report{}, fmt.Errorf("encode the request for checks: %w", err)
	}

	call, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+doctor.Path, bytes.NewReader(body))
	if err != nil {
		return doctor.Report{}, fmt.Errorf("prepare a call of the receiver: %w", err)
	}

	call.Header.Set("Content-Type", "application/json")

	if c.Actor != "" {
		call.Header.Set(consoleapi.ActorHeader, c.Actor)
	}

	response, err := c.HTTP.Do(call)
	if err != nil {
		return doctor.Report{}, unreachable(err, c.URL)
	}

	defer response.Body.Close()

	if response.StatusCode >= http.StatusMultipleChoices {
		return doctor.Report{}, refused(response)
	}

	var report doctor.Report
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&report); err != nil {
		return doctor.Report{}, fmt.Errorf("read the report of the receiver: %w", err)
	}

	return report, nil
}
