// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// fetchTimeout bounds the download of a linked medium.
const fetchTimeout = 30 * time.Second

// fetchMedia downloads the medium of a payload whose media are sent as a link, and checks it against its description. Other
// payloads stay as they are.
func (c *BirdCall) fetchMedia(ctx context.Context, client *http.Client) error {
	media, _ := c.Payload["media"].(map[string]any)
	if media["transport"] != "url" {
		return nil
	}

	link, _ := media["url"].(string)
	if link == "" {
		return errors.New("media has the transport url and no url")
	}

	if client == nil {
		client = http.DefaultClient
	}

	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody) //nolint:gosec // as below
	if err != nil {
		return fmt.Errorf("media.url: %w", err)
	}

	response, err := client.Do(request) //nolint:gosec // the stand-in fetches whatever its receiver links to
	if err != nil {
		return fmt.Errorf("fetching media.url: %w", err)
	}
	defer func() { _ = response.Body.Close() }()

	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("fetching media.url: answered %s", response.Status)
	}

	if err := c.readMedia(response.Body); err != nil {
		return fmt.Errorf("reading media.url: %w", err)
	}

	size, _ := media["size"].(float64)

	switch {
	case int64(size) != c.MediaBytes:
		return fmt.Errorf("media.size is %.0f, the link has %d bytes", size, c.MediaBytes)
	case media["sha256"] != c.MediaSHA256:
		return fmt.Errorf("media.sha256 is %v, the link has %s", media["sha256"], c.MediaSHA256)
	case media["mime_type"] != response.Header.Get("Content-Type"):
		return fmt.Errorf("media.mime_type is %v, the link has %s", media["mime_type"], response.Header.Get("Content-Type"))
	}

	return nil
}
