// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import "encoding/json"

// WithCallback returns the body of a send with another biz_opaque_callback_data.
func WithCallback(body []byte, callback string) ([]byte, error) {
	message, err := decodeBody(body)
	if err != nil {
		return nil, err
	}

	message["biz_opaque_callback_data"], _ = json.Marshal(callback) // a string always encodes

	return encodeBody(message)
}

// HasContext reports whether the body of a send quotes a message.
func HasContext(body []byte) bool {
	message, err := decodeBody(body)
	return err == nil && message["context"] != nil
}

// WithoutContext returns the body of a send without the quotation of a message.
func WithoutContext(body []byte) ([]byte, error) {
	message, err := decodeBody(body)
	if err != nil {
		return nil, err
	}

	delete(message, "context")

	return encodeBody(message)
}

func decodeBody(body []byte) (map[string]json.RawMessage, error) {
	var message map[string]json.RawMessage
	if err := json.Unmarshal(body, &message); err != nil || message == nil {
		return nil, invalidMessage("the stored message is not a JSON object")
	}

	return message, nil
}

func encodeBody(message map[string]json.RawMessage) ([]byte, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return nil, invalidMessage("the stored message cannot be encoded")
	}

	return body, nil
}
