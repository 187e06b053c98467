// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	_ "embed" // the samples
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// number is the phone number of the business in all requests. It is invented, like everything in them.
const number = "106540352242922"

//go:embed samples/photo.jpg
var photo []byte

//go:embed samples/voice.ogg
var voice []byte

//go:embed samples/clip.mp4
var clip []byte

//go:embed samples/offer.pdf
var offer []byte

// SampleMedia returns a small file for a method with media, in the place of a person's.
func SampleMedia(m assistant.Method) *assistant.Media { return newPerson().file(m).Media }

// content is a file in memory.
type content []byte

// Open implements assistant.Content.
func (c content) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c)), nil }

// person writes to the bridge. A run has its own person, so that a bridge with a memory does not know them.
type person struct {
	number string // without +
	seed   string
	sent   int
}

func newPerson() *person {
	seed := rand.Text()
	sum := sha256.Sum256([]byte(seed))

	return &person{number: "1555010" + strconv.Itoa(1000+(int(sum[0])<<8|int(sum[1]))%9000), seed: seed}
}

// common returns the properties of a new message.
func (p *person) common() assistant.Common {
	p.sent++
	id := p.seed + strconv.Itoa(p.sent)
	sum := sha256.Sum256([]byte(id))
	now := time.Now().UTC().Truncate(time.Second)

	return assistant.Common{
		SchemaVersion:      1,
		EventID:            hex.EncodeToString(sum[:16]),
		Channel:            "whatsapp",
		PhoneNumberID:      number,
		WABAID:             standin.DeliveryBusinessAccountID,
		DisplayPhoneNumber: standin.DeliveryDisplayPhoneNumber,
		MessageID:          standin.Wamid(id),
		Timestamp:          strconv.FormatInt(now.Unix(), 10),
		ReceivedAt:         now,
		From:               new(p.number),
		ContactInfo:        assistant.Contact{WaID: new(p.number), Name: new("Ana")},
		ConversationKey:    number + ":" + p.number,
	}
}

// text returns a request about a text.
func (p *person) text(words string) assistant.Request {
	return textRequest(p.common(), words)
}

// textRequest returns the first request about a text.
func textRequest(common assistant.Common, words string) assistant.Request {
	return assistant.Request{
		Method:  assistant.ProcessText,
		Attempt: 1,
		Body:    assistant.TextMessage{Common: common, Text: words},
		Text:    words,
	}
}

// hidden returns a request of a person whose number Meta hides.
func (p *person) hidden() assistant.Request {
	common := p.common()
	userID := "US." + p.number
	common.From = nil
	common.ContactInfo = assistant.Contact{UserID: &userID, Username: new("ana")}
	common.ConversationKey = number + ":" + userID

	return textRequest(common, "hola")
}

// inGroup returns a request of a person in a group.
func (p *person) inGroup() assistant.Request {
	common := p.common()
	common.GroupID = "Y2FwaV9ncm91cDoxNTU1"
	common.ConversationKey = number + ":group:" + common.GroupID

	return textRequest(common, "hola")
}

// replying returns a request about a text that quotes a message and came from an advertisement, long after it was written.
func (p *person) replying() assistant.Request {
	common := p.common()
	common.AgeSeconds = 3600
	common.Context = json.RawMessage(`{"from":"15550783881","id":"wamid.quoted"}`)
	common.Referral = json.RawMessage(`{"source_type":"ad","source_id":"1","headline":"Coffee","ctwa_clid":"c"}`)
	common.ConversationID = new("c-1")

	request := textRequest(common, "hola")
	request.Attempt = 2

	return request
}

// media returns the description of a file.
func (p *person) media(mimeType, filename string, file content) *assistant.Media {
	sum := sha256.Sum256(file)

	return &assistant.Media{
		ID:       strconv.Itoa(1000 + p.sent),
		MimeType: mimeType,
		SHA256:   hex.EncodeToString(sum[:]),
		Size:     int64(len(file)),
		Filename: filename,
		Content:  file,
	}
}

// large returns a request about a document of this size in bytes.
func (p *person) large(size int) assistant.Request {
	request := p.file(assistant.ProcessDocument)
	request.Media = p.media("application/pdf", "offer.pdf", append(content(offer), make([]byte, size-len(offer))...))

	return request
}

// file returns a request of a method with media.
func (p *person) file(m assistant.Method) assistant.Request {
	common := p.common()
	request := assistant.Request{Method: m, Attempt: 1}
	analysis := func(kind, filename string) assistant.MediaAnalysis {
		return assistant.MediaAnalysis{
			Common:   common,
			Filename: filename,
			Metadata: assistant.MediaMetadata{Type: kind, MimeType: request.Media.MimeType},
		}
	}

	switch m {
	case assistant.ProcessImage, assistant.AnalyzeImage:
		request.Media = p.media("image/jpeg", "", photo)
		request.Text = "[photo]"
		request.Body = assistant.ImageMessage{Common: common, MimeType: "image/jpeg"}

		if m == assistant.AnalyzeImage {
			request.Body = analysis("image", "")
		}
	case assistant.ProcessAudio, assistant.TranscribeAudio:
		request.Media = p.media("audio/ogg; codecs=opus", "", voice)
		request.Text = "[voice message]"
		request.Body = assistant.AudioMessage{
			Common:   common,
			MimeType: request.Media.MimeType,
			Voice:    true,
		}

		if m == assistant.TranscribeAudio {
			request.Body = analysis("audio", "")
		}
	case assistant.ProcessVideo, assistant.AnalyzeVideo:
		request.Media = p.media("video/mp4", "", clip)
		request.Text = "[video]"
		request.Body = assistant.VideoMessage{
			Common:   common,
			Caption:  "look",
			MimeType: "video/mp4",
		}

		if m == assistant.AnalyzeVideo {
			request.Body = analysis("video", "")
		}
	case assistant.ProcessDocument, assistant.ParseDocument:
		request.Media = p.media("application/pdf", "offer.pdf", offer)
		request.Text = "[document offer.pdf]"
		request.Body = assistant.DocumentMessage{
			Common:   common,
			Filename: "offer.pdf",
			MimeType: "application/pdf",
		}

		if m == assistant.ParseDocument {
			request.Body = analysis("document", "offer.pdf")
		}
	}

	return request
}

// transports are the two ways in which the contract carries a file, by their names in a report.
var transports = []struct {
	name    string
	setting config.MediaTransport
}{
	{"base64", config.TransportBase64},
	{"multipart", config.TransportMultipart},
}
