// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

// doctorPage shows the button that runs the checks.
func (c *console) doctorPage(v *view) error {
	v.render(http.StatusOK, "doctor", (*doctor.Report)(nil))

	return nil
}

// runDoctor runs the checks and shows their results.
func (c *console) runDoctor(v *view) error {
	report, err := call[doctor.Report](v.request.Context(), v.api, http.MethodPost, "/doctor", nil)
	if err != nil {
		return v.refused(err, func(status int) error {
			v.render(status, "doctor", (*doctor.Report)(nil))

			return nil
		})
	}

	v.render(http.StatusOK, "doctor", &report)

	return nil
}
