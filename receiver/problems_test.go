// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestProblemsOfNumbers checks that the problem of each refused phone number stays while another number sends.
func TestProblemsOfNumbers(t *testing.T) {
	const second, third = "4200", "4300"

	h := newHarness(t, func(c *config.Config) {
		byDefault(c)
		withoutTyping(c)

		c.CloudAPI.PhoneNumberIDs = append(c.CloudAPI.PhoneNumberIDs, second, third)
	})

	var faults []int

	for _, id := range []string{second, third} {
		faults = append(faults, h.Graph.Faults.Add(standin.Fault{
			PathPrefix: "/" + id + "/messages",
			Status:     http.StatusBadRequest,
			Body:       `{"error":{"code":100,"error_subcode":33}}`,
		}))
	}

	h.start()

	for _, id := range []string{second, third} {
		h.deliver(http.StatusOK, standin.TextDelivery(id, luis, "Luis", standin.Wamid(id), "hello", time.Now()))
		h.waitFor("the problem", func() bool { return h.status().Problems["number:"+id] != "" })
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.waitFor("the answer to be recorded", func() bool { return !h.Local.Busy() })

	problems := h.status().Problems
	if len(problems) != 2 || problems["number:"+third] == "" || !strings.Contains(problems["number:"+second], "no access to this phone number") {
		t.Errorf("problems = %v, want those of the numbers that Meta refuses", problems)
	}

	for _, id := range faults {
		h.Graph.Faults.Remove(id)
	}

	h.pass(10*time.Minute, time.Minute)
	h.waitSent(3)
	h.waitIdle()

	if problems := h.status().Problems; len(problems) > 0 {
		t.Errorf("problems = %v, want none", problems)
	}
}

// TestProblemEndsWithItsSettings checks that a refused credential is not a problem any more once it is replaced, also if nothing
// waits for it: a person has taken over the conversation that met the problem.
func TestProblemEndsWithItsSettings(t *testing.T) {
	for role, tc := range map[string]struct {
		operation string
		correct   string
		token     health.TokenState
	}{
		config.RoleAccessToken:   {"send message", folder.AccessToken, health.TokenRefused},
		config.RoleBirdAccessKey: {"process_text_message", folder.BirdAccessKey, health.TokenUnknown},
	} {
		t.Run(role, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { byDefault(c); withoutTyping(c) })
			h.writeSecret(role, "0", "expired")
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitFor("the problem", func() bool { return h.status().Problems[tc.operation] != "" })
			h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/take-over", nil)
			h.waitIdle()

			if report := h.status(); report.Problems[tc.operation] == "" || report.Token != tc.token {
				t.Errorf("problems = %v with token %s, want the refusal", report.Problems, report.Token)
			}

			h.writeSecret(role, "0", tc.correct)
			h.Local.Live.Reload()

			if report := h.status(); len(report.Problems) > 0 || report.Token != health.TokenUnknown {
				t.Errorf("problems = %v with token %s, want none", report.Problems, report.Token)
			}
		})
	}
}
