// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/s3"
)

const prefix = "messaging/sales"

// serve starts a stand-in for S3, and returns it with the settings and keys for it.
func serve(t *testing.T) (*s3.Server, *config.BackupBucket, config.Secrets) {
	t.Helper()

	server := s3.New()
	t.Cleanup(server.Close)

	settings := &config.BackupBucket{
		Endpoint: server.URL,
		Region:   server.Region,
		Bucket:   server.Bucket,
		Prefix:   prefix,
	}

	return server, settings, config.Secrets{BackupKeyID: server.KeyID, BackupSecret: server.Key}
}

func openBucket(t *testing.T, settings *config.BackupBucket, secrets config.Secrets) Target {
	t.Helper()

	target, err := OpenTarget(&config.Backup{S3: settings}, secrets)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(target.Close)

	return target
}

// content returns bytes that do not repeat.
func content(size int) []byte {
	data := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(data)

	return data
}

// TestTargets stores, lists, reads and deletes files, one of them larger than a part of an upload.
func TestTargets(t *testing.T) {
	_, settings, secrets := serve(t)

	for name, target := range map[string]Target{
		"folder": folder(t.TempDir()),
		"bucket": openBucket(t, settings, secrets),
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{
				"inbox-20261128T030000Z.db":        content(40 << 20),
				"inbox-20261128T030000Z.db.sha256": content(90),
			}

			for name, data := range files {
				if err := target.Put(t.Context(), name, bytes.NewReader(data), int64(len(data))); err != nil {
					t.Fatal(err)
				}
			}

			listed, err := target.List(t.Context())
			if err != nil || len(listed) != len(files) {
				t.Fatalf("listed %v, %v, want %d files", listed, err, len(files))
			}

			for _, file := range listed {
				opened, err := target.Open(t.Context(), file.Name)
				if err != nil {
					t.Fatal(err)
				}

				got, err := io.ReadAll(opened)
				if err != nil || !bytes.Equal(got, files[file.Name]) || file.Size != int64(len(got)) {
					t.Errorf("%s has %d other bytes than were written, %v", file.Name, len(got), err)
				}

				opened.Close()

				if err := target.Delete(t.Context(), file.Name); err != nil {
					t.Error(err)
				}

				if err := target.Delete(t.Context(), file.Name); err != nil {
					t.Errorf("delete a file that is gone: %v", err)
				}
			}

			if listed, err = target.List(t.Context()); err != nil || len(listed) != 0 {
				t.Errorf("listed %v, %v after all were deleted", listed, err)
			}
		})
	}
}

// TestRefusals checks what is said about requests that a store refuses, and that no text of it is repeated.
func TestRefusals(t *testing.T) {
	fail := func(status int, code string) func(*s3.Server, *config.BackupBucket, *config.Secrets) {
		return func(s *s3.Server, _ *config.BackupBucket, _ *config.Secrets) {
			s.Fail(func(*http.Request) (int, string) { return status, code })
		}
	}

	for name, c := range map[string]struct {
		change func(*s3.Server, *config.BackupBucket, *config.Secrets)
		class  failure.Class
		code   string
	}{
		"key":    {func(_ *s3.Server, _ *config.BackupBucket, k *config.Secrets) { k.BackupKeyID = "other" }, failure.Configuration, "InvalidAccessKeyId"},
		"secret": {func(_ *s3.Server, _ *config.BackupBucket, k *config.Secrets) { k.BackupSecret = "other" }, failure.Configuration, "SignatureDoesNotMatch"},
		"bucket": {func(_ *s3.Server, b *config.BackupBucket, _ *config.Secrets) { b.Bucket = "others" }, failure.Configuration, "NoSuchBucket"},
		"region": {func(_ *s3.Server, b *config.BackupBucket, _ *config.Secrets) { b.Region = "us-east-1" }, failure.Configuration, "AuthorizationHeaderMalformed"},
		"rights": {fail(http.StatusForbidden, "AccessDenied"), failure.Configuration, "AccessDenied"},
		"text":   {fail(http.StatusConflict, "the key wJalrXUtnFEMI is wrong"), failure.Configuration, ""},
		"metadata": {
			func(_ *s3.Server, b *config.BackupBucket, _ *config.Secrets) { b.Endpoint = "http://169.254.169.254" },
			failure.Configuration,
			httpclient.CodeMetadata,
		},
		"authorities": {
			func(_ *s3.Server, _ *config.BackupBucket, k *config.Secrets) { k.BackupCA = "no PEM" },
			failure.Configuration,
			httpclient.CodeBadCA,
		},
		"no server": {
			func(_ *s3.Server, b *config.BackupBucket, _ *config.Secrets) { b.Endpoint = "http://127.0.0.1:1" },
			failure.Transient,
			httpclient.CodeNoConnection,
		},
		"throttled": {fail(http.StatusServiceUnavailable, "SlowDown"), failure.Transient, "SlowDown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			server, settings, secrets := serve(t)
			c.change(server, settings, &secrets)

			target, err := OpenTarget(&config.Backup{S3: settings}, secrets)
			if err == nil {
				defer target.Close()

				err = target.Put(t.Context(), "inbox-20261128T030000Z.db", strings.NewReader("a copy"), 6)
			}

			f, ok := errors.AsType[*failure.Error](err)
			if !ok || f.Class != c.class || f.Code != c.code {
				t.Fatalf("failed with %v, want class %s and code %s", err, c.class, c.code)
			}

			if text := err.Error(); strings.Contains(text, "stand-in") || strings.Contains(text, secrets.BackupSecret) || strings.Contains(text, "127.0.0.1") {
				t.Errorf("the failure repeats text of the server or an address: %s", text)
			}
		})
	}
}

