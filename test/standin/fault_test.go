// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFaultsMatchInOrder(t *testing.T) {
	var faults Faults
	faults.Add(Fault{
		Method:     "POST",
		PathPrefix: "/1/messages",
		Status:     500,
		Times:      2,
	})
	second := faults.Add(Fault{PathPrefix: "/v27.0/1/", Status: 501})
	faults.Add(Fault{PathPrefix: "/v1/messages/", Status: 502})

	take := func(method, path string) int {
		fault, _ := faults.take(request(t, method, "http://standin"+path, ""))
		return fault.Status
	}

	var got []int
	for _, call := range []string{
		"POST /v27.0/1/messages",
		"GET /v27.0/1/messages",
		"POST /v1.0/1/messages",
		"POST /v27.0/1/messages",
		"POST /v1/messages/text",
		"POST /v27.0/2/messages",
	} {
		method, path, _ := strings.Cut(call, " ")
		got = append(got, take(method, path))
	}

	if diff := cmp.Diff([]int{500, 501, 500, 501, 502, 0}, got); diff != "" {
		t.Errorf("faults played (-want +got):\n%s", diff)
	}

	if active := faults.Active(); len(active) != 2 || active[0].ID != second || active[0].Played != 2 {
		t.Errorf("active faults %+v", active)
	}

	if !faults.Remove(second) || faults.Remove(second) {
		t.Error("Remove reports wrongly whether the fault was active")
	}

	faults.Clear()

	if len(faults.Active()) != 0 {
		t.Error("faults are active after Clear")
	}
}

func TestGraphErrorFault(t *testing.T) {
	fault := GraphError(130429, "Cloud API message throughput has been reached.", 0)
	got := object(t, fault.Body)["error"].(map[string]any)
	trace, _ := got["fbtrace_id"].(string)
	delete(got, "fbtrace_id")

	want := map[string]any{
		"message":    "(#130429) Rate limit hit",
		"type":       "OAuthException",
		"code":       130429.0,
		"error_data": map[string]any{"messaging_product": "whatsapp", "details": "Cloud API message throughput has been reached."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}

	if fault.Status != 400 || !strings.HasPrefix(trace, "A") {
		t.Errorf("status %d, trace %q", fault.Status, trace)
	}

	if got := GraphError(131000, "", 503).Status; got != 503 {
		t.Errorf("status %d, want 503", got)
	}
}
