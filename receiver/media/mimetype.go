// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"cmp"
	"io"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

// supported are the media types that WhatsApp sends, by the type of the message, and their file name extensions.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media,
// "Supported media types"
var supported = map[string]map[string]string{
	"image": {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"},
	"audio": {
		".aac": "audio/aac", ".amr": "audio/amr", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg",
	},
	"video":   {".mp4": "video/mp4", ".3gp": "video/3gpp"},
	"sticker": {".webp": "image/webp"},
	"document": {
		".txt":  "text/plain",
		".pdf":  "application/pdf",
		".doc":  "application/msword",
		".xls":  "application/vnd.ms-excel",
		".ppt":  "application/vnd.ms-powerpoint",
		".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	},
}

// Sends reports whether WhatsApp sends files of a MIME type in messages of a type. It sends documents of any type.
func Sends(kind, mimeType string) bool {
	return kind == "document" || slices.Contains(slices.Collect(maps.Values(supported[kind])), mimeType)
}

// genericType is the type of a file of which nothing is known.
const genericType = "application/octet-stream"

// sendableType returns the media type to declare for a downloaded file. The candidates are the type that the server
// declares, the type of the file name's extension, and the type of the content, in this order; the first that WhatsApp sends
// in messages of this type is used. If WhatsApp sends none of them, sendableType returns the type that the server declares,
// and Meta decides.
func sendableType(kind string, file *File) string {
	declared, _, err := mime.ParseMediaType(file.MimeType)
	if err != nil {
		declared = ""
	}

	types := supported[kind]

	for _, candidate := range []string{declared, types[strings.ToLower(path.Ext(file.Filename))], contentType(file)} {
		if candidate != "" && slices.Contains(slices.Collect(maps.Values(types)), candidate) {
			return candidate
		}
	}

	return cmp.Or(declared, genericType)
}

// contentType returns the media type that the first bytes of a file show.
func contentType(file *File) string {
	content, err := file.Open()
	if err != nil {
		return ""
	}
	defer content.Close()

	start := make([]byte, 512) // all that http.DetectContentType reads

	n, err := io.ReadFull(content, start)
	if err != nil && n == 0 {
		return ""
	}

	detected, _, _ := mime.ParseMediaType(http.DetectContentType(start[:n]))
	if detected == "application/ogg" {
		return "audio/ogg"
	}

	return detected
}
