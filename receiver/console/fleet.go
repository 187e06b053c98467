// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import "net/http"

// fleet shows all resources, the most urgent first.
func (c *console) fleet(w http.ResponseWriter, r *http.Request) {
	v := c.newView(w, r)

	resources, err := c.Source.Resources(r.Context())
	if err != nil {
		v.fail(err)
		return
	}

	worstFirst(resources)
	v.render(http.StatusOK, "fleet", resources)
}
