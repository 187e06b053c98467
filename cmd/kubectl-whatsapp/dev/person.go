// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	// maxText is how many characters a text can have on WhatsApp, maxCaption a caption.
	maxText    = 4096
	maxCaption = 1024
	// catalogID is the catalog of made-up orders.
	catalogID = "1122334455667788"
)

var errNotNow = errors.New("not possible now")

// postMessage serves a message of a person, with or without a file.
func (s *Server) postMessage(w http.ResponseWriter, r *http.Request) {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "multipart/form-data" {
		serve(http.StatusCreated, s.send)(w, r)
		return
	}

	message, err := s.upload(w, r)
	if err != nil {
		writeError(w, statusOf(err), err)
		return
	}

	writeJSON(w, http.StatusCreated, message)
}

// write shows a message of a person and delivers it.
func (s *Server) write(person Person, m Message, inbound standin.PersonMessage, what string) (Message, error) {
	if m.ReplyTo != "" {
		quoted, err := s.chat.message(person.ID, m.ReplyTo)
		if err != nil {
			return Message{}, err
		}

		inbound.ReplyTo = quoted.ID
		if quoted.From == FromPerson {
			inbound.QuotedFrom = person.Number
		}
	}

	inbound.ID = standin.Wamid(rand.Text())
	inbound.Forwarded = m.Forwarded
	m.ID = inbound.ID
	m.Person = person.ID
	m.From = FromPerson
	m.At = s.clock.Now()
	m.Status = StatusSending
	m.EventID = eventOf(m.ID)

	s.chat.add(m)

	err := s.meta.deliver(inbound, delivery{
		person:  person,
		message: m.ID,
		what:    what + " from " + person.Name,
	})
	if err != nil {
		s.chat.setStatus(m.ID, StatusFailed, &Failure{Text: err.Error()})
		return Message{}, err
	}

	return m, nil
}

// send sends a message without a file.
func (s *Server) send(n NewMessage) (Message, error) {
	person, err := s.chat.person(n.Person)
	if err != nil {
		return Message{}, err
	}

	m := Message{
		Type:      n.Type,
		Text:      n.Text,
		ReplyTo:   n.ReplyTo,
		Forwarded: n.Forwarded,
	}
	inbound := standin.PersonMessage{Type: n.Type}

	switch n.Type {
	case TypeText:
		if err := checkText("text", n.Text, 1, maxText); err != nil {
			return Message{}, err
		}

		inbound.Object = map[string]string{"body": n.Text}
	case TypeLocation:
		m.Location = n.Location
		inbound.Object, err = locationObject(n.Location)
	case TypeContacts:
		m.Contacts = n.Contacts
		inbound.Object, err = contactObjects(n.Contacts)
	case TypeOrder:
		m.Products = orderedProducts(n.Products)
		inbound.Object = orderObject(n.Text, m.Products)
	case TypeUnsupported:
		m.Text = "A poll"
		inbound.Object = map[string]string{"type": "poll_creation"}
		inbound.Code = 131051
		inbound.Details = "Message type is currently not supported."
	default:
		err = fmt.Errorf("type %q is unknown: want text, location, contacts, order or unsupported, or send a form with a file", n.Type)
	}

	if err != nil {
		return Message{}, err
	}

	return s.write(person, m, inbound, n.Type)
}

func checkText(name, text string, shortest, longest int) error {
	if n := utf8.RuneCountInString(text); n < shortest || n > longest || !utf8.ValidString(text) {
		return fmt.Errorf("%s must have %d to %d characters", name, shortest, longest)
	}

	return nil
}

func locationObject(l *Location) (any, error) {
	if l == nil || l.Latitude < -90 || l.Latitude > 90 || l.Longitude < -180 || l.Longitude > 180 {
		return nil, errors.New("location needs a latitude from -90 to 90 and a longitude from -180 to 180")
	}

	return l, nil // the fields have Meta's names
}

