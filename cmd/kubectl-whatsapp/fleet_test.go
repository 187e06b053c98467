// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// testFleet looks at all resources of a namespace through the console, and at one after its receiver was replaced.
func (c *testCluster) testFleet(t *testing.T) {
	r := openReceiver(t)
	ports := map[int]string{
		9090: r.Local.AdminAddr(),
		9091: r.Local.ConsoleAddr(),
	}
	c.kubelet.Run(t, c.namespace, "sales-6", resources.SelectorLabels("sales"), ports, "")

	tool := startTool(t, c.args("console")...)
	address := strings.TrimSpace(tool.out.waitFor(t, "http://.*\n")[0])

	get := func(path string) (int, string) {
		t.Helper()

		response, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()

		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}

		return response.StatusCode, string(body)
	}

	resource := "/console/r/" + c.namespace + "/sales/"

	for path, want := range map[string]string{
		"/":                        c.namespace + "/sales",
		resource:                   "The last hour",
		resource + "conversations": "There is no such conversation.",
	} {
		if code, page := get(path); code != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%s answers %d, want %q in:\n%s", path, code, want, page)
		}
	}

	for path, want := range map[string]string{
		"/console/r/" + c.namespace + "/other/": "there is no WhatsAppWebhook other",
		"/console/r/elsewhere/sales/":           "There is no such resource",
	} {
		if code, page := get(path); code == http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%s answers %d, want %q in:\n%s", path, code, want, page)
		}
	}

	c.kubelet.Kill(t, c.namespace, "sales-6")
	c.kubelet.Run(t, c.namespace, "sales-7", resources.SelectorLabels("sales"), ports, "")

	if code, page := get(resource + "events"); code != http.StatusOK || !strings.Contains(page, "No event matches.") {
		t.Errorf("after the receiver was replaced the page answers %d:\n%s", code, page)
	}

	if code := tool.stop(); code != 0 {
		t.Errorf("after Ctrl-C the exit code is %d: %s", code, tool.err.text.String())
	}

	c.kubelet.Kill(t, c.namespace, "sales-7")
}
