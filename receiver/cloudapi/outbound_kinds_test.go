// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFlows(t *testing.T) {
	flow := func(change func(*FlowContent)) FlowContent {
		content := FlowContent{
			Frame: Frame{Text: "t"},
			Label: "Book",
			ID:    "7",
		}
		change(&content)

		return content
	}
	object := func(parameters string) string {
		return `{"type":"flow","body":{"text":"t"},"action":{"name":"flow","parameters":{"flow_message_version":"3",` + parameters + `}}}`
	}

	checkEncoded(t, "interactive", map[string]encodedContent{
		"by id, the callback is the token": {
			content: flow(func(*FlowContent) {}),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"Book"`),
		},
		"by name, a draft": {
			content: flow(func(c *FlowContent) {
				c.ID = ""
				c.Name = "booking"
				c.Token = "mine"
				c.Mode = "draft"
			}),
			want: object(`"flow_token":"mine","flow_name":"booking","flow_cta":"Book","mode":"draft"`),
		},
		"to a screen with data": {
			content: flow(func(c *FlowContent) { c.Screen = "FIRST"; c.Data = json.RawMessage(`{"a":[1]}`) }),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"Book","flow_action":"navigate","flow_action_payload":{"screen":"FIRST","data":{"a":[1]}}`),
		},
		"with data of its endpoint": {
			content: flow(func(c *FlowContent) { c.Action = "data_exchange" }),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"Book","flow_action":"data_exchange"`),
		},
		"emoji in the label": {
			content: flow(func(c *FlowContent) { c.Label = "📅 Book 👩‍🔬 now 5️⃣ ©" }),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"Book now ©"`),
		},
		"a label of 21 characters": {
			content: flow(func(c *FlowContent) { c.Label = strings.Repeat("é", 21) }),
			want:    object(`"flow_token":"e:0","flow_id":"7","flow_cta":"` + strings.Repeat("é", 20) + `"`),
			cut:     1,
		},
	})
	checkUnfit(t, map[string]Content{
		"the text above the flow is empty": flow(func(c *FlowContent) { c.Text = " " }),
		"has 1025 characters":              flow(func(c *FlowContent) { c.Text = strings.Repeat("t", 1025) }),
		"either its id or its name":        flow(func(c *FlowContent) { c.ID = "" }),
		"and not both":                     flow(func(c *FlowContent) { c.Name = secret }),
		"an unknown mode":                  flow(func(c *FlowContent) { c.Mode = secret }),
		"an unknown action":                flow(func(c *FlowContent) { c.Action = secret }),
		"give neither screen nor data":     flow(func(c *FlowContent) { c.Action = "data_exchange"; c.Screen = secret }),
		"no JSON object with a property":   flow(func(c *FlowContent) { c.Data = json.RawMessage(`{}`) }),
		"data is no JSON object":           flow(func(c *FlowContent) { c.Data = json.RawMessage(`["` + secret + `"]`) }),
		"the flow has no label":            flow(func(c *FlowContent) { c.Label = "📅" }),
	})
}

func TestRequests(t *testing.T) {
	checkEncoded(t, "interactive", map[string]encodedContent{
		"location": {
			content: RequestContent{For: RequestLocation, Text: "Where?"},
			want:    `{"type":"location_request_message","body":{"text":"Where?"},"action":{"name":"send_location"}}`,
		},
		"contact": {
			content: RequestContent{For: RequestContact, Text: "Who?"},
			want:    `{"type":"request_contact_info","body":{"text":"Who?"},"action":{"name":"request_contact_info"}}`,
		},
		"call": {
			content: RequestContent{For: RequestCall, Text: "May we?"},
			want:    `{"type":"call_permission_request","body":{"text":"May we?"},"action":{"name":"call_permission_request"}}`,
		},
		"call without a text": {
			content: RequestContent{For: RequestCall, Text: " "},
			want:    `{"type":"call_permission_request","action":{"name":"call_permission_request"}}`,
		},
	})
	checkUnfit(t, map[string]Content{
		"the text above the request is empty": RequestContent{For: RequestLocation},
		"has 1025 characters":                 RequestContent{For: RequestCall, Text: strings.Repeat("t", 1025)},
		"asks for nothing known":              RequestContent{For: secret, Text: secret},
	})
}