func contactObjects(contacts []Contact) (any, error) {
	if len(contacts) < 1 || len(contacts) > 20 {
		return nil, errors.New("contacts must have 1 to 20 cards")
	}

	var cards []map[string]any

	for _, c := range contacts {
		if err := checkText("the name of a contact", c.Name, 1, 100); err != nil {
			return nil, err
		}

		first, _, _ := strings.Cut(c.Name, " ")
		card := map[string]any{"name": map[string]string{"formatted_name": c.Name, "first_name": first}}

		if c.Phone != "" {
			card["phones"] = []map[string]string{{
				"phone": c.Phone,
				"wa_id": onlyDigits(c.Phone),
				"type":  "CELL",
			}}
		}

		if c.Email != "" {
			card["emails"] = []map[string]string{{"email": c.Email, "type": "WORK"}}
		}

		if c.Company != "" {
			card["org"] = map[string]string{"company": c.Company}
		}

		cards = append(cards, card)
	}

	return cards, nil
}

func onlyDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}

		return -1
	}, text)
}

func orderedProducts(products []Product) []Product {
	if len(products) == 0 {
		products = []Product{{ID: "sku-1", Quantity: 2, Price: 30.5}, {ID: "sku-2", Price: 25}}
	}

	complete := make([]Product, len(products))

	for i, p := range products {
		p.Catalog = catalogOr(p.Catalog)
		p.Quantity = max(p.Quantity, 1)

		if p.Currency == "" {
			p.Currency = "COP"
		}

		complete[i] = p
	}

	return complete
}

func catalogOr(id string) string {
	if id == "" {
		return catalogID
	}

	return id
}

func orderObject(text string, products []Product) any {
	var items []map[string]any

	for _, p := range products {
		items = append(items, map[string]any{
			"product_retailer_id": p.ID,
			"quantity":            p.Quantity,
			"item_price":          p.Price,
			"currency":            p.Currency,
		})
	}

	return map[string]any{
		"catalog_id":    products[0].Catalog,
		"text":          text,
		"product_items": items,
	}
}

// file is a file that a person sends.
type file struct {
	name, mimeType string
	content        []byte
}

// upload sends a message with a file, from a form.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) (Message, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload+maxRequest)

	parts, err := r.MultipartReader()
	if err != nil {
		return Message{}, fmt.Errorf("read the form: %w", err)
	}

	fields := map[string]string{}

	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return Message{}, errors.New("the form has no part file")
		}

		if err != nil {
			return Message{}, fmt.Errorf("read the form: %w", err)
		}

		if part.FormName() == PartFile {
			sent, err := readFile(part)
			if err != nil {
				return Message{}, err
			}

			return s.sendFile(fields, sent)
		}

		value, err := io.ReadAll(io.LimitReader(part, 16<<10))
		if err != nil {
			return Message{}, fmt.Errorf("read the form: %w", err)
		}

		if len(fields) < 16 {
			fields[part.FormName()] = string(value)
		}
	}
}

func readFile(part *multipart.Part) (file, error) {
	content, err := io.ReadAll(http.MaxBytesReader(nil, part, maxUpload))
	if err != nil {
		return file{}, fmt.Errorf("read the file: %w", err)
	}

	if len(content) == 0 {
		return file{}, errors.New("the file is empty")
	}

	sent := file{
		name:     part.FileName(),
		mimeType: part.Header.Get("Content-Type"),
		content:  content,
	}
	if sent.mimeType == "" || sent.mimeType == "application/octet-stream" {
		sent.mimeType = http.DetectContentType(content)
	}

	return sent, nil
}

// fileTypes are the types of messages with a file, with the start of its MIME type.
var fileTypes = map[string]string{
	TypeImage:    "image/",
	TypeVideo:    "video/",
	TypeAudio:    "audio/",
	TypeVoice:    "", // browsers record in containers of video, too
	TypeSticker:  "image/webp",
	TypeDocument: "",
}

