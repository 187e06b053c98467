// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// imageTypes are the types of the pictures that a model takes.
//
// Source: https://platform.openai.com/docs/guides/images-vision
var imageTypes = []string{"image/png", "image/jpeg", "image/webp", "image/gif"}

// maxFileBytes is the size of a file in a request.
//
// Source: https://platform.openai.com/docs/guides/pdf-files
const maxFileBytes = 50 << 20

// checkImageURL validates the URL of a picture: a web address, or a data URL of a picture.
func checkImageURL(param, link string) error {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return nil
	}

	mime, _, err := readDataURL(link)

	switch {
	case err != nil:
		return OpenAIError{
			Message: fmt.Sprintf("Invalid '%s.image_url.url'. Expected a base64-encoded data URL with an image MIME type "+
				"(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got %v.", param, err),
			Param: param + ".image_url.url",
			Code:  "invalid_value",
		}
	case !slices.Contains(imageTypes, mime):
		return OpenAIError{
			Message: "You uploaded an unsupported image. Please make sure your image has of one the following formats: " +
				"['png', 'jpeg', 'gif', 'webp'].",
			Code: "invalid_image_format",
		}
	}

	return nil
}

// checkFile validates a file: an uploaded one, or the data URL of a PDF with a name.
func checkFile(param, id, name, data string) error {
	if id != "" {
		return nil
	}

	switch {
	case data == "":
		return missingParameter(param + ".file.file_data")
	case name == "":
		return missingParameter(param + ".file.filename")
	}

	mime, size, err := readDataURL(data)
	if err == nil && mime != "application/pdf" {
		err = fmt.Errorf("unsupported MIME type '%s'", mime)
	}

	switch {
	case err != nil:
		return OpenAIError{
			Message: fmt.Sprintf("Invalid file data: '%s.file.file_data'. Expected a base64-encoded data URL with an application/pdf "+
				"MIME type (e.g. 'data:application/pdf;base64,aW1nIGJ5dGVzIGhlcmU='), but got %v.", param, err),
			Param: param + ".file.file_data",
			Code:  "invalid_value",
		}
	case size > maxFileBytes:
		return invalidValue(param+".file.file_data", "the file is larger than 50 MB.")
	}

	return nil
}

// readDataURL returns the type and the size of the content of a data URL in base64.
func readDataURL(link string) (mime string, size int, err error) {
	header, encoded, ok := strings.Cut(strings.TrimPrefix(link, "data:"), ",")
	if !ok || !strings.HasPrefix(link, "data:") {
		return "", 0, errors.New("a value without the prefix 'data:'")
	}

	mime, found := strings.CutSuffix(header, ";base64")
	if !found || strings.ContainsAny(mime, "; ") {
		return "", 0, fmt.Errorf("the header '%s'", header)
	}

	content, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", 0, errors.New("invalid base64")
	}

	if len(content) == 0 {
		return "", 0, errors.New("no content")
	}

	return mime, len(content), nil
}