func TestAddresses(t *testing.T) {
	ofIndia := Reply{To: Recipient{WaID: "919876543210"}}
	ofSingapore := Reply{To: Recipient{UserID: "SG.13491208655302741918"}}
	form := func(change func(*AddressContent)) AddressContent {
		content := AddressContent{Frame: Frame{Text: "Where to?"}, Country: "IN"}
		change(&content)

		return content
	}

	for name, tc := range map[string]struct {
		reply   Reply
		content Content
		want    string
	}{
		"of a number": {
			ofIndia,
			form(func(c *AddressContent) {
				c.Header = "H"
				c.Values = map[string]string{"city": "Mumbai", "in_pin_code": "400063"}
				c.Errors = map[string]string{"in_pin_code": "There is no such code."}
			}),
			`{"type":"address_message","header":{"type":"text","text":"H"},"body":{"text":"Where to?"},"action":{"name":"address_message","parameters":{"country":"IN","values":{"city":"Mumbai","in_pin_code":"400063"},"validation_errors":{"in_pin_code":"There is no such code."}}}}`,
		},
		"of a user id": {
			ofSingapore,
			form(func(c *AddressContent) {
				c.Country = "SG"
				c.Saved = []SavedAddress{{ID: "1", Values: map[string]string{"sg_post_code": "018956"}}}
			}),
			`{"type":"address_message","body":{"text":"Where to?"},"action":{"name":"address_message","parameters":{"country":"SG","saved_addresses":[{"id":"1","value":{"sg_post_code":"018956"}}]}}}`,
		},
	} {
		encoded, err := Encode(tc.reply, tc.content)
		if err != nil || !strings.Contains(string(encoded.Body), `"interactive":`+tc.want) {
			t.Errorf("%s: Encode() = %s, %v; want %s", name, encoded.Body, err, tc.want)
		}
	}

	for want, content := range map[string]AddressContent{
		"the text above the address form is empty": form(func(c *AddressContent) { c.Text = "" }),
		"an unknown country":                       form(func(c *AddressContent) { c.Country = "CO" }),
		"not of the address's country":             form(func(c *AddressContent) { c.Country = "SG" }),
		"has a file in its header":                 form(func(c *AddressContent) { c.HeaderMedia = &MediaContent{Type: "image", ID: "7"} }),
		"does not know in this country":            form(func(c *AddressContent) { c.Values = map[string]string{"unit_number": "7"} }),
		"in_pin_code has more than 6 characters":   form(func(c *AddressContent) { c.Values = map[string]string{"in_pin_code": "4000631"} }),
		"saved address 1 has no id":                form(func(c *AddressContent) { c.Saved = []SavedAddress{{}} }),
		"saved address 2 has no id of its own":     form(func(c *AddressContent) { c.Saved = []SavedAddress{{ID: "1"}, {ID: "1"}} }),
	} {
		if _, err := Encode(ofIndia, content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Encode() error = %v, want one with %q", err, want)
		}
	}
}

