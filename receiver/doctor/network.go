// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// Network is the way to other servers. The zero value is that of the system.
type Network struct {
	// Lookup resolves a host name. Defaults to the system's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Roots are the authorities that Meta trusts. Defaults to those of the system.
	Roots *x509.CertPool
}

// lookup returns the addresses of a host, which may be an address itself.
func (n Network) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}

	if n.Lookup != nil {
		return n.Lookup(ctx, host)
	}

	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// dial connects to the first address of a host that answers.
func (n Network) dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}

	addresses, err := n.lookup(ctx, host)
	if err != nil {
		return nil, err
	}

	dialer := net.Dialer{Timeout: callTimeout / 2, Control: httpclient.ControlMetadata}
	err = &net.DNSError{
		Err:        "no address",
		Name:       host,
		IsNotFound: true,
	}

	for _, address := range addresses {
		conn, failed := dialer.DialContext(ctx, network, net.JoinHostPort(address.Unmap().String(), port))
		if failed == nil {
			return conn, nil
		}

		err = failed
	}

	return nil, err
}

// client returns a client that follows no redirect and keeps no connection.
func (n Network) client(config *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			DialContext:       n.dial,
			TLSClientConfig:   config,
			DisableKeepAlives: true,

			ExpectContinueTimeout: time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// trusting returns a client that trusts authorities, as PEM, besides those of the system.
func (n Network) trusting(authorities string) (*http.Client, error) {
	roots := n.Roots
	if roots == nil {
		var err error
		if roots, err = x509.SystemCertPool(); err != nil {
			return nil, fmt.Errorf("read the authorities of the system: %w", err)
		}
	}

	if authorities != "" {
		roots = roots.Clone()
		if !roots.AppendCertsFromPEM([]byte(authorities)) {
			return nil, errors.New("no PEM certificate")
		}
	}

	return n.client(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}), nil
}

// reply is the answer to a request.
type reply struct {
	status int
	header http.Header
	body   string // its beginning
	tls    *tls.ConnectionState
	took   time.Duration
}

// do sends a request and reads the beginning of the answer.
func do(client *http.Client, request *http.Request) (reply, error) {
	request.Header.Set("User-Agent", httpclient.UserAgent)

	began := time.Now()

	response, err := client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()

	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return reply{}, err
	}

	return reply{
		status: response.StatusCode,
		header: response.Header,
		body:   string(body),
		tls:    response.TLS,
		took:   time.Since(began),
	}, nil
}

// reason says why there is no answer. It never repeats the error's text, which contains the URL with its query.
func reason(err error) string {
	var (
		unresolved *net.DNSError
		timeout    net.Error
		record     tls.RecordHeaderError
		untrusted  *tls.CertificateVerificationError
	)

	switch {
	case errors.As(err, &unresolved):
		return "the host name does not resolve"
	case errors.As(err, &untrusted):
		return "the certificate is not trusted: it has expired, is for another name, or its authority is unknown"
	case errors.As(err, &record):
		return "the server does not speak TLS on this port"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection is refused"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "there is no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the server closes the connection without an answer"
	}

	return "the connection fails"
}
