// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"encoding/json"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/bridgetest"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/questions"
)

// decode returns the request that a question was. The files of people stay in the cluster: a small file of the same kind
// takes their place.
func decode(q *questions.Question) (assistant.Request, error) {
	read, known := bodies[q.Method]
	if !known {
		return assistant.Request{}, fmt.Errorf("this tool does not know the method %s of the receiver: use the tool of its version", q.Method)
	}

	body, err := read(q.Body)
	if err != nil {
		return assistant.Request{}, fmt.Errorf("read a question of the method %s: %w", q.Method, err)
	}

	request := assistant.Request{
		Method:  q.Method,
		Attempt: q.Attempt,
		Replays: q.Replays,
		Body:    body,
		Text:    q.Text,
	}
	if q.Media != nil {
		request.Media = bridgetest.SampleMedia(q.Method)
	}

	return request, nil
}

// bodies decode the bodies of the methods.
var bodies = map[assistant.Method]func(json.RawMessage) (assistant.Body, error){
	assistant.ProcessText:        as[assistant.TextMessage],
	assistant.ProcessImage:       as[assistant.ImageMessage],
	assistant.ProcessAudio:       as[assistant.AudioMessage],
	assistant.ProcessVideo:       as[assistant.VideoMessage],
	assistant.ProcessDocument:    as[assistant.DocumentMessage],
	assistant.ProcessLocation:    as[assistant.LocationMessage],
	assistant.ProcessContacts:    as[assistant.ContactsMessage],
	assistant.ProcessButton:      as[assistant.ButtonInteraction],
	assistant.ProcessList:        as[assistant.ListInteraction],
	assistant.ProcessFlow:        as[assistant.FlowResponse],
	assistant.ProcessOrder:       as[assistant.OrderMessage],
	assistant.ProcessEdit:        as[assistant.EditedMessage],
	assistant.ProcessRevoke:      as[assistant.RevokedMessage],
	assistant.ProcessUndelivered: as[assistant.UndeliveredMessage],
	assistant.ProcessOther:       as[assistant.OtherMessage],
}

func as[B assistant.Body](raw json.RawMessage) (assistant.Body, error) {
	var body B

	err := json.Unmarshal(raw, &body)

	return body, err
}
