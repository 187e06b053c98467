// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// foreignCall makes a call to Meta that the receiver does not make. It must succeed.
func (h *harness) foreignCall(method, path, token string, body map[string]any) map[string]any {
	h.t.Helper()

	var payload io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}

		payload = bytes.NewReader(data)
	}

	request, err := http.NewRequestWithContext(h.t.Context(), method, h.meta+"/v27.0"+path, payload)
	if err != nil {
		h.t.Fatal(err)
	}

	request.Header.Set("Authorization", "Bearer "+token)

	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: waitLimit}

	response, err := client.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()

	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		h.t.Fatalf("%s %s = %d %v (%v)", method, path, response.StatusCode, answer, err)
	}

	return answer
}

const appToken = appID + "|" + appSecret

// setForeignApp gives the app a foreign callback URL.
func (h *harness) setForeignApp(fields string) {
	h.t.Helper()
	h.foreignCall(http.MethodPost, "/"+appID+"/subscriptions", appToken, map[string]any{
		"object":       "whatsapp_business_account",
		"callback_url": h.theirs(),
		"verify_token": foreign,
		"fields":       fields,
	})
}

// setForeignOverride sets a foreign override for the account or the number.
func (h *harness) setForeignOverride(id string) {
	h.t.Helper()

	override := map[string]any{"override_callback_uri": h.theirs(), "verify_token": foreign}
	if id == number {
		h.foreignCall(http.MethodPost, "/"+id, accessToken, map[string]any{"webhook_configuration": override})
		return
	}

	h.foreignCall(http.MethodPost, "/"+id+"/subscribed_apps", accessToken, nil)
	h.foreignCall(http.MethodPost, "/"+id+"/subscribed_apps", accessToken, override)
}

// metaState is the state of the subscriptions at Meta. URLs are without the prefix of the test server.
type metaState struct {
	App, Fields, Account, Number string
}

// metaState reads the state at Meta.
func (h *harness) metaState() metaState {
	h.t.Helper()

	var s metaState

	one := func(answer map[string]any) map[string]any {
		list, _ := answer["data"].([]any)
		if len(list) == 0 {
			return nil
		}

		return list[0].(map[string]any)
	}

	short := func(value any) string { text, _ := value.(string); return strings.TrimPrefix(text, h.hook) }
	if app := one(h.foreignCall(http.MethodGet, "/"+appID+"/subscriptions", appToken, nil)); app != nil {
		s.App = short(app["callback_url"])
		for _, field := range app["fields"].([]any) {
			s.Fields = strings.TrimPrefix(s.Fields+",", ",") + field.(map[string]any)["name"].(string)
		}
	}

	s.Account = "not subscribed"
	if subscribed := one(h.foreignCall(http.MethodGet, "/"+account+"/subscribed_apps", accessToken, nil)); subscribed != nil {
		s.Account = short(subscribed["override_callback_uri"])
	}

	configuration := h.foreignCall(http.MethodGet, "/"+number+"?fields=webhook_configuration", accessToken, nil)["webhook_configuration"]
	s.Number = short(configuration.(map[string]any)["phone_number"])

	return s
}