func (s *Server) sendFile(fields map[string]string, sent file) (Message, error) {
	person, err := s.chat.person(fields[PartPerson])
	if err != nil {
		return Message{}, err
	}

	kind := fields[PartType]

	prefix, known := fileTypes[kind]
	switch {
	case !known:
		return Message{}, fmt.Errorf("type %q is unknown: want image, video, audio, voice, document or sticker", kind)
	case !strings.HasPrefix(sent.mimeType, prefix):
		return Message{}, fmt.Errorf("a file of type %s is no %s: WhatsApp sends it as a document", sent.mimeType, kind)
	}

	if err := checkText("text", fields[PartText], 0, maxCaption); err != nil {
		return Message{}, err
	}

	m := Message{
		Type:    kind,
		Text:    fields[PartText],
		ReplyTo: fields[PartReplyTo],
		Media: &Media{
			ID:       newMediaID(),
			MIMEType: sent.mimeType,
			Size:     int64(len(sent.content)),
			Voice:    kind == TypeVoice,
		},
	}
	m.Media.URL = mediaURL(m.Media.ID)

	sum := sha256.Sum256(sent.content)
	object := map[string]any{
		"id":        m.Media.ID,
		"mime_type": sent.mimeType,
		"sha256":    base64.StdEncoding.EncodeToString(sum[:]),
	}

	switch kind {
	case TypeVoice:
		m.Type = TypeAudio
		m.Text = ""
		object["voice"] = true
	case TypeAudio:
		m.Text = ""
		object["voice"] = false
	case TypeSticker:
		m.Text = ""
		object["animated"] = false
	case TypeDocument:
		m.Media.Filename = sent.name
		object["filename"] = sent.name
	}

	if m.Text != "" {
		object["caption"] = m.Text
	}

	s.rig.Graph.PutMedia(m.Media.ID, sent.mimeType, sent.content)

	return s.write(person, m, standin.PersonMessage{Type: m.Type, Object: object}, kind)
}

// newMediaID returns an id in Meta's form.
func newMediaID() string {
	n, err := rand.Int(rand.Reader, big.NewInt(900_000_000_000_000))
	if err != nil {
		panic(err) // crypto/rand never fails
	}

	return fmt.Sprint(n.Int64() + 100_000_000_000_000)
}

func mediaURL(id string) string { return "/api/media/" + id }

// tap sends the reply of an option that a person taps.
func (s *Server) tap(t Tap) (Message, error) {
	person, err := s.chat.person(t.Person)
	if err != nil {
		return Message{}, err
	}

	m, err := s.chat.message(person.ID, t.Message)
	if err != nil {
		return Message{}, err
	}

	option, ok := m.option(t.Option)
	if !ok {
		return Message{}, fmt.Errorf("the message has no option %q that can be tapped", t.Option)
	}

	reply := Message{
		Type:    TypeTap,
		Text:    option.Title,
		ReplyTo: m.ID,
	}
	inbound := standin.PersonMessage{Type: TypeInteractive}

	switch option.Kind {
	case OptionReply:
		inbound.Object = map[string]any{
			"type":         "button_reply",
			"button_reply": map[string]string{"id": option.ID, "title": option.Title},
		}
	case OptionRow:
		row := map[string]string{"id": option.ID, "title": option.Title}
		if option.Description != "" {
			row["description"] = option.Description
		}

		inbound.Object = map[string]any{"type": "list_reply", "list_reply": row}
	case OptionQuickReply:
		inbound.Type = "button"
		inbound.Object = map[string]string{"payload": option.ID, "text": option.Title}
	case OptionForm:
		values, err := formValues(option, t.Form)
		if err != nil {
			return Message{}, err
		}

		inbound.Object = map[string]any{
			"type": "nfm_reply",
			"nfm_reply": map[string]string{
				"name":          "flow",
				"body":          "Sent",
				"response_json": values,
			},
		}
	default:
		return Message{}, fmt.Errorf("an option of kind %s cannot be tapped here", option.Kind)
	}

	sent, err := s.write(person, reply, inbound, "a tap on “"+option.Kind+"”")
	if err == nil {
		s.chat.change(m.ID, func(m *Message) { m.Tapped = true })
	}

	return sent, err
}

func formValues(option Option, form map[string]any) (string, error) {
	values := map[string]any{"flow_token": option.Value}
	for name, value := range form {
		values[name] = value
	}

	encoded, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("encode the form: %w", err)
	}

	return string(encoded), nil
}

// option returns an option that can be tapped, of the message or of its cards.
func (m *Message) option(id string) (Option, bool) {
	lists := [][]Option{m.Options}
	for _, card := range m.Cards {
		lists = append(lists, card.Options)
	}

	for _, list := range lists {
		for _, option := range list {
			if option.ID == id {
				return option, true
			}
		}
	}

	return Option{}, false
}