func TestContactCards(t *testing.T) {
	cards := func(cards ...string) ContactsContent {
		content := ContactsContent{}
		for _, card := range cards {
			content.Contacts = append(content.Contacts, json.RawMessage(card))
		}

		return content
	}

	checkEncoded(t, "contacts", map[string]encodedContent{
		"one name": {
			content: cards(`{"name":{"formatted_name":"Ana"},"phones":[{"phone":"+573001234567","wa_id":573001234567,"type":"CELL"}]}`),
			want:    `[{"name":{"formatted_name":"Ana","first_name":"Ana"},"phones":[{"phone":"+573001234567","wa_id":"573001234567","type":"CELL"}]}]`,
		},
		"parts of a name": {
			content: cards(`{"name":{"first_name":"Ana","last_name":"Ruiz","prefix":"Dr."}}`),
			want:    `[{"name":{"formatted_name":"Dr. Ana Ruiz","first_name":"Ana","last_name":"Ruiz","prefix":"Dr."}}]`,
		},
		"a company": {
			content: cards(`{"org":{"company":"Shrubs"},"urls":[{"url":"https://shrubs.example","type":"WORK"}]}`),
			want:    `[{"name":{"formatted_name":"Shrubs","first_name":"Shrubs"},"org":{"company":"Shrubs"},"urls":[{"url":"https://shrubs.example","type":"WORK"}]}]`,
		},
		"a card that a person sent": {
			content: cards(`{"origin":"other","vcard":"BEGIN:VCARD","name":{"formatted_name":"Ana","first_name":"A"},"birthday":"1999-01-23","emails":[{"email":"ana@mail.example"}],"addresses":[{"city":"Cali","country_code":"CO"}]}`),
			want:    `[{"name":{"formatted_name":"Ana","first_name":"A"},"birthday":"1999-01-23","emails":[{"email":"ana@mail.example"}],"addresses":[{"city":"Cali","country_code":"CO"}]}]`,
		},
	})
	checkUnfit(t, map[string]Content{
		"there are 0 contacts":          cards(),
		"there are 258 contacts":        cards(make([]string, 258)...),
		"contact 2 has not Meta's form": cards(`{"name":{"formatted_name":"A"}}`, `["`+secret+`"]`),
		"contact 1 has no name":         cards(`{"phones":[{"phone":"` + secret + `"}]}`),
		"contact 1 has a birthday":      cards(`{"name":{"formatted_name":"A"},"birthday":"` + secret + `"}`),
	})
}

func TestProducts(t *testing.T) {
	rose := Product{CatalogID: "1", RetailerID: "rose"}
	list := func(change func(*ProductListContent)) ProductListContent {
		content := ProductListContent{
			Frame:     Frame{Text: "t", Header: "H"},
			CatalogID: "1",
			Sections:  []ProductSection{{RetailerIDs: []string{"rose", "fern"}}},
		}
		change(&content)

		return content
	}
	sections := func(n, products int) []ProductSection {
		all := make([]ProductSection, n)
		for i := range all {
			all[i] = ProductSection{Title: "S", RetailerIDs: make([]string, products)}
			for j := range all[i].RetailerIDs {
				all[i].RetailerIDs[j] = "a"
			}
		}

		return all
	}

	checkEncoded(t, "interactive", map[string]encodedContent{
		"a product": {
			content: ProductContent{
				Text:    "t",
				Footer:  "F",
				Product: rose,
			},
			want: `{"type":"product","body":{"text":"t"},"footer":{"text":"F"},"action":{"catalog_id":"1","product_retailer_id":"rose"}}`,
		},
		"a product alone": {
			content: ProductContent{Product: rose},
			want:    `{"type":"product","action":{"catalog_id":"1","product_retailer_id":"rose"}}`,
		},
		"a list of products": {
			content: list(func(c *ProductListContent) {
				c.Sections = append(c.Sections, ProductSection{}, ProductSection{Title: strings.Repeat("s", 25), RetailerIDs: []string{"oak"}})
				c.Sections[0].Title = "Small"
			}),
			want: `{"type":"product_list","header":{"type":"text","text":"H"},"body":{"text":"t"},"action":{"sections":[{"title":"Small","product_items":[{"product_retailer_id":"rose"},{"product_retailer_id":"fern"}]},{"title":"` + strings.Repeat("s", 24) + `","product_items":[{"product_retailer_id":"oak"}]}],"catalog_id":"1"}}`,
			cut:  1,
		},
		"a catalog": {
			content: CatalogContent{Text: "t", Footer: "F"},
			want:    `{"type":"catalog_message","body":{"text":"t"},"footer":{"text":"F"},"action":{"name":"catalog_message"}}`,
		},
		"a catalog with a picture": {
			content: CatalogContent{Text: "t", Thumbnail: "rose"},
			want:    `{"type":"catalog_message","body":{"text":"t"},"action":{"name":"catalog_message","parameters":{"thumbnail_product_retailer_id":"rose"}}}`,
		},
	})
	checkUnfit(t, map[string]Content{
		"the product needs the id of its catalog": ProductContent{Product: Product{RetailerID: secret}},
		"the text below the product":              ProductContent{Text: strings.Repeat("t", 1025), Product: rose},
		"the text above the products is empty":    list(func(c *ProductListContent) { c.Text = "" }),
		"the list of products has no header":      list(func(c *ProductListContent) { c.Header = "" }),
		"has a file in its header":                list(func(c *ProductListContent) { c.HeaderMedia = &MediaContent{Type: "image", ID: secret} }),
		"needs the id of its catalog":             list(func(c *ProductListContent) { c.CatalogID = "" }),
		"the list has 0 products":                 list(func(c *ProductListContent) { c.Sections = nil }),
		"the list has 31 products":                list(func(c *ProductListContent) { c.Sections = sections(1, 31) }),
		"has 11 sections":                         list(func(c *ProductListContent) { c.Sections = sections(11, 1) }),
		"product 2 of the list has no id":         list(func(c *ProductListContent) { c.Sections[0].RetailerIDs[1] = "" }),
		"section 2 of the list of products has no title": list(func(c *ProductListContent) {
			c.Sections = sections(2, 1)
			c.Sections[1].Title = ""
		}),
		"the text above the catalog is empty": CatalogContent{},
	})
}

