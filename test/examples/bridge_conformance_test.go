// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/bridgetest"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

// TestBridgesPassTheTestOfTheTool runs what users run against their own bridges: whatsapp-webhook bridge test.
func TestBridgesPassTheTestOfTheTool(t *testing.T) {
	for name, bridge := range bridges(t) {
		t.Run(name, func(t *testing.T) {
			messages := "http://" + port.Address(t)
			address := bridge.start(t,
				"BRIDGE_KEY="+bridgeKey,
				"MESSAGES_URL="+messages,
				"MESSAGES_KEY="+messagesKey,
			)

			pass(t, bridgetest.Options{
				URL:         address,
				Key:         bridgeKey,
				LaterURL:    messages,
				LaterKey:    messagesKey,
				LaterText:   "later",
				LaterWithin: waitLimit,
			})
		})
	}
}

// TestTheStandInForAFlowPassesTheTestOfTheTool does the same with the stand-in that all tests of flows use.
func TestTheStandInForAFlowPassesTheTestOfTheTool(t *testing.T) {
	r := newReceiver(t)

	pass(t, bridgetest.Options{
		URL:        r.FlowURL(),
		Flow:       true,
		Key:        folder.BirdAccessKey,
		AuthScheme: config.AuthBearer,
	})
}

// pass fails the test unless no check of the tool finds anything.
func pass(t *testing.T, o bridgetest.Options) {
	t.Helper()

	report, err := bridgetest.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}

	for _, check := range report.Checks {
		if check.State == bridgetest.Warning || check.State == bridgetest.Failure {
			t.Errorf("%s: %s: %s\nsent %s\ncame %s", check.Name, check.State, check.Detail, check.Sent, check.Came)
		}
	}

	if report.OK < 20 {
		t.Errorf("%d checks are ok, want all", report.OK)
	}
}
