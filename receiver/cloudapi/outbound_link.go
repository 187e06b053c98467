// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

// LinkContent is a text of at most MaxBodyRunes characters with a button that opens a web page.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-cta-url-messages
type LinkContent struct {
	Frame
	Label string // of the button
	URL   string // http or https
}

type linkParameters struct {
	Label string `json:"display_text"`
	URL   string `json:"url"`
}

func (c LinkContent) put(message *outbound) (int, error) {
	if err := checkLength("the text above the link", c.Text, MaxBodyRunes, "send part of it before"); err != nil {
		return 0, err
	}

	var cut truncator

	link, err := linkOf("the link", c.Label, c.URL, &cut)
	if err != nil {
		return 0, err
	}

	object, err := c.object(&cut, "cta_url")
	if err != nil {
		return 0, err
	}

	object.Action.Name = "cta_url"
	object.Action.Parameters = link
	message.setInteractive(object)

	return cut.count, nil
}

func linkOf(what, label, url string, cut *truncator) (*linkParameters, error) {
	if isBlank(label) {
		return nil, invalidMessage("%s has no label: say on its button what it opens", what)
	}

	if !isWebAddress(url) {
		return nil, invalidMessage("%s has no absolute http or https URL, which the person's browser opens", what)
	}

	return &linkParameters{Label: cut.fit(label, maxLabel), URL: url}, nil
}