func TestCarousels(t *testing.T) {
	image := &MediaContent{Type: "image", Link: "https://a.example/b.jpg"}
	open := &CardLink{Label: "Open", URL: "https://a.example"}
	carousel := func(cards ...Card) CarouselContent { return CarouselContent{Text: "t", Cards: cards} }
	object := func(cards string) string {
		return `{"type":"carousel","body":{"text":"t"},"action":{"cards":[` + cards + `]}}`
	}
	header := `"header":{"type":"image","image":{"link":"https://a.example/b.jpg"}}`

	checkEncoded(t, "interactive", map[string]encodedContent{
		"links": {
			content: carousel(
				Card{
					Media: image,
					Text:  " *A*\n\nfine\n\nplant\nfor you ",
					Link:  open,
				},
				Card{
					Media: &MediaContent{Type: "video", ID: "7"},
					Text:  strings.Repeat("t", 161),
					Link:  open,
				},
			),
			want: object(`{"card_index":0,"type":"cta_url",` + header + `,"body":{"text":"*A*\nfine\nplant for you"},"action":{"name":"cta_url","parameters":{"display_text":"Open","url":"https://a.example"}}},` +
				`{"card_index":1,"type":"cta_url","header":{"type":"video","video":{"id":"7"}},"body":{"text":"` + strings.Repeat("t", 160) + `"},"action":{"name":"cta_url","parameters":{"display_text":"Open","url":"https://a.example"}}}`),
			cut: 1,
		},
		"buttons": {
			content: carousel(Card{Media: image, Buttons: buttons("A")}, Card{Media: image, Buttons: buttons("B")}),
			want: object(`{"card_index":0,"type":"cta_url",` + header + `,"action":{"buttons":[{"type":"quick_reply","quick_reply":{"id":"a","title":"A"}}]}},` +
				`{"card_index":1,"type":"cta_url",` + header + `,"action":{"buttons":[{"type":"quick_reply","quick_reply":{"id":"a","title":"B"}}]}}`),
		},
		"products": {
			content: carousel(Card{Product: &Product{CatalogID: "1", RetailerID: "a"}}, Card{Product: &Product{CatalogID: "1", RetailerID: "b"}}),
			want: object(`{"card_index":0,"type":"product","action":{"catalog_id":"1","product_retailer_id":"a"}},` +
				`{"card_index":1,"type":"product","action":{"catalog_id":"1","product_retailer_id":"b"}}`),
		},
	})

	card := Card{
		Media: image,
		Text:  secret,
		Link:  open,
	}
	twice := func(change func(*Card)) CarouselContent {
		changed := card
		change(&changed)

		return carousel(changed, changed)
	}
	product := func(catalog, id string) Card { return Card{Product: &Product{CatalogID: catalog, RetailerID: id}} }

	checkUnfit(t, map[string]Content{
		"the text above the cards is empty":        CarouselContent{Cards: []Card{card, card}},
		"there are 1 cards: give 2 to 10":          carousel(card),
		"there are 11 cards":                       carousel(make([]Card, 11)...),
		"card 2 differs from card 1":               carousel(card, Card{Media: image, Buttons: buttons("A")}),
		"or a product of one catalog":              carousel(product("1", "a"), product("2", "a")),
		"the product of a card needs":              carousel(product("1", ""), product("1", "b")),
		"card 1 has no picture":                    twice(func(c *Card) { c.Media = nil }),
		"card 1 has no picture: give it an image":  twice(func(c *Card) { c.Media = &MediaContent{Type: "document", ID: secret} }),
		"card 1 needs either a link or 1 to 3":     twice(func(c *Card) { c.Link = nil }),
		"card 1 needs either a link":               twice(func(c *Card) { c.Buttons = buttons("A") }),
		"a card has no absolute http or https URL": twice(func(c *Card) { c.Link = &CardLink{Label: "A", URL: secret} }),
		"a card has no label":                      twice(func(c *Card) { c.Link = &CardLink{URL: "https://a.example"} }),
		"card 1 has more than a product":           twice(func(c *Card) { c.Product = &Product{CatalogID: "1", RetailerID: "a"} }),
		"buttons 1 and 2 have the same id": twice(func(c *Card) {
			c.Link = nil
			c.Buttons = []ReplyButton{{ID: "a", Title: "A"}, {ID: "a", Title: "B"}}
		}),
	})
}

