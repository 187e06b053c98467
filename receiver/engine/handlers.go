// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// handler builds the request to the AI for one message type. It returns nil if there is nothing to ask.
type handler func(context.Context, *Engine, *attempt) (*assistant.Request, error)

// handlers are the handlers by message type. handleOther handles all other types.
var handlers = map[string]handler{
	"text":        fromMessage(textRequest),
	"image":       imageType.handle,
	"video":       videoType.handle,
	"audio":       audioType.handle,
	"document":    documentType.handle,
	"location":    fromMessage(locationRequest),
	"contacts":    fromMessage(contactsRequest),
	"interactive": fromMessage(interactiveRequest),
	"order":       fromMessage(orderRequest),
	"button":      fromMessage(buttonRequest),
	"edit":        fromMessage(editRequest),
	"revoke":      fromMessage(revokeRequest),
}

// fromMessage returns a handler for a type whose request follows from the message alone. A nil request of build means that
// the message has another shape than its type promises: it is sent as Meta delivered it.
func fromMessage(build func(*attempt) *assistant.Request) handler {
	return func(ctx context.Context, e *Engine, a *attempt) (*assistant.Request, error) {
		if request := build(a); request != nil {
			return request, nil
		}

		return handleOther(ctx, e, a)
	}
}

// handleOther sends a message to the AI as Meta delivered it: stickers, reactions, removed reactions, request_welcome, and
// types that Meta adds later. A message that Meta could not deliver (unsupported, unknown) has its own method. The method is
// disabled by default.
func handleOther(_ context.Context, _ *Engine, a *attempt) (*assistant.Request, error) {
	if request := undeliveredRequest(a); request != nil {
		return request, nil
	}

	return otherRequest(a), nil
}

// undeliveredRequest notifies the AI that Meta could not deliver the content of a message, such as a file of more than 100 MB
// (131052) or the first message to a number with coexistence (131060), so that it can ask the person to send it again. It
// returns nil for other messages.
func undeliveredRequest(a *attempt) *assistant.Request {
	reasons, ok := a.message.Errors()
	if !ok {
		return nil
	}

	return &assistant.Request{
		Method: assistant.ProcessUndelivered,
		Body: assistant.UndeliveredMessage{
			Common:  a.common(),
			Type:    string(a.message.Type),
			Errors:  reasons,
			Message: a.message.Raw,
		},
	}
}

// replacement returns the request that replaces one whose method the bridge lacks, or nil. An edit or a revocation has no
// replacement.
func (a *attempt) replacement(request *assistant.Request) *assistant.Request {
	if request.Method == assistant.ProcessEdit || request.Method == assistant.ProcessRevoke {
		return nil
	}

	return otherRequest(a)
}

func otherRequest(a *attempt) *assistant.Request {
	return &assistant.Request{
		Method: assistant.ProcessOther,
		Body: assistant.OtherMessage{
			Common:  a.common(),
			Type:    string(a.message.Type),
			Message: a.message.Raw,
		},
	}
}

func textRequest(a *attempt) *assistant.Request {
	return &assistant.Request{
		Method: assistant.ProcessText,
		Body: assistant.TextMessage{
			Common: a.common(),
			Text:   strings.Join(a.texts, "\n"),
		},
	}
}

func locationRequest(a *attempt) *assistant.Request {
	location, ok := a.message.Location()
	if !ok {
		return nil
	}

	return &assistant.Request{
		Method: assistant.ProcessLocation,
		Body: assistant.LocationMessage{
			Common: a.common(),
			Location: assistant.Location{
				Latitude:  location.Latitude,
				Longitude: location.Longitude,
				Name:      string(location.Name),
				Address:   string(location.Address),
			},
		},
	}
}

func contactsRequest(a *attempt) *assistant.Request {
	raw, ok := a.message.Contacts()
	if !ok {
		return nil
	}

	var cards []json.RawMessage
	if json.Unmarshal(raw, &cards) != nil {
		return nil
	}

	sent := len(cards)
	if cards = slices.DeleteFunc(cards, isNoObject); len(cards) == 0 && sent > 0 {
		return nil
	}

	return &assistant.Request{
		Method: assistant.ProcessContacts,
		Body: assistant.ContactsMessage{
			Common:   a.common(),
			Contacts: cards,
			Origin:   a.message.ContactsOrigin(),
		},
	}
}

func isNoObject(raw json.RawMessage) bool { return raw[0] != '{' }

// interactiveRequest returns the person's choice. Permissions to call that follow from a call, and kinds that Meta adds,
// have no request of their own.
func interactiveRequest(a *attempt) *assistant.Request {
	choice, ok := a.message.Interactive()
	if !ok {
		return nil
	}

	switch choice.Kind {
	case whatsapp.ButtonReply:
		return &assistant.Request{
			Method: assistant.ProcessButton,
			Body: assistant.ButtonInteraction{
				Common:      a.common(),
				ButtonID:    string(choice.ID),
				ButtonTitle: string(choice.Title),
				Source:      assistant.FromInteractive,
			},
		}
	case whatsapp.ListReply:
		return &assistant.Request{
			Method: assistant.ProcessList,
			Body: assistant.ListInteraction{
				Common:          a.common(),
				ListID:          string(choice.ID),
				ListTitle:       string(choice.Title),
				ListDescription: string(choice.Description),
			},
		}
	case whatsapp.FlowReply, whatsapp.CallReply:
		return &assistant.Request{
			Method: assistant.ProcessFlow,
			Body: assistant.FlowResponse{
				Common:   a.common(),
				FlowName: string(choice.Name),
				Response: choice.ResponseJSON,
			},
		}
	default:
		return nil
	}
}

func orderRequest(a *attempt) *assistant.Request {
	order, ok := a.message.Order()
	if !ok {
		return nil
	}

	return &assistant.Request{
		Method: assistant.ProcessOrder,
		Body:   assistant.OrderMessage{Common: a.common(), Order: order},
	}
}

// buttonRequest returns the quick reply to a template. Its payload takes the place of the button's id.
func buttonRequest(a *attempt) *assistant.Request {
	button, ok := a.message.Button()
	if !ok {
		return nil
	}

	return &assistant.Request{
		Method: assistant.ProcessButton,
		Body: assistant.ButtonInteraction{
			Common:      a.common(),
			ButtonID:    string(button.Payload),
			ButtonTitle: string(button.Text),
			Source:      assistant.FromTemplate,
		},
	}
}
