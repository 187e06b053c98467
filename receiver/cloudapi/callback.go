// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import "encoding/json"

// WithCallback returns the body of a send with another biz_opaque_callback_data.
func WithCallback(body []byte, callback string) ([]byte, error) {
	var message map[string]json.RawMessage
	if err := json.Unmarshal(body, &message); err != nil || message == nil {
		return nil, unfit("the stored message is not a JSON object")
	}

	message["biz_opaque_callback_data"], _ = json.Marshal(callback) // a string always encodes

	changed, err := json.Marshal(message)
	if err != nil {
		return nil, unfit("the stored message cannot be encoded")
	}

	return changed, nil
}