func TestSplitBody(t *testing.T) {
	words := func(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }

	for name, tc := range map[string]struct {
		text      string
		beginning []int // lengths
		end       int
	}{
		"fits":             {words(204), nil, 1019},
		"one text before":  {words(300), []int{1024}, 474},
		"a short end":      {words(900), []int{4094}, 404},
		"two texts before": {words(1200), []int{4094, 1024}, 879},
		"one word":         {strings.Repeat("x", 1025), []int{1024}, 1},
	} {
		beginning, end := SplitBody(tc.text)

		var lengths []int
		for _, text := range beginning {
			lengths = append(lengths, len(text))
		}

		if diff := cmp.Diff(tc.beginning, lengths); diff != "" || len(end) != tc.end {
			t.Errorf("%s: SplitBody() ends with %d characters, want %d; lengths before (-want +got):\n%s", name, len(end), tc.end, diff)
		}

		pieces := strings.Join(append(beginning, end), "")
		if strings.ReplaceAll(pieces, " ", "") != strings.ReplaceAll(tc.text, " ", "") {
			t.Errorf("%s: the pieces are not the text", name)
		}
	}
}

func TestGroupsTakeNothingToTap(t *testing.T) {
	group := Reply{To: Recipient{GroupID: "Y2FwaV9"}}

	for _, content := range []Content{
		LinkContent{
			Frame: Frame{Text: secret},
			Label: "A",
			URL:   "https://a.example",
		},
		LocationContent{Name: secret},
		ReactionContent{MessageID: "wamid.1", Emoji: "👍"},
		ContactsContent{Contacts: []json.RawMessage{[]byte(`{"name":{"formatted_name":"A"}}`)}},
	} {
		_, err := Encode(group, content)
		if err == nil || !strings.Contains(err.Error(), "groups take only texts, media and templates") {
			t.Errorf("Encode(%T) to a group: error = %v", content, err)
		}
	}

	for _, content := range []Content{TextContent{Text: "t"}, TemplateContent{Name: "n", Language: "es"}, MediaContent{Type: "image", ID: "7"}} {
		if _, err := Encode(group, content); err != nil {
			t.Errorf("Encode(%T) to a group: %v", content, err)
		}
	}
}