// own returns a message that a person wrote and did not delete.
func (s *Server) own(person, message string) (Person, Message, error) {
	p, err := s.chat.person(person)
	if err != nil {
		return Person{}, Message{}, err
	}

	m, err := s.chat.message(p.ID, message)

	switch {
	case err != nil:
		return Person{}, Message{}, err
	case m.From != FromPerson:
		return Person{}, Message{}, errors.New("only messages of the person can be changed")
	case m.Deleted:
		return Person{}, Message{}, fmt.Errorf("a deleted message cannot be changed: %w", errNotNow)
	}

	return p, m, nil
}

// edit changes the text or the caption of a person's message.
func (s *Server) edit(e Edit) (Message, error) {
	person, m, err := s.own(e.Person, e.Message)
	if err != nil {
		return Message{}, err
	}

	var edited map[string]any

	switch m.Type {
	case TypeText:
		err = checkText("text", e.Text, 1, maxText)
		edited = map[string]any{"type": TypeText, TypeText: map[string]string{"body": e.Text}}
	case TypeImage, TypeVideo, TypeDocument:
		err = checkText("text", e.Text, 0, maxCaption)
		edited = map[string]any{"type": m.Type, m.Type: map[string]string{
			"id":        m.Media.ID,
			"mime_type": m.Media.MIMEType,
			"caption":   e.Text,
		}}
	default:
		err = fmt.Errorf("a message of type %s has no text to change", m.Type)
	}

	if err != nil {
		return Message{}, err
	}

	err = s.amend(person, "edit", map[string]any{"original_message_id": m.ID, "message": edited})
	if err != nil {
		return Message{}, err
	}

	m, _ = s.chat.change(m.ID, func(m *Message) {
		m.Text = e.Text
		m.Edited = true
	})

	return m, nil
}

// amend delivers something that is no message of its own in the chat.
func (s *Server) amend(person Person, kind string, object any) error {
	return s.meta.deliver(
		standin.PersonMessage{
			ID:     standin.Wamid(rand.Text()),
			Type:   kind,
			Object: object,
		},
		delivery{person: person, what: kind + " from " + person.Name})
}

// deleteMessage deletes a person's message for everyone.
func (s *Server) deleteMessage(d Delete) (Message, error) {
	person, m, err := s.own(d.Person, d.Message)
	if err != nil {
		return Message{}, err
	}

	if err := s.amend(person, "revoke", map[string]string{"original_message_id": m.ID}); err != nil {
		return Message{}, err
	}

	m, _ = s.chat.change(m.ID, func(m *Message) {
		*m = Message{
			ID:      m.ID,
			Person:  m.Person,
			From:    m.From,
			Type:    m.Type,
			At:      m.At,
			Status:  m.Status,
			EventID: m.EventID,
			Deleted: true,
		}
	})

	return m, nil
}

// react sets or removes a person's reaction.
func (s *Server) react(r React) (Message, error) {
	person, err := s.chat.person(r.Person)
	if err != nil {
		return Message{}, err
	}

	m, err := s.chat.message(person.ID, r.Message)

	switch {
	case err != nil:
		return Message{}, err
	case m.Deleted:
		return Message{}, fmt.Errorf("a deleted message takes no reaction: %w", errNotNow)
	}

	if err := checkText("emoji", r.Emoji, 0, 16); err != nil {
		return Message{}, err
	}

	reaction := map[string]string{"message_id": m.ID}
	if r.Emoji != "" {
		reaction["emoji"] = r.Emoji
	}

	if err := s.amend(person, "reaction", reaction); err != nil {
		return Message{}, err
	}

	m, _ = s.chat.change(m.ID, func(m *Message) { m.react(FromPerson, r.Emoji) })

	return m, nil
}

// react replaces the reaction of one side.
func (m *Message) react(from, emoji string) {
	var others []Reaction

	for _, r := range m.Reactions {
		if r.From != from {
			others = append(others, r)
		}
	}

	if emoji != "" {
		others = append(others, Reaction{From: from, Emoji: emoji})
	}

	m.Reactions = others
}
