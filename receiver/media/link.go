// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// opLink is the operation of the download of a link.
const opLink = "fetch linked media"

// sendable are the sizes up to which a business may send files, by the type of the message.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media,
// "Supported media types"
var sendable = map[string]int64{
	"image":    5 << 20,
	"audio":    16 << 20,
	"video":    16 << 20,
	"document": 100 << 20,
	"sticker":  500 << 10,
}

// newLinkClient returns a client for the links of answers. A link may come from what a person wrote, so that it must not
// reach what only the cluster can reach. The host of bird.baseURL may be private, since the configuration names it.
func newLinkClient(live *config.Live, clock clockwork.Clock) *httpclient.Client {
	proxies := environmentProxies()

	exempt := func(hostPort string) bool {
		hostPort = strings.ToLower(hostPort)
		return hostPort == addressOf(live.Current().AIBaseURL()) || slices.Contains(proxies, hostPort)
	}

	return httpclient.New(httpclient.Options{
		Clock:   clock,
		Peer:    "the server of the linked file",
		Setting: "the link of the answer",
		// A bridge often links to files that it serves itself.
		Authorities: func() string { return live.Current().Secrets.AICA },
		Guard: &httpclient.Guard{
			Refuse: refusePrivateLink,
			Exempt: exempt,
		},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return linkFailure(CodeLink, "the server of the linked file redirects more than 3 times")
			}

			next.Header.Del("Referer") // it would reveal the link

			if f := checkLink(live.Current(), next.URL); f != nil {
				return f
			}

			return checkBridge(live.Current(), next, via)
		},
		KeepEncoding: true,
	})
}

// checkBridge refuses a redirect of another host to that of bird.baseURL or openAI.baseURL. That host may be private, for the
// links of the AI itself: others could let the receiver send a person what only the cluster can reach there. Another port of the
// host must be public, such as one that redirects http to https.
func checkBridge(settings *config.Snapshot, next *http.Request, via []*http.Request) error {
	isSame := strings.EqualFold(next.URL.Hostname(), via[len(via)-1].URL.Hostname())
	if isSame || hostPort(next.URL) != addressOf(settings.AIBaseURL()) {
		return nil
	}

	return linkFailure(CodeHost, "the server of the linked file redirects to the host of the AI: let the answer link to it")
}

// FetchLink downloads the file that an answer links to, for a message of this type: an image, video, audio, document or
// sticker. It waits for space in the spool until ctx ends. Errors are of type *failure.Error. The caller removes the file.
func (s *Spool) FetchLink(ctx context.Context, kind, link string) (_ *File, err error) {
	settings := s.live.Current()

	address, parseErr := url.Parse(link)
	if parseErr != nil {
		return nil, linkFailure(CodeLink, "the link is not an absolute http or https URL")
	}

	if fault := checkLink(settings, address); fault != nil {
		return nil, fault
	}

	limit := min(sendable[kind], s.capacity)

	file, _, err := s.newFile(ctx, limit)
	if err != nil {
		return nil, err
	}

	defer func() { err = file.removeAfter(err) }()

	if fault := s.downloadLink(ctx, settings, file, address); fault != nil {
		return nil, fault
	}

	file.Filename = path.Base("file/" + strings.TrimRight(address.Path, "/"))
	file.MimeType = sendableType(kind, file)
	file.shrink()

	return file, nil
}

// downloadLink fills file with at most the bytes that are reserved for it.
func (s *Spool) downloadLink(ctx context.Context, settings *config.Snapshot, file *File, address *url.URL) *failure.Error {
	response, fault := s.links.Open(ctx, httpclient.Call{
		Op:         opLink,
		Method:     http.MethodGet,
		BaseURL:    address.String(),
		Timeout:    settings.Media.DownloadTimeout,
		Idempotent: true,
	})

	switch {
	case fault == nil:
	case fault.Code == httpclient.CodeBadURL:
		return linkFailure(CodeLink, "the link is not an absolute http or https URL")
	case fault.Class == failure.Configuration: // of the file's server, or of the trust in it: no setting of the AI is wrong
		return linkFailure(fault.Code, fault.Text)
	default:
		return fault
	}

	defer response.Body.Close()

	if response.StatusCode != http.StatusOK {
		return s.linkRefused(response)
	}

	if response.ContentLength > file.reserved {
		return linkFailure(CodeTooLarge, "the linked file is larger than WhatsApp allows to send, or than media.maxSpoolBytes")
	}

	sum, fault := s.write(file, response.Body)

	switch {
	case fault != nil:
		return fault
	case file.Size > file.reserved:
		return linkFailure(CodeTooLarge, "the linked file is larger than WhatsApp allows to send, or than media.maxSpoolBytes")
	case file.Size == 0:
		return linkFailure(CodeLink, "the linked file is empty")
	}

	file.SHA256 = hex.EncodeToString(sum[:])
	file.MimeType = response.Header.Get("Content-Type")

	return nil
}

// checkLink refuses links that are not of the web, and addresses that a proxy must not reach either.
func checkLink(settings *config.Snapshot, u *url.URL) *failure.Error {
	if (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" {
		return linkFailure(CodeLink, "the link is not an absolute http or https URL")
	}

	ip, err := netip.ParseAddr(u.Hostname())

	switch {
	case err != nil && endsInNumber(u.Hostname()):
		return linkFailure(CodeLink, "the host of the link ends in a number and is not an address")
	case err != nil, hostPort(u) == addressOf(settings.AIBaseURL()) && !httpclient.IsMetadata(ip):
		return nil
	}

	return refusePrivateLink(ip.Unmap())
}

// endsInNumber reports whether the last label of a host is a number. A proxy may take such a host for an IPv4 address in another
// form, such as 2852039166 or 0xa9.0xfea9fe.
//
// Source: https://url.spec.whatwg.org/#ends-in-a-number-checker
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	label := host[strings.LastIndexByte(host, '.')+1:]

	return strings.Trim(label, "0123456789") == "" || strings.HasPrefix(strings.ToLower(label), "0x")
}

func refusePrivateLink(ip netip.Addr) *failure.Error {
	if public(ip) {
		return nil
	}

	return linkFailure(CodeHost, "the linked file is at an address that is not public: serve it at a public address, or at the host of bird.baseURL")
}

// linkRefused classifies a response other than 200.
func (s *Spool) linkRefused(response *http.Response) *failure.Error {
	f := linkFailure(httpclient.StatusCode(response.StatusCode),
		fmt.Sprintf("the server of the linked file refuses the download with HTTP %d: check the link", response.StatusCode))
	f.RetryAfter = s.links.RetryAfter(response.Header)

	switch status := response.StatusCode; {
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests,
		status >= http.StatusInternalServerError:
		f.Class = failure.Transient
		f.Text = fmt.Sprintf("the server of the linked file is unavailable: HTTP %d", status)
	}

	return f
}

func linkFailure(code, text string) *failure.Error {
	return &failure.Error{
		Class: failure.Permanent,
		Op:    opLink,
		Code:  code,
		Text:  text,
	}
}