// TestAuthorities stores a copy at a server whose certificate is of a private authority, which the Secret names.
func TestAuthorities(t *testing.T) {
	server, authority := s3.NewTLS()
	t.Cleanup(server.Close)

	settings := &config.BackupBucket{
		Endpoint: server.URL,
		Region:   server.Region,
		Bucket:   server.Bucket,
		Prefix:   prefix,
	}
	secrets := config.Secrets{BackupKeyID: server.KeyID, BackupSecret: server.Key}

	_, err := openBucket(t, settings, secrets).List(t.Context())
	if f, ok := errors.AsType[*failure.Error](err); !ok || f.Code != httpclient.CodeUntrusted {
		t.Errorf("without the authority, List returned %v, want that the certificate is not trusted", err)
	}

	secrets.BackupCA = authority
	putAndList(t, openBucket(t, settings, secrets))
}

// TestAddressing names the bucket in the path and in the host name.
func TestAddressing(t *testing.T) {
	for addressing, want := range map[config.BucketAddressing]string{
		"":                           "s3.example.test /copies/" + prefix + "/",
		config.AddressingPath:        "s3.example.test /copies/" + prefix + "/",
		config.AddressingVirtualHost: "copies.s3.example.test /" + prefix + "/",
	} {
		t.Run(string(addressing), func(t *testing.T) {
			server, settings, secrets := serve(t)
			settings.Endpoint = "http://s3.example.test"
			settings.Addressing = addressing

			target, err := newBucket(settings, secrets)
			if err != nil {
				t.Fatal(err)
			}

			t.Cleanup(target.Close)

			target.idle.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(server.URL, "http://"))
			}

			var puts atomic.Pointer[string]

			server.Fail(func(r *http.Request) (int, string) {
				if r.Method == http.MethodPut {
					puts.Store(new(r.Host + " " + r.URL.Path))
				}

				return 0, ""
			})
			putAndList(t, target)

			if got := *puts.Load(); !strings.HasPrefix(got, want) {
				t.Errorf("a copy was put to %s, want %s", got, want)
			}
		})
	}
}

// putAndList stores a file and lists it.
func putAndList(t *testing.T, target Target) {
	t.Helper()

	const name = "inbox-20261128T030000Z.db"

	if err := target.Put(t.Context(), name, strings.NewReader("a copy"), 6); err != nil {
		t.Fatal(err)
	}

	files, err := target.List(t.Context())
	if diff := cmp.Diff([]File{{name, 6}}, files); err != nil || diff != "" {
		t.Errorf("listed with %v (-want +got):\n%s", err, diff)
	}
}

// TestEndpointIsNoMetadataService checks that nothing is sent to an endpoint at a link-local or metadata address.
func TestEndpointIsNoMetadataService(t *testing.T) {
	for _, endpoint := range []string{"http://169.254.169.254", "http://[fd00:ec2::254]", "http://100.100.100.200", "https://[fe80::1]:9000"} {
		_, settings, secrets := serve(t)
		settings.Endpoint = endpoint

		_, err := openBucket(t, settings, secrets).List(t.Context())
		if f, ok := errors.AsType[*failure.Error](err); !ok || f.Class != failure.Configuration || f.Code != httpclient.CodeMetadata {
			t.Errorf("%s: List returned %v, want that nothing is sent there", endpoint, err)
		}
	}
}

// TestObjectLock stores a small and a large backup in a bucket with object lock, which refuses content without its MD5.
func TestObjectLock(t *testing.T) {
	server, settings, secrets := serve(t)
	target := openBucket(t, settings, secrets)

	server.Fail(func(r *http.Request) (int, string) {
		if r.Method == http.MethodPut && r.Header.Get("Content-Md5") == "" {
			return http.StatusBadRequest, "InvalidRequest"
		}

		return 0, ""
	})

	for _, size := range []int{6, 40 << 20} {
		data := content(size)
		if err := target.Put(t.Context(), "inbox-20261128T030000Z.db", bytes.NewReader(data), int64(size)); err != nil {
			t.Fatal(err)
		}

		got, err := target.Open(t.Context(), "inbox-20261128T030000Z.db")
		if err != nil {
			t.Fatal(err)
		}

		if read, err := io.ReadAll(got); err != nil || !bytes.Equal(read, data) {
			t.Errorf("read %d bytes, %v; want the %d that were written", len(read), err, size)
		}

		got.Close()
	}
}

// TestInterruptedUploads lets an upload fail in its middle and without the right to end it. Nothing is visible, and the next
// attempt removes the parts.
func TestInterruptedUploads(t *testing.T) {
	server, settings, secrets := serve(t)
	target := openBucket(t, settings, secrets)

	server.Fail(func(r *http.Request) (int, string) {
		if r.Method == http.MethodDelete || r.URL.Query().Get("partNumber") == "2" {
			return http.StatusForbidden, "AccessDenied"
		}

		return 0, ""
	})

	data := content(40 << 20)
	if err := target.Put(t.Context(), "inbox-20261128T030000Z.db", bytes.NewReader(data), int64(len(data))); err == nil {
		t.Fatal("the upload succeeded")
	}

	if server.Uploads() != 1 || len(server.Keys()) != 0 {
		t.Fatalf("there are %d uploads and the objects %v, want one and none", server.Uploads(), server.Keys())
	}

	server.Fail(nil)

	if err := target.Sweep(t.Context()); err != nil || server.Uploads() != 0 {
		t.Errorf("%d uploads are left, %v", server.Uploads(), err)
	}
}
