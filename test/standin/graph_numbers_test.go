// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNumberFields(t *testing.T) {
	graph := NewGraph(GraphOptions{PhoneNumberIDs: []string{"1"}, AccessTokens: []string{"token"}})
	address, client := start(t, graph)

	get := func(path string) (int, map[string]any) {
		status, body := do(t, client, request(t, http.MethodGet, address+"/v27.0/"+path, "", "Authorization", "Bearer token"))
		return status, object(t, body)
	}

	status, body := get("1?fields=status,quality_rating")
	if diff := cmp.Diff(map[string]any{"id": "1", "status": "CONNECTED", "quality_rating": "GREEN"}, body); status != http.StatusOK || diff != "" {
		t.Errorf("HTTP %d (-want +got):\n%s", status, diff)
	}

	graph.SetRules(func(r *Rules) {
		r.Numbers = map[string]NumberState{"1": {Status: "BANNED", Blocked: map[string]int{"WABA": 131042}}}
	})

	_, body = get("1?fields=status,health_status")
	if health, _ := body["health_status"].(map[string]any); body["status"] != "BANNED" || health["can_send_message"] != "BLOCKED" {
		t.Errorf("the number is %v, want it banned and blocked", body)
	}

	for _, path := range []string{"1?fields=id,no_such_field", "2?fields=id"} {
		if status, _ := get(path); status != http.StatusBadRequest {
			t.Errorf("GET %s is answered %d, want 400", path, status)
		}
	}
}