// TestRandomKindsAreAccepted sends random messages with something to tap to the stand-in for Graph: what Encode does not
// refuse, Meta takes.
func TestRandomKindsAreAccepted(t *testing.T) {
	client := standInClient(t)
	accepted := map[string]bool{}

	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string, most int) string {
			return rapid.StringOfN(rapid.RuneFrom([]rune("añ漢😀\n ")), 0, most, -1).Draw(rt, label)
		}
		some := func(label string, most int) string { return "x" + draw(label, most) }
		count := func(label string, least, most int) int { return rapid.IntRange(least, most).Draw(rt, label) }
		picture := &MediaContent{Type: rapid.SampledFrom([]string{"image", "video", "document"}).Draw(rt, "picture"), ID: "7"}
		frame := Frame{
			Header: draw("header", 70),
			Text:   some("text", 1030),
			Footer: draw("footer", 70),
		}
		many := func(label string, n int) []ReplyButton {
			all := make([]ReplyButton, n)
			for i := range all {
				all[i] = ReplyButton{ID: strconv.Itoa(i), Title: some(label, 30)}
			}

			return all
		}

		if rapid.Bool().Draw(rt, "file above") {
			frame.HeaderMedia = picture
		}

		var content Content

		kind := rapid.SampledFrom([]string{"link", "flow", "request", "products", "carousel"}).Draw(rt, "kind")
		switch kind {
		case "link":
			content = LinkContent{
				Frame: frame,
				Label: draw("label", 30),
				URL:   "https://a.example/" + strings.Repeat("b", count("path", 0, 99)),
			}
		case "flow":
			content = FlowContent{
				Frame:  frame,
				Label:  draw("label", 30),
				ID:     "7",
				Screen: rapid.SampledFrom([]string{"", "FIRST"}).Draw(rt, "screen"),
			}
		case "request":
			content = RequestContent{
				For:  rapid.SampledFrom([]Request{RequestLocation, RequestContact, RequestCall}).Draw(rt, "for"),
				Text: draw("text", 1030),
			}
		case "products":
			c := ProductListContent{Frame: frame, CatalogID: "1"}
			for range count("sections", 0, 11) {
				c.Sections = append(c.Sections, ProductSection{
					Title:       draw("section", 30),
					RetailerIDs: slices.Repeat([]string{"a"}, count("products", 0, 6)),
				})
			}

			content = c
		default:
			c := CarouselContent{Text: frame.Text}

			buttons := count("buttons", 0, 4)
			for range count("cards", 1, 11) {
				card := Card{
					Media:   picture,
					Text:    draw("card", 170),
					Buttons: many("title", buttons),
				}
				if buttons == 0 {
					card.Link = &CardLink{Label: some("label", 30), URL: "https://a.example"}
				}

				c.Cards = append(c.Cards, card)
			}

			content = c
		}

		encoded, err := Encode(reply, content)
		if err != nil {
			return
		}

		if _, err := client.Send(t.Context(), "42", encoded.Body); err != nil {
			rt.Fatalf("an encoded message is refused: %v\n%s", err, encoded.Body)
		}

		accepted[kind] = true
	})

	if len(accepted) < 4 {
		t.Errorf("only %v could be encoded", accepted)
	}
}
