// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// The keys of a media object that say where its file is.
const (
	keyID   = "id"   // of the uploaded file
	keyLink = "link" // Meta downloads it
	// keyUpload is our own, of bodies that are stored and never sent: the receiver downloads the file and uploads it.
	keyUpload = "upload"

	keyFilename = "filename" // of a document, as the person sees it
)

// Linked is a file of a message at an address.
type Linked struct {
	Type string // image, video, audio, document or sticker
	URL  string
}

// HasLink reports whether Meta has to download a file to send this body.
func HasLink(body []byte) bool { return hasMedia(body, keyLink) }

// WantsUpload reports whether a file of this body has to be uploaded before it can be sent.
func WantsUpload(body []byte) bool { return hasMedia(body, keyUpload) }

func hasMedia(body []byte, key string) bool {
	message, err := decodeNested(body)
	if err != nil {
		return false
	}

	found := false
	_ = eachMedia(message, func(_ string, object map[string]any) error {
		found = found || object[key] != nil
		return nil
	})

	return found
}

// ForUpload returns the body of a send whose linked files are to be uploaded first.
func ForUpload(body []byte) ([]byte, error) {
	return changeMedia(body, func(_ string, object map[string]any) error {
		if link := object[keyLink]; link != nil {
			delete(object, keyLink)
			object[keyUpload] = link
		}

		return nil
	})
}

// WithUploads returns the body of a send with the id that upload returns for each file at an address.
func WithUploads(body []byte, upload func(Linked) (id string, err error)) ([]byte, error) {
	return changeMedia(body, func(kind string, object map[string]any) error {
		for _, key := range []string{keyLink, keyUpload} {
			address, ok := object[key].(string)
			if !ok {
				continue
			}

			id, err := upload(Linked{Type: kind, URL: address})
			if err != nil {
				return err
			}

			delete(object, key)
			object[keyID] = id

			if name := nameOf(address); kind == "document" && object[keyFilename] == nil && name != "" {
				object[keyFilename] = name
			}
		}

		return nil
	})
}

func changeMedia(body []byte, change func(kind string, object map[string]any) error) ([]byte, error) {
	message, err := decodeNested(body)
	if err != nil {
		return nil, err
	}

	if err := eachMedia(message, change); err != nil {
		return nil, err
	}

	changed, err := json.Marshal(message)
	if err != nil {
		return nil, invalidMessage("the stored message cannot be encoded")
	}

	return changed, nil
}

// decodeNested decodes all levels of a body, and keeps the digits of its numbers.
func decodeNested(body []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()

	var message map[string]any
	if err := decoder.Decode(&message); err != nil || message == nil {
		return nil, invalidMessage("the stored message is not a JSON object")
	}

	return message, nil
}

// nameOf returns the name of the file at an address, or "" if its path has none.
func nameOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.HasSuffix(u.Path, "/") {
		return ""
	}

	return u.Path[strings.LastIndexByte(u.Path, '/')+1:]
}

// eachMedia calls visit with the media objects in a value: of a media message, and of headers and template parameters.
func eachMedia(value any, visit func(kind string, object map[string]any) error) error {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			if err := eachMedia(element, visit); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, property := range value {
			object, ok := property.(map[string]any)
			if ok && slices.Contains(whatsapp.MediaTypes, whatsapp.Text(key)) {
				if err := visit(key, object); err != nil {
					return err
				}
			}

			if err := eachMedia(property, visit); err != nil {
				return err
			}
		}
	}

	return nil
}
